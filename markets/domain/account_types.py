"""The account as the exchange reports it. Dollars and contracts are Decimal, on the YES book; what is missing is None.

`Exchange…` marks the exchange's word, which reconciliation compares with ours; `trading.domain.types` holds our own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from markets.domain.sides import BookSide
from markets.domain.types import ListingFault, Price
from milkbot.core.money import ZERO

Contracts = Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=2)]
Dollars = Annotated[Decimal, Field(ge=0)]

Row = TypeVar("Row")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Reading(Generic[Row]):
    """Rows of a list, each once, and what could not be read. With faults it proves no absence."""

    rows: tuple[Row, ...]
    faults: tuple[ListingFault, ...] = ()

    @property
    def is_complete(self) -> bool:
        return not self.faults

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


class OrderStatus(StrEnum):
    """The exchange's words. CANCELED may have filled in part. UNRECOGNIZED stands for any new one and is held open."""

    RESTING = "resting"
    CANCELED = "canceled"
    EXECUTED = "executed"
    UNRECOGNIZED = "unrecognized"


class SettlementStatus(StrEnum):
    """Which positions to list."""

    UNSETTLED = "unsettled"
    SETTLED = "settled"
    ALL = "all"


class MarketResult(StrEnum):
    YES = "yes"
    NO = "no"
    SCALAR = "scalar"
    UNRECOGNIZED = "unrecognized"


class ExchangeOrder(_Frozen):
    """An order. `yes_price` is its limit. `last_update_reason` says in the exchange's words why it changed."""

    order_id: str
    client_order_id: str
    ticker: str
    book_side: BookSide
    status: OrderStatus
    yes_price: Price
    initial_count: Contracts
    filled_count: Contracts
    remaining_count: Contracts
    taker_fees: Dollars | None = None
    maker_fees: Dollars | None = None
    taker_fill_cost: Dollars | None = None
    maker_fill_cost: Dollars | None = None
    created_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    last_update_reason: str = ""
    exchange_index: int = 0

    @property
    def may_still_fill(self) -> bool:
        return self.status in (OrderStatus.RESTING, OrderStatus.UNRECOGNIZED)

    @property
    def fees(self) -> Decimal | None:
        """Taker plus maker fees in dollars; None unless the exchange stated both."""
        if self.taker_fees is None or self.maker_fees is None:
            return None
        return self.taker_fees + self.maker_fees


class ExchangeFill(_Frozen):
    """One execution of one of our orders. REST names no client order id: join on `order_id`."""

    fill_id: str
    order_id: str
    ticker: str
    book_side: BookSide
    count: Decimal = Field(gt=0, max_digits=14, decimal_places=2)
    yes_price: Price
    is_taker: bool
    fee: Dollars | None
    """`fee_cost`, rounding included. `taker_fees_dollars` is a field of orders and always 0 here."""
    filled_at: AwareDatetime
    exchange_index: int = 0


class ExchangePosition(_Frozen):
    """Net holding in a market: positive counts are YES, negative NO."""

    ticker: str
    count: Decimal
    exposure: Decimal
    """What the open contracts cost, in dollars."""
    total_traded: Decimal
    realized_pnl: Decimal
    fees: Decimal
    updated_at: AwareDatetime | None = None
    exchange_index: int = 0


class ExchangeSettlement(_Frozen):
    """What a settled market paid. `revenue` is dollars; `yes_value` is what one YES contract paid, None if not told."""

    ticker: str
    event_ticker: str
    result: MarketResult
    yes_count: Contracts
    no_count: Contracts
    yes_cost: Decimal
    no_cost: Decimal
    revenue: Dollars
    yes_value: Dollars | None
    fee: Dollars | None
    settled_at: AwareDatetime
    exchange_index: int = 0


class ShardBalance(_Frozen):
    exchange_index: int
    balance: Decimal


class ExchangeBalance(_Frozen):
    """Available cash in dollars over all shards (resting orders hold collateral), and what the positions are worth."""

    available: Decimal
    portfolio_value: Decimal
    updated_at: AwareDatetime
    by_shard: tuple[ShardBalance, ...] = ()

    def on_shard(self, exchange_index: int) -> Decimal | None:
        """Cash on one shard: an order there can use no other. None when the exchange did not break the sum down."""
        if not self.by_shard:
            return None
        found = [shard.balance for shard in self.by_shard if shard.exchange_index == exchange_index]
        return sum(found, ZERO)


class QueuePosition(_Frozen):
    """How many contracts stand before the order at its price and better."""

    order_id: str
    ticker: str
    contracts_ahead: Contracts


class Bucket(_Frozen):
    """A token bucket: `refill_per_s` tokens a second up to `capacity`."""

    refill_per_s: Decimal = Field(gt=0)
    capacity: Decimal = Field(gt=0)


class AccountLimits(_Frozen):
    usage_tier: str
    read: Bucket
    write: Bucket


class EndpointCost(_Frozen):
    """Tokens a call costs. `path` may hold `:name` for one segment and `*name` for the rest."""

    method: str
    path: str
    cost: int = Field(ge=0, le=1_000_000)


class EndpointCosts(_Frozen):
    default_cost: int = Field(ge=0, le=1_000_000)
    exceptions: tuple[EndpointCost, ...]
