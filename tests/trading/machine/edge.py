"""The network between a trader and the sandbox's exchange, in one process: what it loses, delays, repeats or cuts.

`Edge` is venue and account at once. Each request and each reading meets the next fault told, or none. A `Crash` is the
death of the trader's process at that very point: nothing of ours catches it, and a new trader starts.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeVar

from markets.domain.account_types import (
    ExchangeBalance,
    ExchangeFill,
    ExchangeOrder,
    ExchangePosition,
    ExchangeSettlement,
    OrderStatus,
    Reading,
)
from milkbot.core.config import TradingMode
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.types import AmendRequest
from sandbox.exchange.types import Fill as TheirFill
from sandbox.exchange.types import Order as TheirOrder
from sandbox.exchange.types import OrderRequest, Refusal
from tests.sandbox.exchange.scripted import START, D, ScriptedFeed
from trading.domain.breakers import MOST_SKEW_S
from trading.domain.reconciliation import AccountReading
from trading.domain.types import BookSide, Order
from trading.oms.venues.base import Accepted, Answer, NotSent, Rejected, TakenOut, Unknown

OURS: Final = "ann"
CASH: Final = D(10_000)
MODE: Final = TradingMode.DEMO
MOST_AHEAD_S: Final = int(MOST_SKEW_S)
"""A trader's clock may go so much before or after the exchange's, and it trades: orders are dated before they were sent."""
LATE_BY: Final = timedelta(seconds=30)
"""So long after its date a row may be missing in a list that calls itself complete."""
_UNNAMED: Final = Unknown(why="the exchange has not named it yet")
"""What the real venue says of an order it could not ask for by name: nothing leaves."""

Said = TypeVar("Said")


class Crash(BaseException):
    """The trader's process died here."""


class Fault(StrEnum):
    """What becomes of a request."""

    NONE = "none"
    NOT_SENT = "not sent"
    LOST_REQUEST = "request lost"
    LATE_REQUEST = "request late"
    LOST_ANSWER = "answer lost"
    CRASH_BEFORE = "crash before the send"
    CRASH_AFTER = "crash after the send"


class Sight(StrEnum):
    """What a reading of the account shows."""

    TRUE = "true"
    LAGGING = "lagging"
    LATE_ROWS = "the youngest rows are not listed yet"
    TWICE = "rows twice, in another order"
    NO_ORDERS = "orders empty by error"
    NO_POSITIONS = "positions empty by error"
    BROKEN_OFF = "broken off"
    CRASH = "crash while reading"


@dataclass(frozen=True)
class Snapshot:
    """The account at one instant."""

    at: datetime
    orders: Sequence[TheirOrder]
    fills: Sequence[TheirFill]
    positions: Sequence[ExchangePosition]
    available: Decimal


