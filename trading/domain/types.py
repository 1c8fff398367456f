"""The words of trading. Frozen; money and counts Decimal, probabilities float named `p_*`, times aware UTC."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from markets.domain.order_request import TimeInForce as TimeInForce
from markets.domain.sides import Action as Action
from markets.domain.sides import BookSide as BookSide
from markets.domain.sides import Side as Side
from markets.domain.sides import book_side_of as book_side_of
from markets.domain.types import Price
from milkbot.core.config import TradingMode
from milkbot.core.frozen import Frozen, OftenMade
from trading.domain.keys import intent_key, wish_of

Probability = Annotated[float, Field(ge=0, le=1)]
PositiveCount = Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2)]


class Decision(StrEnum):
    BUY = "BUY"
    SELL = "SELL"
    HOLD = "HOLD"


class ReasonCode(StrEnum):
    """Why a market was, or was not, traded. Every market of every cycle carries one; docs list them all."""

    TRADE = "TRADE"
    INTENT_EXISTS = "INTENT_EXISTS"
    ORDER_UNKNOWN = "ORDER_UNKNOWN"
    CHASE_LIMIT = "CHASE_LIMIT"
    # The event as a whole
    EVENT_NOT_PARTITION = "EVENT_NOT_PARTITION"
    STATION_MISMATCH = "STATION_MISMATCH"
    RULE_UNREADABLE = "RULE_UNREADABLE"
    CLOSE_TIME_MISMATCH = "CLOSE_TIME_MISMATCH"
    FEES_UNKNOWN = "FEES_UNKNOWN"
    BOOKS_UNAVAILABLE = "BOOKS_UNAVAILABLE"
    BAD_MARKET_DATA = "BAD_MARKET_DATA"
    # The market
    MARKET_NOT_ACTIVE = "MARKET_NOT_ACTIVE"
    MARKET_CLOSED = "MARKET_CLOSED"
    CLOSE_NEAR = "CLOSE_NEAR"
    PRICE_MISSING = "PRICE_MISSING"
    PRICES_STALE = "PRICES_STALE"
    SPREAD_WIDE = "SPREAD_WIDE"
    LIQUIDITY_LOW = "LIQUIDITY_LOW"
    # The forecast
    FORECAST_MISSING = "FORECAST_MISSING"
    WEATHER_STALE = "WEATHER_STALE"
    ISSUANCE_OLD = "ISSUANCE_OLD"
    LEAD_TOO_LONG = "LEAD_TOO_LONG"
    DAY_UNDER_WAY = "DAY_UNDER_WAY"
    FORECAST_INCOMPLETE = "FORECAST_INCOMPLETE"
    RELEASE_DUE = "RELEASE_DUE"
    UNCERTAINTY_HIGH = "UNCERTAINTY_HIGH"
    # The edge
    EDGE_BELOW_FLOOR = "EDGE_BELOW_FLOOR"
    EDGE_IMPLAUSIBLE = "EDGE_IMPLAUSIBLE"
    CONFIDENCE_LOW = "CONFIDENCE_LOW"
    NOT_ADMITTED = "NOT_ADMITTED"
    LOCK_PRICE = "LOCK_PRICE"
    STAKE_TOO_SMALL = "STAKE_TOO_SMALL"
    HOLDING_GONE = "HOLDING_GONE"
    # Caps and switches
    CAP_TRADE = "CAP_TRADE"
    CAP_EVENT = "CAP_EVENT"
    CAP_CITY = "CAP_CITY"
    CAP_CLUSTER = "CAP_CLUSTER"
    CAP_TOTAL = "CAP_TOTAL"
    CAP_POSITIONS = "CAP_POSITIONS"
    CAP_CASH = "CAP_CASH"
    CAP_DEPTH = "CAP_DEPTH"
    CAP_LOCK = "CAP_LOCK"
    TRADING_HALTED = "TRADING_HALTED"
    TRADING_REDUCING = "TRADING_REDUCING"
    EXCHANGE_PAUSED = "EXCHANGE_PAUSED"
    ACCOUNT_UNSURE = "ACCOUNT_UNSURE"
    LOCKED = "LOCKED"
    # What a strategy says of its own opinion
    FC_EDGE = "FC_EDGE"
    FC_STALE = "FC_STALE"
    FC_OUTLIER = "FC_OUTLIER"
    NC_ON_TRACK = "NC_ON_TRACK"
    NC_DEV_UP = "NC_DEV_UP"
    NC_DEV_DOWN = "NC_DEV_DOWN"
    NC_GAP = "NC_GAP"
    NC_EARLY = "NC_EARLY"
    CLIM_PRIOR = "CLIM_PRIOR"
    MR_Z = "MR_Z"
    MR_QUIET = "MR_QUIET"
    MR_NEWS_BLOCK = "MR_NEWS_BLOCK"
    LOCK_OBS = "LOCK_OBS"
    LOCK_PRELIM = "LOCK_PRELIM"
    LOCK_OPEN = "LOCK_OPEN"
    MARKET_UNRELIABLE = "MARKET_UNRELIABLE"


class StrategyOutput(OftenMade):
    """One strategy's opinion of one market (technical specification 4)."""

    strategy: str
    p_yes: Probability
    uncertainty: float = Field(ge=0, le=1)
    """Standard error of p_yes."""
    features: dict[str, float]
    valid: bool
    reasons: tuple[str, ...]


