"""The forecast high with its measured spread, read off at the half degrees (probability-and-sizing.md 1.2, model 1)."""

from collections.abc import Sequence
from typing import ClassVar

from markets.domain.types import Bracket
from trading.domain.strategies.base import Strategy
from trading.domain.types import ReasonCode, StrategyOutput
from weather.domain.odds import outlook_probabilities, outlook_standard_errors
from weather.domain.types import Outlook


class DailyHighStrategy(Strategy):
    """H ~ N(forecast, sigma(city, lead, season)); P(a..b) = F(b + ½) - F(a - ½)."""

    name: ClassVar[str] = "daily_high"

    def evaluate(self, outlook: Outlook, brackets: Sequence[Bracket]) -> tuple[StrategyOutput, ...]:
        edges = [(bracket.low_f, bracket.high_f) for bracket in brackets]
        probabilities = outlook_probabilities(outlook, edges)
        errors = outlook_standard_errors(outlook, edges)
        features = {"mu": outlook.mu, "sigma": outlook.sigma, "lead_hours": outlook.lead_hours}
        return tuple(
            StrategyOutput(
                strategy=self.name,
                p_yes=p_yes,
                uncertainty=min(error, 1.0),
                features=features,
                valid=True,
                reasons=(ReasonCode.FC_EDGE.value,),
            )
            for p_yes, error in zip(probabilities, errors, strict=True)
        )
