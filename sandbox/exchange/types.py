"""What goes into the matching engine and what comes out of it: frozen values, no wire format.

Prices are Decimal dollars on the YES book, counts Decimal contracts in steps of 0.01, money Decimal dollars, times aware
UTC. A `bid` is positioned for yes, an `ask` for no; direction never changes the stated price.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from sandbox.feeds import Trade
from sandbox.kalshi.lifecycle import Status

BookSide = Literal["bid", "ask"]
Outcome = Literal["yes", "no"]
TimeInForce = Literal["good_till_canceled", "immediate_or_cancel", "fill_or_kill"]
SelfTradePrevention = Literal["taker_at_cross", "maker"]
OrderStatus = Literal["resting", "canceled", "executed"]
PauseKind = Literal["trading", "exchange"]
LifecycleEvent = Literal["close_date_updated", "determined", "settled"]
UpdateReason = Literal[
    "Create",
    "Fill",
    "Amend",
    "Decrease",
    "Cancel",
    "ImmediateOrCancel",
    "ReduceOnlyCancel",
    "SelfTradePreventionCancel",
    "ExpirationCancel",
    "PauseCancel",
    "MarketCloseCancel",
]


class Refusal(Exception):
    """The exchange says no: HTTP status, code and, where there is one, the detail of the nested error body."""

    def __init__(
        self, status: int, code: str, message: str | None = None, details: str | None = None
    ) -> None:
        super().__init__(code if details is None else f"{code}: {details}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A V2 order. An empty `client_order_id` is never a duplicate."""

    ticker: str
    side: BookSide
    count: Decimal
    price: Decimal
    time_in_force: TimeInForce
    self_trade_prevention_type: SelfTradePrevention
    client_order_id: str = ""
    expires_at: datetime | None = None
    post_only: bool = False
    reduce_only: bool = False
    cancel_order_on_pause: bool = False
    order_group_id: str | None = None


@dataclass(frozen=True, slots=True)
class AmendRequest:
    """The order's identity, its new price, and `count`: contracts already filled plus those wanted resting.

    `changes_expiry` False keeps the expiration; True sets it to `expires_at`, None clearing it. Empty client ids are
    not checked and not changed.
    """

    ticker: str
    side: BookSide
    price: Decimal
    count: Decimal
    client_order_id: str = ""
    updated_client_order_id: str = ""
    changes_expiry: bool = False
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """The answer to a new order: what filled at once, what rests now. Averages are None without a fill."""

    order_id: str
    client_order_id: str
    fill_count: Decimal
    remaining_count: Decimal
    average_fill_price: Decimal | None
    average_fee_paid: Decimal | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Amended:
    """The answer to an amend. Counts are None unless it filled something or changed the resting size."""

    order_id: str
    client_order_id: str
    fill_count: Decimal | None
    remaining_count: Decimal | None
    average_fill_price: Decimal | None
    average_fee_paid: Decimal | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Canceled:
    """The answer to a cancel; `reduced_by` is what was still resting."""

    order_id: str
    client_order_id: str
    reduced_by: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Decreased:
    """The answer to a decrease."""

    order_id: str
    client_order_id: str
    remaining_count: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it stands. Costs are what its contracts cost on the side it is positioned for, fees apart.

    `rounding_balance` is what the rounding of its fills has taken and not given back yet.
    """

    order_id: str
    account: str
    client_order_id: str
    ticker: str
    side: BookSide
    price: Decimal
    time_in_force: TimeInForce
    self_trade_prevention_type: SelfTradePrevention
    status: OrderStatus
    initial_count: Decimal
    fill_count: Decimal
    remaining_count: Decimal
    taker_fill_cost: Decimal
    maker_fill_cost: Decimal
    taker_fees: Decimal
    maker_fees: Decimal
    created_at: datetime
    last_update_at: datetime
    last_update_reason: UpdateReason
    expires_at: datetime | None
    post_only: bool
    cancel_order_on_pause: bool
    order_group_id: str | None
    rounding_balance: Decimal


@dataclass(frozen=True, slots=True)
class Fill:
    """One account's side of one trade. `fill_id` is the trade's id; `fee` the net fee, `position` the one after it."""

    fill_id: str
    account: str
    order_id: str
    client_order_id: str
    ticker: str
    side: BookSide
    price: Decimal
    count: Decimal
    is_taker: bool
    fee: Decimal
    position: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Position:
    """One account's net contracts in one market, negative for no. `exposure` is what the held contracts cost,
    `traded_cost` and `traded_count` what was ever spent on and traded in it. Settled positions keep their figures.
    """

    account: str
    ticker: str
    event_ticker: str
    count: Decimal
    exposure: Decimal
    traded_cost: Decimal
    traded_count: Decimal
    realized_pnl: Decimal
    fees_paid: Decimal
    last_update_at: datetime
    is_settled: bool


@dataclass(frozen=True, slots=True)
class EventPosition:
    """One account's markets of one event together."""

    event_ticker: str
    traded_cost: Decimal
    traded_count: Decimal
    exposure: Decimal
    realized_pnl: Decimal
    fees_paid: Decimal


@dataclass(frozen=True, slots=True)
class Settlement:
    """A net position paid out. `revenue` and `value` (of one yes contract) are whole cents."""

    account: str
    ticker: str
    event_ticker: str
    result: Outcome
    yes_count: Decimal
    no_count: Decimal
    yes_total_cost: Decimal
    no_total_cost: Decimal
    revenue: int
    value: int
    fee_cost: Decimal
    settled_at: datetime


@dataclass(frozen=True, slots=True)
class Balance:
    """Dollars: `cash` less what resting orders hold is `available`; `portfolio_value` is what the positions would bring:
    their result once that is known, before it the best bids."""

    cash: Decimal
    held: Decimal
    portfolio_value: Decimal

    @property
    def available(self) -> Decimal:
        """What a new order may use."""
        return self.cash - self.held


@dataclass(frozen=True, slots=True)
class MarketLife:
    """A market's moments and status as they are, after what the controls did to it. `result` from determination on."""

    ticker: str
    event_ticker: str
    opens_at: datetime
    closes_at: datetime
    determined_at: datetime | None
    finalized_at: datetime | None
    status: Status
    result: Outcome | None


@dataclass(frozen=True, slots=True)
class BookChanged:
    """A member's order or its fill changed what is shown at `price` of the yes or no bids by `delta` contracts.

    Changes of the world's own quotes are not told: compare `ExchangeFeed.book` of two instants for those.
    """

    at: datetime
    ticker: str
    side: Outcome
    price: Decimal
    delta: Decimal
    account: str | None
    client_order_id: str


@dataclass(frozen=True, slots=True)
class TradePrinted:
    """A trade with a member on at least one side; the world's own come from `ExchangeFeed.trades`."""

    at: datetime
    trade: Trade


@dataclass(frozen=True, slots=True)
class FillMade:
    """An account's fill."""

    at: datetime
    fill: Fill


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An account's order after a change."""

    at: datetime
    order: Order


@dataclass(frozen=True, slots=True)
class PositionChanged:
    """An account's position after a fill or a settlement."""

    at: datetime
    position: Position


@dataclass(frozen=True, slots=True)
class LifecycleChanged:
    """A market was closed early, determined or settled. Opening and closing in time are told by the clock only."""

    at: datetime
    event: LifecycleEvent
    life: MarketLife


ExchangeEvent = BookChanged | TradePrinted | FillMade | OrderChanged | PositionChanged | LifecycleChanged
