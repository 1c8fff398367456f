"""A price that left the forecast without news is expected to come back to it (technical specification 4's example).

Source: project reference on probability and sizing, section 4. In an efficient market the usual outcome is that the price
knew something: hence the high bar, the silence after news, and the small weight it starts with.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import sqrt
from typing import ClassVar, Final

from trading.domain.market_expert import Quotes
from trading.domain.strategies.base import Situation, Strategy
from trading.domain.types import ReasonCode, StrategyOutput
from trading.domain.weights import PRICE_REVERSION
from weather.domain.types import Outlook

ACTS_ABOVE: Final = 2.5
"""|z| of at least one bracket."""
NEWS_LASTS: Final = timedelta(minutes=30)
"""Forecasts are priced within 10 to 30 minutes (reference, 0.4)."""
PRICE_NOISE: Final = 0.01
"""Dollars a mid moves by without a reason, beside half its spread: a tick."""


class PriceReversionStrategy(Strategy):
    """z = (fair − mid) / √(se_fair² + σ_mid²); where it is large and nothing new is known, the forecast's word."""

    name: ClassVar[str] = PRICE_REVERSION

    def evaluate(self, situation: Situation) -> tuple[StrategyOutput, ...]:
        if not situation.fair:
            return self.abstain(situation, ReasonCode.FORECAST_MISSING)
        score = largest_score(situation.fair, situation.errors, situation.quotes)
        features = {"z_score": score}
        if not is_quiet(situation.outlook, situation.now):
            return self.abstain(situation, ReasonCode.MR_NEWS_BLOCK, features)
        if abs(score) <= ACTS_ABOVE:
            return self.abstain(situation, ReasonCode.MR_QUIET, features)
        return self.speak(situation.fair, situation.errors, features, ReasonCode.MR_Z)


def largest_score(fair: Sequence[float], errors: Sequence[float], quotes: Quotes) -> float:
    """The z of the bracket furthest from its price, with its sign; 0 when nothing is quoted on both sides."""
    largest = 0.0
    for p_yes, error, bid, ask in zip(fair, errors, quotes.bids, quotes.asks, strict=True):
        if bid is None or ask is None:
            continue
        half = (ask - bid) / 2
        score = (p_yes - bid - half) / sqrt(error * error + half * half + PRICE_NOISE * PRICE_NOISE)
        if abs(score) > abs(largest):
            largest = score
    return largest


def is_quiet(outlook: Outlook, now: datetime) -> bool:
    """Whether the market has had half an hour for the newest forecast and reading."""
    news_at = outlook.issued_at
    if outlook.nowcast is not None:
        news_at = max(news_at, outlook.nowcast.observed_at)
    return now - news_at >= NEWS_LASTS
