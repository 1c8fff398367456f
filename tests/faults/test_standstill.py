"""A trader that stands still in the midst of a turn while another takes over: once it goes on, nothing of it leaves."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from django.db import OperationalError
from django.db.models.functions import Now

from sandbox.kalshi import auth
from tests.faults.bench import MODE, Bench
from tests.faults.books import PLACE, orders
from tests.faults.processes import check_recovery, last_complaints, trader_process, turns_of
from trading.domain.types import OrderState, TradingState
from trading.models import TraderLeaseRow
from trading.under_way import sends_under_way

pytestmark = pytest.mark.django_db(transaction=True)

Value = TypeVar("Value")

LONG = timedelta(minutes=5)
GIVES_UP_WITHIN_S = 30
"""The database ends the session of a trader that stands still while it holds locks."""
VENUE = "trading.oms.venues.kalshi"
STANDSTILLS = {
    "before the commit": "trading.cycle:_commit:call",
    "committed, not sent": "trading.cycle:submit_round:call",
    "marked as sent": "trading.oms.submit:_mark_sent:return",
    "holding switch and lease": f"{VENUE}:place:call",
    "dated, not signed": f"{VENUE}:place>markets.clients.kalshi.signing:headers:call",
    "asked whether it may leave, not written": f"{VENUE}:place>markets.clients.kalshi.conversation:__call__:return",
    "sent, not answered": f"{VENUE}:place>http.client:getresponse:call",
    "answered, not booked": "trading.oms.submit:book_answer:call",
}


def patiently(work: Callable[[], Value]) -> Value:
    """What comes of it once nobody holds the rows any more."""
    deadline = time.monotonic() + GIVES_UP_WITHIN_S
    while True:
        try:
            return work()
        except OperationalError:
            assert time.monotonic() < deadline, "the locks are never let go"


def let_the_lease_run_out() -> None:
    TraderLeaseRow.objects.update(expires_at=Now())


@pytest.mark.slow
@pytest.mark.parametrize("name", STANDSTILLS)
def test_trader_stopped_for_five_minutes_sends_nothing_when_it_goes_on(bench: Bench, name: str) -> None:
    with trader_process(bench) as stale:
        stale.stop_at(STANDSTILLS[name])
        bench.wait(LONG)
        patiently(let_the_lease_run_out)
        with trader_process(bench) as successor:
            check_recovery(successor, bench)
            there = set(bench.member.orders)

            stale.go_on()
            stale.answer()

            assert set(bench.member.orders) == there, "an order of the stale trader was taken"
            turns_of(successor, bench, 2)
            assert last_complaints(successor, bench) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", STANDSTILLS)
def test_halt_while_the_trader_stands_still_is_acknowledged_and_then_nothing_leaves(
    bench: Bench, name: str
) -> None:
    with trader_process(bench) as trader:
        trader.stop_at(STANDSTILLS[name])
        bench.wait(LONG)

        bench.turn_switch(TradingState.HALTED)

        there = set(bench.member.orders)
        trader.go_on()
        trader.answer()
        assert set(bench.member.orders) == there
        turns_of(trader, bench, 6)
        assert set(bench.member.orders) == there
        assert not orders().filter(state__in=(OrderState.RESTING, OrderState.PARTIAL)).exists()
        assert last_complaints(trader, bench) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "waits", "most"),
    [
        ("dated, not signed", False, 0),
        ("asked whether it may leave, not written", False, 1),
        ("asked whether it may leave, not written", True, 0),
    ],
)
def test_halt_tells_of_the_order_that_a_trader_may_still_write_and_until_when(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str, waits: bool, most: int
) -> None:
    """Of signatures it is known that 10 s are taken and 30 s are not (kalshi-api.md 1): nothing rests on less."""
    monkeypatch.setattr(auth, "SKEW_ALLOWED_MS", 29_000)
    with trader_process(bench) as trader:
        trader.stop_at(STANDSTILLS[name])
        begun = time.monotonic()
        bench.turn_switch(TradingState.HALTED)
        bench.wait(timedelta(seconds=time.monotonic() - begun))
        left = sends_under_way(MODE, bench.now)
        assert left is not None
        there = set(bench.member.orders)
        if waits:
            bench.wait(left.until - bench.now)
            assert sends_under_way(MODE, bench.now) is None

        trader.go_on()
        trader.answer()

        taken = set(bench.member.orders) - there
        assert left.orders == 1
        assert len(taken) <= most
        turns_of(trader, bench, 7)
        assert set(bench.member.orders) == there | taken
        assert not [order for order in bench.member.orders.values() if order.status == "resting"]
        assert last_complaints(trader, bench) == []


def test_two_traders_at_once_then_one_of_them_trades(bench: Bench) -> None:
    with trader_process(bench) as first, trader_process(bench) as second:
        first.ask()
        second.ask()
        said = [first.answer(), second.answer()]

        assert sum(isinstance(one, int) for one in said) == 1, said
        assert [str(one).split(":")[0] for one in said if not isinstance(one, int)] == ["LeaseHeld"]
        one = first if isinstance(said[0], int) else second
        turns_of(one, bench, 3)
        assert bench.front.count(PLACE)
        assert last_complaints(one, bench) == []
