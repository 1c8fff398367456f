"""What a decision is made of and what comes out of it. All frozen: a replay needs nothing else."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from markets.domain.types import Board
from milkbot.core.cities import CityConfig
from milkbot.core.config import TradingMode
from milkbot.core.frozen import OftenMade
from trading.domain.policy import Limits, Policy
from trading.domain.risk import Exposure
from trading.domain.supersede import Standing
from trading.domain.types import Intent, ReasonCode, Signal, TradingState
from trading.domain.weights import PRIOR, EnsembleWeights
from weather.domain.releases import Releases
from weather.domain.types import Outlook, WeatherSnapshot

EVERYWHERE: Final = "*"
"""The scope of a lock that holds all trading."""


class Account(OftenMade):
    """What we own and owe at the moment of deciding. `bankroll` is cash plus open positions at cost."""

    cash: Decimal
    bankroll: Decimal
    exposure: Exposure = Exposure()
    holdings: Mapping[str, Decimal] = Field(default_factory=dict)
    """Signed contracts by market ticker: positive YES, negative NO."""
    standings: Mapping[str, Standing] = Field(default_factory=dict)
    """How each wish stands that was ever sent for these events, by its intent key without the generation."""


class CityView(NamedTuple):
    """A city's weather and the boards of its open events."""

    city: CityConfig
    weather: WeatherSnapshot | None
    outlooks: Mapping[date, Outlook]
    boards: Sequence[Board]
    releases: Mapping[date, Releases] = MappingProxyType({})
    """What is due that may move the prices of each event, by its date; a day without entry waits for nothing."""


class Circumstances(NamedTuple):
    """What holds for the whole cycle."""

    now: datetime
    mode: TradingMode
    policy: Policy
    limits: Limits
    trading_state: TradingState = TradingState.ACTIVE
    exchange_trading: bool = True
    account_known: bool = True
    """False while the exchange and we disagree on the account, or it could not be read."""
    may_rest: bool = False
    """Whether the venue keeps orders in a book: a simulated fill against the display cannot tell what would have."""
    locked_scopes: frozenset[str] = frozenset()
    """City codes or event tickers a breaker holds, or EVERYWHERE."""
    weights: EnsembleWeights = PRIOR
    """What each expert's opinion counts for, as learned from events settled before `now`."""
    admitted: frozenset[str] | None = None
    """Names of the strategies whose gates are open in this mode; None when all are."""
    sizes_known: bool = True
    """False where displayed sizes are an assumption, as in recordings that hold none."""


class EventContext(NamedTuple):
    """Where a market stands: its city, its event's board, and what holds for the cycle."""

    city: CityConfig
    board: Board
    around: Circumstances


@dataclass(frozen=True, slots=True)
class MarketDecision:
    """Why a market was or was not traded, in a code and a figure."""

    market_ticker: str
    city_code: str
    code: ReasonCode
    detail: str
    count: Decimal


class DecisionBatch(BaseModel):
    """All of one cycle. `decisions` covers every market of every board exactly once."""

    model_config = ConfigDict(frozen=True)

    signals: tuple[Signal, ...]
    decisions: tuple[MarketDecision, ...]
    intents: tuple[Intent, ...]

    @property
    def codes(self) -> dict[str, int]:
        return dict(Counter(decision.code.value for decision in self.decisions))