class EnsembleOutput(Frozen):
    """The pooled opinion (technical specification 5)."""

    p_yes: Probability
    """p_trade: what we size by, the market's opinion included."""
    p_no: Probability
    confidence: float = Field(ge=0, le=1)
    """Shrinks and gates; never moves p."""
    explain: str
    inputs: tuple[StrategyOutput, ...]
    p_model: Probability | None = None
    """Without the market: what our skill against it is measured by. None when no member speaks from the weather."""
    p_market: Probability | None = None
    """The market's own, its overround taken out; None when it cannot be relied on."""
    weights: dict[str, float] = Field(default_factory=dict)
    """Of every expert that spoke, by name (`market` among them); they sum to 1."""

    @model_validator(mode="after")
    def _adds_up(self) -> "EnsembleOutput":
        if abs(self.p_yes + self.p_no - 1) > 1e-9:
            raise ValueError(f"p_yes + p_no must be 1, was {self.p_yes + self.p_no}")
        return self


class Signal(Frozen):
    """What we think of one market now: probability, uncertainty, edge, decision (PRD 4.1)."""

    market_ticker: str
    city_code: str
    event_date: date
    mode: TradingMode
    made_at: AwareDatetime
    p_yes: Probability
    """p_trade: the market's opinion included."""
    uncertainty: float = Field(ge=0, le=1)
    edge: Decimal | None
    """Dollars per contract after exact fees at the price we would pay; None when there is no price."""
    decision: Decision
    side: Side | None = None
    price: Price | None = None
    """What one contract of `side` would cost before fees."""
    codes: tuple[str, ...] = ()
    ensemble: EnsembleOutput | None = None
    p_model: Probability | None = None
    """Without the market."""
    p_market: Probability | None = None
    """The market's own, without its overround; None when it cannot be relied on."""


class Intent(Frozen):
    """A wish to trade, unique by its key. Committed with its order before anything is sent."""

    intent_key: str = Field(default="", max_length=160)
    """Left out, it is made of the intent's own parts."""
    mode: TradingMode
    city_code: str
    market_ticker: str
    event_ticker: str
    event_date: date
    side: Side
    action: Action
    book_side: BookSide
    strategy: str
    contributors: tuple[str, ...] = ()
    """Names of the strategies whose opinion it rests on."""
    generation: int = Field(default=0, ge=0)
    """Above 0 it supersedes the intent of the generation before, whose order has ended."""
    post_only: bool = False
    """True for a quote that rests in the book; it is refused rather than taken against it."""
    count: PositiveCount
    limit_price: Price
    """On the YES book, whatever the side."""
    max_cost: Decimal = Field(ge=0)
    """Worst case the account can lose on it: stake plus cent-rounded fee."""
    p_yes: Probability
    """Our probability when we decided."""
    decided_at: AwareDatetime

    @model_validator(mode="after")
    def _is_consistent(self) -> "Intent":
        if self.book_side is not book_side_of(self.side, self.action):
            raise ValueError(f"{self.action} {self.side} is not a {self.book_side}")
        if not self.intent_key:
            key = intent_key(
                mode=self.mode,
                city_code=self.city_code,
                market_ticker=self.market_ticker,
                book_side=self.book_side,
                strategy=self.strategy,
                event_date=self.event_date,
                generation=self.generation,
            )
            object.__setattr__(self, "intent_key", key)  # the model is frozen only once it is whole
        return self

    @property
    def wish(self) -> str:
        """The intent's key without its generation: what stays the same when it is superseded."""
        return wish_of(self.intent_key, self.generation)


