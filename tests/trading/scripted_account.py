"""The account at the exchange as a test writes it down: a value at the edge, and makers of its rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from markets.domain.account_types import (
    ExchangeBalance,
    ExchangeFill,
    ExchangeOrder,
    ExchangePosition,
    ExchangeSettlement,
    OrderStatus,
    Reading,
)
from milkbot.core.errors import Unreachable
from tests.trading.makers import BRACKETS, NOW
from trading.domain.reconciliation import AccountReading
from trading.domain.types import BookSide, Order

TICKER = BRACKETS[2].ticker
BEFORE = NOW - timedelta(minutes=1)


@dataclass
class ScriptedAccount:
    """Answers with `reading`, and by name with `named`; a name in `unreadable` cannot be asked for. `paid` are its
    settlements, None when they cannot be read.
    """

    reading: AccountReading
    named: dict[str, ExchangeOrder] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    paid: Reading[ExchangeSettlement] | None = field(default_factory=lambda: Reading(()))
    since: list[datetime | None] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)

    def read(self, since: datetime | None, open_orders: Sequence[Order]) -> AccountReading:
        self.since.append(since)
        return self.reading

    def find_order(self, order_id: str, ticker: str) -> ExchangeOrder | None:
        self.asked_for.append(order_id)
        if order_id in self.unreadable:
            raise Unreachable("kalshi", "timed out")
        return self.named.get(order_id)

    def settlements(self, since: datetime) -> Reading[ExchangeSettlement] | None:
        return self.paid


def read_as(
    *,
    orders: Iterable[ExchangeOrder] = (),
    fills: Iterable[ExchangeFill] = (),
    positions: Iterable[ExchangePosition] | None = (),
    cash: str | None = "10000",
    until: datetime | None = NOW,
    faults: tuple[str, ...] = (),
) -> AccountReading:
    """One round of reading; everything was read to its end unless `until` is None."""
    return AccountReading(
        complete_until=until,
        orders=Reading(tuple(orders)),
        fills=Reading(tuple(fills)),
        positions=None if positions is None else Reading(tuple(positions)),
        balance=None if cash is None else make_balance(cash),
        faults=faults,
    )


def account(**parts: object) -> ScriptedAccount:
    """An account that is read as told (the parts of `read_as`)."""
    return ScriptedAccount(read_as(**parts))  # type: ignore[arg-type]


def make_balance(cash: str) -> ExchangeBalance:
    return ExchangeBalance(available=Decimal(cash), portfolio_value=Decimal(0), updated_at=NOW)


def listed(
    order: Order | None = None,
    *,
    name: str = "k-1",
    status: OrderStatus = OrderStatus.RESTING,
    filled: str = "0",
    ticker: str = TICKER,
) -> ExchangeOrder:
    """The exchange's row of one of our orders; of one placed by hand without it."""
    count, done = order.count if order else Decimal(10), Decimal(filled)
    return ExchangeOrder(
        order_id=name,
        client_order_id=str(order.client_order_id) if order else "by-hand",
        ticker=order.market_ticker if order else ticker,
        book_side=order.book_side if order else BookSide.BID,
        status=status,
        yes_price=order.limit_price if order else Decimal("0.40"),
        initial_count=count,
        filled_count=done,
        remaining_count=max(count - done, Decimal(0)) if status is OrderStatus.RESTING else Decimal(0),
    )


def filled(
    number: int = 0,
    *,
    name: str = "k-1",
    count: str = "10",
    price: str = "0.40",
    fee: str | None = "0.17",
    book_side: BookSide = BookSide.BID,
    ticker: str = TICKER,
    at: datetime = NOW,
) -> ExchangeFill:
    return ExchangeFill(
        fill_id=f"t-{number}",
        order_id=name,
        ticker=ticker,
        book_side=book_side,
        count=Decimal(count),
        yes_price=Decimal(price),
        is_taker=True,
        fee=None if fee is None else Decimal(fee),
        filled_at=at,
    )


def held(count: str, *, ticker: str = TICKER) -> ExchangePosition:
    nothing = Decimal(0)
    return ExchangePosition(
        ticker=ticker,
        count=Decimal(count),
        exposure=nothing,
        total_traded=nothing,
        realized_pnl=nothing,
        fees=nothing,
    )
