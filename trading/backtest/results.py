"""What a backtest hands to its report: frozen values, complete, in the order of time. A report reads nothing else.

Money and counts are Decimal dollars and contracts, probabilities float, times aware UTC, temperatures whole °F. Prices
are those of the YES book whatever was bought.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from trading.backtest.recorded_types import ReadReport
from trading.domain.policy import Limits, Policy
from trading.domain.types import Action, Side

MARKET: Final = "market"
"""De-vigged mid prices of the same instant."""
P_MODEL: Final = "p_model"
"""Our pooled opinion without the market."""
P_TRADE: Final = "p_trade"
"""The opinion that is sized on."""
FLAT: Final = "flat"
"""Every bracket alike."""
CLIMATOLOGY: Final = "climatology"
"""Highs of the city on other days around this one that were known by then."""
POINT_SPREAD: Final = "point_spread"
"""The point forecast with the spread its errors showed by then."""
FORECASTERS: Final = (MARKET, P_MODEL, P_TRADE, FLAT, CLIMATOLOGY, POINT_SPREAD)


WEATHER_DELAY: Final = timedelta(minutes=10)
"""The weather loop's period, five minutes, twice: one for looking, one for what goes wrong. Prices do not wait."""


@dataclass(frozen=True, slots=True)
class BacktestOptions:
    """What was asked for. With the recording these decide every byte of the result."""

    first: date
    last: date
    """Climate days of the events, both included."""
    cities: tuple[str, ...]
    strategy: str | None
    """The one strategy that may speak; None for all of them."""
    seed: int
    """Of the report's resampling; the replay itself draws nothing."""
    assumed_depth: Decimal
    """Contracts taken to stand at each recorded price, where the recording holds no sizes."""
    capital: Decimal
    weather_delay: timedelta = WEATHER_DELAY
    """From the release of a forecast to our seeing it."""
    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=Limits)


class Liquidity(StrEnum):
    TAKER = "taker"
    MAKER = "maker"


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill."""

    at: datetime
    decided_at: datetime
    """When its order was decided: the same moment for a taker, earlier for a maker."""
    event_ticker: str
    city: str
    event_date: date
    ticker: str
    side: Side
    action: Action
    liquidity: Liquidity
    price: Decimal
    """On the YES book."""
    count: Decimal
    fee: Decimal
    p_trade: float
    """Of YES, when the order was decided, as `p_model`."""
    p_model: float | None
    mid: Decimal | None
    """On the YES book when the order was decided."""
    closing_mid: Decimal | None
    """The last mid of the YES book before the market closed; None when it was never quoted on both sides."""
    outcome: bool | None
    """Whether YES paid; None while the recording does not tell."""
    shares: Mapping[str, float]
    """What each strategy's opinion weighed in the decision; they sum to 1."""

    @property
    def buys_yes(self) -> bool:
        """Whether it moved the position toward YES, be it by buying YES or by selling NO."""
        return (self.action is Action.BUY) is (self.side is Side.YES)

    @property
    def pnl(self) -> Decimal | None:
        """Dollars if held to the end, after its fee: fills of one market add up to what the market made or lost."""
        if self.outcome is None:
            return None
        worth = Decimal(self.outcome) - self.price
        return self.count * (worth if self.buys_yes else -worth) - self.fee


class EquityPoint(NamedTuple):
    """The account after a moment at which it changed, and once a day besides."""

    at: datetime
    equity: Decimal
    """Cash plus open positions at the touch they could be sold into."""
    cash: Decimal


@dataclass(frozen=True, slots=True)
class ScoredLadder:
    """All forecasters on one event at one instant, beside what came of it."""

    event_ticker: str
    city: str
    event_date: date
    at: datetime
    local_hour: int
    """Local standard hour the instant was chosen by; -4 is 20:00 on the evening before."""
    lead_hours: float
    """To the usual hour of the maximum; 0 from then on."""
    brackets: tuple[tuple[int | None, int | None], ...]
    """(low, high) in whole °F, both included, coldest first; None is an open end."""
    probabilities: Mapping[str, tuple[float, ...]]
    """By forecaster, each in the order of `brackets` and summing to 1. A forecaster that cannot speak is absent."""
    outcome: int
    """Index of the bracket that paid."""
    settle_f: int | None
    """The settled high; None where the recording tells the bracket only."""
    pit: tuple[float, float] | None
    """(F(y - ½), F(y + ½)) of `p_model`'s distribution at the settled high y; None when either is unknown."""
    mean_f: float | None
    """Of that distribution; None as above."""
    crps_f: float | None
    """Its continuous ranked probability score in °F; None as above."""


@dataclass(frozen=True, slots=True)
class DepthOutcome:
    """The same replay with another assumption of how much stood at each price."""

    assumed_depth: Decimal
    fills: int
    contracts: Decimal
    staked: Decimal
    """What opening contracts cost, without fees."""
    fees: Decimal
    pnl: Decimal
    """Of settled fills, after fees."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was replayed."""

    events: int
    skipped_events: Mapping[str, int]
    """Events that were not replayed, by reason."""
    instants: int
    """Moments of some event at which a decision was due."""
    snapshots: int
    """Prices of one market looked at: instants times brackets."""
    decided: int
    """Instants of those that the no-trade filter could not rule out, and that went through the whole decision."""
    intents: int
    orders_by_state: Mapping[str, int]
    """How every order ended."""


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """Everything a replay found."""

    options: BacktestOptions
    trades: tuple[Trade, ...]
    equity: tuple[EquityPoint, ...]
    scores: tuple[ScoredLadder, ...]
    decisions: Mapping[str, int]
    """Brackets of the instants that went through the whole decision, by reason code."""
    depth: tuple[DepthOutcome, ...]
    counts: Counts
    read_report: ReadReport
