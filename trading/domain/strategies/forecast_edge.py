"""The forecast high with its measured spread, read off at the half degrees (probability-and-sizing.md 1.2, 1.3 and 4)."""

from typing import ClassVar, Final

from milkbot.core.climate_day import standard_time
from milkbot.core.constants import ISSUANCE_BLOCK_AFTER
from trading.domain.strategies.base import Situation, Strategy
from trading.domain.types import ReasonCode, StrategyOutput
from trading.domain.weights import FORECAST_EDGE
from weather.domain.odds import whole_day_odds
from weather.domain.types import Outlook

OUTLIER_SDS: Final = 4.0
"""Climatological standard deviations beyond which one source alone is not believed."""
SOURCES_AGREE_F: Final = 3.0


class ForecastEdgeStrategy(Strategy):
    """P(a..b) = F(b + ½) − F(a − ½), F of the whole day's high; silent once the day shows its own."""

    name: ClassVar[str] = FORECAST_EDGE

    def evaluate(self, situation: Situation) -> tuple[StrategyOutput, ...]:
        outlook, edges = situation.outlook, situation.edges
        features = {"mu": outlook.mu, "sigma": outlook.sigma, "lead_hours": outlook.lead_hours}
        reason = _silence(situation)
        if reason is not None:
            return self.abstain(situation, reason, features)
        odds = situation.odds or whole_day_odds([outlook], edges)[0]
        return self.speak(odds.probabilities, odds.standard_errors, features, ReasonCode.FC_EDGE)


def _silence(situation: Situation) -> ReasonCode | None:
    outlook, policy = situation.outlook, situation.policy
    if situation.now - outlook.issued_at > ISSUANCE_BLOCK_AFTER:
        return ReasonCode.FC_STALE
    if outlook.lead_hours > policy.max_lead_hours:
        return ReasonCode.LEAD_TOO_LONG
    local = standard_time(situation.now, situation.std_offset_hours)
    begun = local.hour >= policy.whole_day_until_hour
    if local.date() > outlook.event_date or (local.date() == outlook.event_date and begun):
        return ReasonCode.DAY_UNDER_WAY
    return ReasonCode.FC_OUTLIER if _is_outlier(outlook) else None


def _is_outlier(outlook: Outlook) -> bool:
    """Whether the forecast is far from the season's usual, and no second source says so too."""
    usual = outlook.climatology
    if usual is None or abs(outlook.mu - usual.mean) <= OUTLIER_SDS * usual.sd:
        return False
    return (
        sum(abs(source.high - source.bias - outlook.mu) <= SOURCES_AGREE_F for source in outlook.sources) < 2
    )
