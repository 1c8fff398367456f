"""What may be asked of the exchange's order endpoint. A request that breaks its rules cannot be built (kalshi-api.md 4).

Everything is stated on the YES book; `markets.domain.sides.on_yes_book` translates a person's words.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from markets.domain.price_grid import is_legal
from markets.domain.sides import BookSide
from markets.domain.types import PriceRange
from milkbot.core.errors import MilkbotError
from milkbot.core.money import CENT, CENTICENT, ONE, ZERO

CENT_GRID: Final = (PriceRange(start=ZERO, end=ONE, step=CENT),)
"""Whole cents are legal on every market, whatever finer grid it has."""
MOST_CONTRACTS: Final = Decimal(1_000_000)
"""Beyond any size this bot means: more than this is a fault of the caller."""
_CLIENT_ORDER_ID = re.compile(r"[A-Za-z0-9_+=/:-]{1,64}")
_ORDER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TICKER = re.compile(r"[A-Za-z0-9._-]{1,200}")
_MOST_SHARDS: Final = 1000


class BadOrder(MilkbotError, ValueError):
    """A request the exchange would refuse or, worse, understand differently. It was not sent."""


class TimeInForce(StrEnum):
    GTC = "good_till_canceled"
    IOC = "immediate_or_cancel"
    FOK = "fill_or_kill"


class SelfTradePrevention(StrEnum):
    """Whose order yields when ours would trade with ours."""

    TAKER_AT_CROSS = "taker_at_cross"
    MAKER = "maker"


def check_expiry(expires_at: datetime | None, now: datetime) -> None:
    """Raises BadOrder when the whole second in which the order would expire has already begun."""
    if expires_at is not None:
        _refuse_unless(
            int(expires_at.timestamp()) > now.timestamp(), f"expires at {expires_at:%Y-%m-%dT%H:%M:%SZ}: past"
        )


def check_ticker(ticker: str) -> None:
    _refuse_unless(bool(_TICKER.fullmatch(ticker)), f"{ticker[:60]!r} is no market ticker")


def check_order_id(order_id: str) -> None:
    _refuse_unless(bool(_ORDER_ID.fullmatch(order_id)), f"{order_id[:70]!r} is no order id")


def check_client_order_id(client_order_id: str) -> None:
    """1 to 64 of A-Z a-z 0-9 _ + = / : - (kalshi-api.md 4)."""
    _refuse_unless(
        bool(_CLIENT_ORDER_ID.fullmatch(client_order_id)), f"{client_order_id[:70]!r} is no client order id"
    )


def check_count(count: Decimal) -> None:
    """Hundredths of a contract, more than none."""
    _refuse_unless(
        count.is_finite() and ZERO < count <= MOST_CONTRACTS and count == count.quantize(CENT),
        f"{count} is no number of contracts: hundredths, above 0, at most {MOST_CONTRACTS}",
    )


def check_price(price: Decimal, ranges: Sequence[PriceRange]) -> None:
    """Between 0 and 1 dollar, both excluded, on the market's grid; requests carry four decimals at most."""
    _refuse_unless(
        price.is_finite() and ZERO < price < ONE and price == price.quantize(CENTICENT),
        f"{price} is no price between 0 and 1 dollar with at most four decimals",
    )
    _refuse_unless(is_legal(ranges, price), f"{price} is not on the market's price grid")


def check_shard(exchange_index: int | None) -> None:
    _refuse_unless(
        exchange_index is None or 0 <= exchange_index <= _MOST_SHARDS,
        f"{exchange_index} is no exchange shard",
    )


def _refuse_unless(holds: bool, why: str) -> None:
    if not holds:
        raise BadOrder(why)


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """How an order is worked. `expires_at` belongs to resting orders, `reduce_only` to immediate ones.

    `exchange_index` names the market's shard and saves write tokens; None lets the exchange route by ticker.
    `price_ranges` are the market's legal prices. Raises BadOrder for terms that contradict each other.
    """

    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: datetime | None = None
    post_only: bool = False
    reduce_only: bool = False
    cancel_on_pause: bool = False
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.TAKER_AT_CROSS
    exchange_index: int | None = None
    price_ranges: Sequence[PriceRange] = CENT_GRID

    def __post_init__(self) -> None:
        is_resting = self.time_in_force is TimeInForce.GTC
        if self.expires_at is not None:
            _refuse_unless(is_resting, f"{self.time_in_force} orders do not rest, so they cannot expire")
            _refuse_unless(self.expires_at.tzinfo is not None, "an expiration needs a time zone")
        _refuse_unless(is_resting or not self.post_only, f"a {self.time_in_force} order cannot be post-only")
        if self.reduce_only:
            _refuse_unless(
                self.time_in_force is TimeInForce.IOC, "reduce_only is accepted on immediate orders only"
            )
        check_shard(self.exchange_index)


PLAIN_TERMS: Final = OrderTerms()


@dataclass(frozen=True, slots=True)
class NewOrder:
    """One order on the YES book: `count` contracts at `yes_price` dollars. Raises BadOrder.

    `client_order_id` is the key of idempotency: sent again it can only meet the first order, never make a second.
    """

    ticker: str
    book_side: BookSide
    count: Decimal
    yes_price: Decimal
    client_order_id: str
    terms: OrderTerms = PLAIN_TERMS

    def __post_init__(self) -> None:
        check_ticker(self.ticker)
        check_count(self.count)
        check_price(self.yes_price, self.terms.price_ranges)
        check_client_order_id(self.client_order_id)


@dataclass(frozen=True, slots=True)
class Amendment:
    """New price and total size of a resting order. Raises BadOrder.

    `total_count` counts what has filled already plus what shall rest. A changed price or a larger size loses the place
    in the queue. `updated_client_order_id` names the order from then on; `expires_at` None leaves the expiry as it is.
    """

    order_id: str
    ticker: str
    book_side: BookSide
    total_count: Decimal
    yes_price: Decimal
    client_order_id: str | None = None
    updated_client_order_id: str | None = None
    expires_at: datetime | None = None
    exchange_index: int | None = None
    price_ranges: Sequence[PriceRange] = CENT_GRID

    def __post_init__(self) -> None:
        check_order_id(self.order_id)
        check_ticker(self.ticker)
        check_count(self.total_count)
        check_price(self.yes_price, self.price_ranges)
        for client_order_id in (self.client_order_id, self.updated_client_order_id):
            if client_order_id is not None:
                check_client_order_id(client_order_id)
        if self.expires_at is not None:
            _refuse_unless(self.expires_at.tzinfo is not None, "an expiration needs a time zone")
        check_shard(self.exchange_index)


@dataclass(frozen=True, slots=True)
class OrderPlace:
    """Where an order stands. Without market or shard, the exchange looks on shard 0 only and answers 404 for others."""

    order_id: str
    market_ticker: str
    exchange_index: int | None = None

    def __post_init__(self) -> None:
        check_order_id(self.order_id)
        check_ticker(self.market_ticker)
        check_shard(self.exchange_index)