@dataclass
class Edge:
    """`may_send` is asked before whatever could increase exposure is let out: the proof that a halt holds."""

    feed: ScriptedFeed = field(default_factory=ScriptedFeed)
    may_send: Callable[[], bool] = lambda: True
    now: datetime = START
    faults: deque[Fault] = field(default_factory=deque)
    sights: deque[Sight] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.exchange = Exchange(self.feed, {OURS: CASH, "bob": CASH}, now=self.now)
        self.in_flight: list[tuple[datetime, Order, Callable[[datetime], Any]]] = []
        self.sent = 0
        self._last = self._look()

    # Time

    def move(self, seconds: int) -> None:
        """Let time pass; late requests arrive on their way."""
        until = self.now + timedelta(seconds=seconds)
        for due in sorted((one for one in self.in_flight if one[0] <= until), key=lambda one: one[0]):
            self.in_flight.remove(due)
            due[2](due[0])
        self.now = until
        self.exchange.advance(until)

    # The venue

    def place(self, order: Order) -> Answer:
        self._let_out()
        return self._send(order, lambda at: self._create(order, at))

    def find(self, order: Order) -> Answer:
        return Unknown(why="sent, and the answer was never read")

    def cancel(self, order: Order) -> TakenOut | Rejected | NotSent | Unknown:
        if order.kalshi_order_id is None:
            return _UNNAMED
        return self._send(order, lambda at: self._cancel(order, at))

    def renew(self, order: Order, expires_at: datetime) -> Rejected | NotSent | Unknown | None:
        if order.kalshi_order_id is None:
            return _UNNAMED
        self._let_out()
        return self._send(order, lambda at: self._amend(order, expires_at, at))

    def _let_out(self) -> None:
        assert self.may_send(), "something left although a halt was acknowledged"
        self.sent += 1

    def _send(self, order: Order, act: Callable[[datetime], Said]) -> Said | NotSent | Unknown:
        fault = self.faults.popleft() if self.faults else Fault.NONE
        match fault:
            case Fault.NOT_SENT:
                return NotSent(why=fault)
            case Fault.CRASH_BEFORE:
                raise Crash
            case Fault.LOST_REQUEST:
                return Unknown(why=fault)
            case Fault.LATE_REQUEST:
                # Its signature is good for thirty seconds.
                self.in_flight.append((self.now + timedelta(seconds=25), order, act))
                return Unknown(why=fault)
        answer = act(self.now)
        if fault is Fault.CRASH_AFTER:
            raise Crash
        return Unknown(why=fault) if fault is Fault.LOST_ANSWER else answer

    def _create(self, order: Order, at: datetime) -> Answer:
        try:
            placed = self.exchange.create(OURS, _as_request(order), at)
        except Refusal as no:
            if no.code == "order_already_exists":
                return Unknown(why="the exchange has this order already")
            return Rejected(code=no.code)
        return Accepted(
            rests=placed.remaining_count > 0,
            kalshi_order_id=placed.order_id,
            reported_count=placed.fill_count,
        )

    def _cancel(self, order: Order, at: datetime) -> TakenOut | Rejected | Unknown:
        try:
            done = self.exchange.cancel(OURS, order.kalshi_order_id or "", at)
        except Refusal as no:
            return Unknown(why=no.code) if no.status == 404 else Rejected(code=no.code)
        return TakenOut(reduced_by=done.reduced_by)

    def _amend(self, order: Order, expires_at: datetime, at: datetime) -> Rejected | Unknown | None:
        wanted = AmendRequest(
            order.market_ticker,
            order.book_side.value,
            order.limit_price,
            order.count,
            changes_expiry=True,
            expires_at=expires_at,
        )
        try:
            self.exchange.amend(OURS, order.kalshi_order_id or "", wanted, at)
        except Refusal as no:
            return Unknown(why=no.code) if no.status == 404 else Rejected(code=no.code)
        return None

    # The account

    def read(self, since: datetime | None, open_orders: Sequence[Order]) -> AccountReading:
        sight = self.sights.popleft() if self.sights else Sight.TRUE
        if sight is Sight.CRASH:
            raise Crash
        if sight is not Sight.LAGGING:
            self._last = self._look()
        shown = self._last
        names = {order.kalshi_order_id for order in open_orders}
        orders = [_as_listed(one) for one in shown.orders if _is_listed(one, since, names)]
        fills = [_as_fill(one) for one in shown.fills if since is None or one.at >= since]
        if sight is Sight.LATE_ROWS:
            listed_until = shown.at - LATE_BY
            orders = [
                one
                for one in orders
                if one.order_id in names or (one.created_at is not None and one.created_at <= listed_until)
            ]
            fills = [one for one in fills if one.filled_at <= listed_until]
        if sight is Sight.NO_ORDERS:
            orders = [one for one in orders if one.order_id in names]
        if sight is Sight.TWICE:
            orders, fills = [*orders[::-1], *orders], [*fills[::-1], *fills]
        return AccountReading(
            complete_until=None if sight is Sight.BROKEN_OFF else shown.at,
            orders=Reading(tuple(orders[: len(orders) // 2] if sight is Sight.BROKEN_OFF else orders)),
            fills=Reading(tuple(fills)),
            positions=Reading(() if sight is Sight.NO_POSITIONS else tuple(shown.positions)),
            balance=ExchangeBalance(available=shown.available, portfolio_value=D(0), updated_at=shown.at),
            faults=(sight.value,) if sight is Sight.BROKEN_OFF else (),
        )

    def find_order(self, order_id: str, ticker: str) -> ExchangeOrder | None:
        try:
            return _as_listed(self.exchange.order(OURS, order_id))
        except Refusal:
            return None

    def settlements(self, since: datetime) -> Reading[ExchangeSettlement] | None:
        return Reading(())

    def _look(self) -> Snapshot:
        return Snapshot(
            at=self.now,
            orders=self.exchange.orders(OURS),
            fills=self.exchange.fills(OURS),
            positions=[_as_position(one) for one in self.exchange.positions(OURS)],
            available=self.exchange.balance(OURS).available,
        )


def _as_request(order: Order) -> OrderRequest:
    return OrderRequest(
        ticker=order.market_ticker,
        side=order.book_side.value,
        count=order.count,
        price=order.limit_price,
        time_in_force=order.time_in_force.value,
        self_trade_prevention_type="taker_at_cross",
        client_order_id=str(order.client_order_id),
        expires_at=order.expires_at if order.rests_by_itself else None,
        post_only=order.post_only,
    )


def _is_listed(order: TheirOrder, since: datetime | None, names: set[str | None]) -> bool:
    """What lists by time and status show, and those asked for by name."""
    recent = since is None or order.created_at >= since
    return recent or order.status == "resting" or order.order_id in names


def _as_listed(order: TheirOrder) -> ExchangeOrder:
    return ExchangeOrder(
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        ticker=order.ticker,
        book_side=BookSide(order.side),
        status=OrderStatus(order.status),
        yes_price=order.price,
        initial_count=order.initial_count,
        filled_count=order.fill_count,
        remaining_count=order.remaining_count,
        created_at=order.created_at,
    )


def _as_fill(fill: TheirFill) -> ExchangeFill:
    return ExchangeFill(
        fill_id=fill.fill_id,
        order_id=fill.order_id,
        ticker=fill.ticker,
        book_side=BookSide(fill.side),
        count=fill.count,
        yes_price=fill.price,
        is_taker=fill.is_taker,
        fee=fill.fee,
        filled_at=fill.at,
    )


def _as_position(position: Any) -> ExchangePosition:
    return ExchangePosition(
        ticker=position.ticker,
        count=position.count,
        exposure=position.exposure,
        total_traded=position.traded_cost,
        realized_pnl=position.realized_pnl,
        fees=position.fees_paid,
    )
