"""kill -9 in the midst of long bookings: fifty payouts, thousands of fills. Nothing is booked by half, or twice."""

import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from markets.services import refresh_unsettled
from milkbot.core.cities import load_cities
from sandbox.accounts import Account
from sandbox.exchange.types import BookSide, OrderRequest
from tests.faults.bench import CYCLE, Bench, running_bench
from tests.faults.books import is_recovered, resting
from tests.faults.processes import (
    RECOVERY_S,
    TraderProcess,
    check_recovery,
    last_complaints,
    trader_process,
    turns_of,
)
from trading.domain.types import OrderState
from trading.models import FillRow, LedgerRow, OrderRow, PositionRow, SettlementRow
from trading.oms.arrivals import BATCH

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

HELD = 50
UNTIL_FINAL = timedelta(days=4)
ONE, HUNDREDTH, DEAR = Decimal(1), Decimal("0.01"), Decimal("0.99")
MORE_FILLS = 50

PAYOUTS = {
    "between two payouts": "trading.settlement:_book_market:call:26",
    "payout written, its position open": "trading.repositories.settlements:book:return:25",
    "position closed, not committed": "trading.settlement:_settle:return:25",
    "all paid out, orders not closed": "trading.settlement:close_orders:call",
}
ARRIVALS = {
    "within the first batch": "trading.repositories.books:_store:return",
    "between two batches": "trading.oms.booking:book_fills:call:2",
    "all batches written, not committed": "trading.oms.arrivals:book_arrivals:return",
    "orders moved, not committed": "trading.oms.reconcile:_end_or_adopt:return",
}


@pytest.fixture
def ten_cities(tmp_path: Path, keys: tuple[Account, ...], db: None) -> Iterator[Bench]:
    with running_bench(tmp_path, keys, cities=tuple(load_cities())) as running:
        yield running


def at_the_engine(bench: Bench, account: Account, ticker: str, side: BookSide) -> str:
    """An order for one contract, dear; the exchange's name of it."""
    request = OrderRequest(ticker, side, ONE, DEAR, "good_till_canceled", "taker_at_cross")
    return bench.venue.exchange.create(account.member, request, bench.now).order_id


def hold_by_hand(bench: Bench, tickers: list[str]) -> None:
    """A person buys one contract in each market on our account; at least one stranger offers it."""
    for ticker in tickers:
        at_the_engine(bench, bench.stranger, ticker, "ask")
        bench.placed_by_hand.add(at_the_engine(bench, bench.account, ticker, "bid"))


def hold_fifty(trader: TraderProcess, bench: Bench) -> int:
    """Final markets with our positions in them, none paid out yet; how many."""
    turns_of(trader, bench, 1)
    hold_by_hand(bench, bench.tickers()[:HELD])
    turns_of(trader, bench, 2)
    bench.wait(UNTIL_FINAL)
    assert isinstance(trader.do("reconcile"), int)
    refresh_unsettled(bench.now, client=bench.kalshi)
    held = PositionRow.objects.filter(is_open=True).count()
    assert held >= HELD
    return held


@pytest.mark.story("9.1", 3)
@pytest.mark.parametrize("name", PAYOUTS)
def test_trader_killed_while_it_settles_fifty_positions_pays_out_each_once(
    ten_cities: Bench, name: str
) -> None:
    bench = ten_cities
    with trader_process(bench) as victim:
        held = hold_fifty(victim, bench)
        victim.die_at(PAYOUTS[name], "settle")
    paid = SettlementRow.objects.count()
    assert paid == (held if "all" in name else 25 if "between" in name else 24)
    assert PositionRow.objects.filter(is_open=True).count() == held - paid

    with trader_process(bench) as successor:
        assert successor.do("settle") == held - paid
        assert time.monotonic() - successor.started_at < RECOVERY_S
        assert LedgerRow.objects.filter(kind="settlement").count() == SettlementRow.objects.count() == held
        assert set(OrderRow.objects.values_list("state", flat=True)) <= {OrderState.CLOSED}
        assert last_complaints(successor, bench) == []
        turns_of(successor, bench, 3)
        assert is_recovered()
        assert last_complaints(successor, bench) == []


def fill_in_pieces(bench: Bench, pieces: int) -> None:
    """Strangers take of what rests, a hundredth of a contract each."""
    row = resting()
    assert row.count > pieces * HUNDREDTH
    for _ in range(pieces):
        bench.take(row, HUNDREDTH)


@pytest.mark.story("9.1", 3)
@pytest.mark.parametrize("name", ARRIVALS)
def test_trader_killed_while_it_books_thousands_of_fills_books_each_once(bench: Bench, name: str) -> None:
    with trader_process(bench) as victim:
        turns_of(victim, bench, 1)
        fill_in_pieces(bench, BATCH + MORE_FILLS)
        before = FillRow.objects.count()
        bench.wait(CYCLE)
        victim.die_at(ARRIVALS[name])
    assert FillRow.objects.count() == before, "one transaction: all of them or none"
    assert not PositionRow.objects.filter(is_open=True).exists()

    with trader_process(bench) as successor:
        check_recovery(successor, bench)

    assert FillRow.objects.count() >= before + BATCH + MORE_FILLS