class OrderState(StrEnum):
    NEW = "NEW"
    SUBMITTED = "SUBMITTED"
    UNKNOWN = "UNKNOWN"
    RESTING = "RESTING"
    PARTIAL = "PARTIAL"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    CLOSED = "CLOSED"


OPEN_STATES = frozenset(
    {OrderState.NEW, OrderState.SUBMITTED, OrderState.UNKNOWN, OrderState.RESTING, OrderState.PARTIAL}
)
"""States in which an order may still gain fills: its unfilled part is reserved exposure."""


class Order(OftenMade):
    client_order_id: UUID
    intent_key: str
    mode: TradingMode
    market_ticker: str
    book_side: BookSide
    side: Side
    action: Action
    limit_price: Price
    count: PositiveCount
    filled_count: Decimal = Field(default=Decimal(0), ge=0)
    time_in_force: TimeInForce = TimeInForce.IOC
    post_only: bool = False
    state: OrderState = OrderState.NEW
    version: int = Field(default=0, ge=0)
    """How many steps its row had taken when it was read; of an order that is not stored it stays 0."""
    kalshi_order_id: str | None = None
    reported_count: Decimal = Field(default=Decimal(0), ge=0)
    """Contracts the exchange says have filled; the fills themselves may still be on their way to us."""
    created_at: AwareDatetime
    updated_at: AwareDatetime
    sent_at: AwareDatetime | None = None
    """When it left for the exchange; None before."""
    expires_at: AwareDatetime | None = None

    @property
    def remaining_count(self) -> Decimal:
        return self.count - self.filled_count

    @property
    def rests_by_itself(self) -> bool:
        """Whether its unfilled part stays in the book until something ends it."""
        return self.time_in_force is TimeInForce.GTC


class Fill(Frozen):
    """One execution. `yes_price` is the YES book's price whatever we bought."""

    fill_id: str
    mode: TradingMode
    market_ticker: str
    client_order_id: UUID | None
    kalshi_order_id: str | None = None
    book_side: BookSide
    count: PositiveCount
    yes_price: Price
    fee: Decimal
    is_taker: bool
    filled_at: AwareDatetime


class Position(Frozen):
    """Net holding in one market: positive counts are YES, negative NO. Derived from fills, never set by hand."""

    mode: TradingMode
    market_ticker: str
    count: Decimal = Decimal(0)
    cost: Decimal = Field(default=Decimal(0), ge=0)
    """What the open contracts cost, without fees (average cost)."""
    realized_pnl: Decimal = Decimal(0)
    """From contracts closed or settled, before fees."""
    fees: Decimal = Decimal(0)
    opened_at: AwareDatetime | None = None
    settled_at: AwareDatetime | None = None

    @property
    def is_open(self) -> bool:
        return self.count != 0

    @property
    def at_risk(self) -> Decimal:
        """The most the open contracts can still lose: what they cost."""
        return self.cost


class Severity(StrEnum):
    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class RiskEvent(Frozen):
    at: AwareDatetime
    severity: Severity
    event_type: str
    mode: TradingMode
    city_code: str | None = None
    market_ticker: str | None = None
    message: str = ""
    payload: dict[str, Any] = Field(default_factory=dict)


class TradingState(StrEnum):
    """The operator's switch. REDUCING refuses only what increases exposure."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"
