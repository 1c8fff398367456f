"""What a long absence costs to read back: 10,000 orders with 100,000 fills."""

import gc
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psutil
import pytest
from django.db import connection

from markets.domain.account_types import ExchangeFill, ExchangeOrder, OrderStatus
from milkbot.core.config import TradingMode
from tests.trading.makers import BRACKETS, NOW, make_intent
from tests.trading.scripted_account import ScriptedAccount, filled, held, listed, read_as
from tests.trading.stored import store_markets
from trading.controls import ensure_controls
from trading.domain.order_states import OrderEvent
from trading.domain.types import Action, BookSide, Intent, Order, OrderState, Side
from trading.models import FillRow, LedgerRow, OrderEventRow, OrderRow, PositionRow, ReconciliationRow
from trading.oms.lease import take_lease
from trading.oms.reconcile import reconcile
from trading.repositories.books import LedgerRepository
from trading.repositories.orders import Move, OrderRepository, Step

DEMO = TradingMode.DEMO
ORDERS, FILLS_EACH = 10_000, 10
MOST_SECONDS = 30.0
MOST_MIB = 200
"""That the process may grow by, beside the reading: a batch in hand, and the names of all fills."""
LATER = NOW + timedelta(hours=1)


class PeakMemory(threading.Thread):
    """Watches how much memory this process holds while the block lasts."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process()
        self._before = self._peak = self._held()
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.01):
            self._peak = max(self._peak, self._held())

    def __enter__(self) -> "PeakMemory":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    @property
    def grown_mib(self) -> int:
        return (self._peak - self._before) >> 20

    def _held(self) -> int:
        return int(self._process.memory_info().rss)


class Counting:
    """Counts what is sent to the database."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute: Callable[..., Any], *statement: Any) -> Any:
        self.count += 1
        return execute(*statement)


def wishes(count: int) -> Iterator[Intent]:
    """Buys and sells of YES in turn over the six markets, so that positions grow, shrink and turn."""
    tickers = [bracket.ticker for bracket in BRACKETS]
    for number in range(count):
        action = Action.BUY if number % 3 else Action.SELL
        yield make_intent(
            ticker=tickers[number % len(tickers)],
            side=Side.YES,
            action=action,
            mode=DEMO,
            generation=number,
            limit_price=str(Decimal(20 + number % 60) / 100),
        )


def sent(count: int) -> list[Order]:
    """So many orders that have been sent and acknowledged."""
    ensure_controls(DEMO, NOW)
    repository = OrderRepository(DEMO)
    orders = repository.create(list(wishes(count)), store_markets(), lease=take_lease(DEMO, "host-a/1/1.00"))
    steps = (Step(OrderEvent.SEND), Step(OrderEvent.ACKNOWLEDGE))
    moves = [
        Move(
            order,
            steps,
            {"sent_at": NOW, "expires_at": NOW + timedelta(minutes=4), "kalshi_order_id": f"k-{n}"},
        )
        for n, order in enumerate(orders)
    ]
    return list(repository.move_all(moves, at=NOW).values())


def found(orders: list[Order], fills_each: int) -> ScriptedAccount:
    """Every second order filled whole, the others lost their last tenth to a cancel."""
    rows: list[ExchangeOrder] = []
    fills: list[ExchangeFill] = []
    holdings: dict[str, Decimal] = {}
    for number, order in enumerate(orders):
        name = order.kalshi_order_id or ""
        done = order.count * (9 if number % 2 else 10) / 10
        status = OrderStatus.CANCELED if number % 2 else OrderStatus.EXECUTED
        rows.append(listed(order, name=name, status=status, filled=str(done)))
        fills.extend(
            filled(
                number * fills_each + part,
                name=name,
                count=str(done / fills_each),
                price=str(order.limit_price),
                fee="0.0168",
                book_side=order.book_side,
                ticker=order.market_ticker,
                at=NOW + timedelta(milliseconds=number * fills_each + part),
            )
            for part in range(fills_each)
        )
        signed = done if order.book_side is BookSide.BID else -done
        holdings[order.market_ticker] = holdings.get(order.market_ticker, Decimal(0)) + signed
    positions = [held(str(count), ticker=ticker) for ticker, count in holdings.items()]
    return ScriptedAccount(read_as(orders=rows, fills=fills, positions=positions, cash=None, until=LATER))


def written() -> list[int]:
    """How many rows each table of the books holds; the run's own record is not one of them."""
    return [model.objects.count() for model in (FillRow, LedgerRow, OrderEventRow, PositionRow)]


@pytest.mark.slow
@pytest.mark.django_db
def test_reconcile_of_ten_thousand_orders_then_takes_seconds_and_again_writes_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    orders = sent(ORDERS)
    LedgerRepository(DEMO).open_account(Decimal(1_000_000), NOW - timedelta(days=1))
    account = found(orders, FILLS_EACH)
    fills = len(account.reading.fills)
    del orders
    gc.collect()

    statements = Counting()
    begun = time.perf_counter()
    with connection.execute_wrapper(statements), PeakMemory() as memory:
        report = reconcile(DEMO, account, LATER)
    took = time.perf_counter() - begun
    after = written()
    begun = time.perf_counter()
    again = reconcile(DEMO, account, LATER + timedelta(minutes=1))
    took_again = time.perf_counter() - begun

    with capsys.disabled():
        print(  # noqa: T201 - the figure is the point
            f"\nreconcile {ORDERS:,} orders and {fills:,} fills: {took:.1f} s, {statements.count} statements; "
            f"again: {took_again:.1f} s; {memory.grown_mib} MiB more than before"
        )
    assert (report.fills_booked, report.drift, report.unplaced) == (fills, (), ())
    assert report.orders_moved == ORDERS // 2, "those cancelled; a fill ends the others"
    assert not OrderRow.objects.filter(state__in=[OrderState.RESTING, OrderState.PARTIAL]).exists()
    assert fills == 100_000
    assert took < MOST_SECONDS
    assert memory.grown_mib < MOST_MIB
    assert (again.fills_booked, again.orders_moved) == (0, 0)
    assert written() == after
    assert ReconciliationRow.objects.count() == 2


@pytest.mark.slow
@pytest.mark.django_db
def test_reconcile_then_holds_no_more_than_a_batch_beside_the_reading(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Twice the fills per order take as much memory on top of the reading, give or take the ids."""
    peaks = []
    account = found(sent(2_000), 10)
    LedgerRepository(DEMO).open_account(Decimal(1_000_000), NOW - timedelta(days=1))
    for part in (2, 1):
        some = account.reading._replace(fills=type(account.reading.fills)(account.reading.fills.rows[::part]))
        tracemalloc.start()
        reconcile(DEMO, ScriptedAccount(some), LATER, dry_run=True)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    with capsys.disabled():
        print(  # noqa: T201 - the figure is the point
            f"\nmemory beside the reading of 10,000 and 20,000 fills: {peaks[0] >> 20} and {peaks[1] >> 20} MiB"
        )
    assert peaks[1] < 1.5 * peaks[0]
