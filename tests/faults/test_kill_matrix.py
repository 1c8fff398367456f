"""kill -9 between every two steps of the order path: the next process puts right what was left, in time and by itself."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

import pytest

from tests.faults.bench import CYCLE, Bench
from tests.faults.books import orders, resting
from tests.faults.processes import TraderProcess, check_recovery, trader_process, turns_of
from trading.domain.types import OrderState, TradingState

pytestmark = pytest.mark.django_db(transaction=True)

ONE_CONTRACT = Decimal(1)
ARRIVES_WITHIN_S = 0.3
"""A request that left is at the exchange by then, whatever became of its sender."""


def at_the_start(_trader: TraderProcess, bench: Bench) -> None:
    """The turn to come sends the first orders."""
    bench.wait(CYCLE)


def after_fills(trader: TraderProcess, bench: Bench) -> None:
    """The turn to come reads and books what the first orders took, and that strangers took of one that rests."""
    turns_of(trader, bench, 1)
    bench.take(resting(), ONE_CONTRACT)
    bench.wait(CYCLE)


def halted(trader: TraderProcess, bench: Bench) -> None:
    """The turn to come takes out of the book what rests."""
    turns_of(trader, bench, 2)
    resting()
    bench.turn_switch(TradingState.HALTED)
    bench.wait(CYCLE)


def before_expiry(trader: TraderProcess, bench: Bench) -> None:
    """The turn to come renews what rests."""
    turns_of(trader, bench, 1)
    resting()
    bench.wait(3 * CYCLE)


def canceled(trader: TraderProcess, bench: Bench) -> None:
    """The turn to come sends wishes anew whose first orders were cancelled."""
    halted(trader, bench)
    trader.do()
    turns_of(trader, bench, 1)
    assert orders().filter(state=OrderState.CANCELED, filled_count=0).exists()
    bench.turn_switch(TradingState.ACTIVE)
    bench.wait(2 * CYCLE)


class Kill(NamedTuple):
    """A seam, and what has happened when a turn comes to it."""

    before: Callable[[TraderProcess, Bench], None]
    seam: str


VENUE = "trading.oms.venues.kalshi"
SENT = "http.client:getresponse:call"
"""The request has left, its answer has not been read."""
KILLS = {
    "before the commit": Kill(at_the_start, "trading.cycle:_commit:call"),
    "intents and orders written, not committed": Kill(at_the_start, "trading.cycle:_commit:return"),
    "committed, not sent": Kill(at_the_start, "trading.cycle:submit_round:call"),
    "marked as sent": Kill(at_the_start, "trading.oms.submit:_mark_sent:return"),
    "holding the switch": Kill(at_the_start, f"{VENUE}:place:call"),
    "sent, not answered": Kill(at_the_start, f"{VENUE}:place>{SENT}"),
    "answered, still holding the switch": Kill(at_the_start, f"{VENUE}:place:return"),
    "answered, not booked": Kill(at_the_start, "trading.oms.submit:book_answer:call"),
    "answer booked, not committed": Kill(at_the_start, "trading.oms.submit:book_answer:return"),
    "first order done": Kill(at_the_start, "trading.oms.submit:submit:return"),
    "all sent, account not valued": Kill(at_the_start, "trading.cycle:submit_round:return"),
    "reconciling": Kill(after_fills, "trading.oms.arrivals:find_new:return"),
    "between fill and position": Kill(after_fills, "trading.repositories.books:_store:return"),
    "positions written, not committed": Kill(after_fills, "trading.repositories.books:save_all:return"),
    "fills booked, orders not ended": Kill(after_fills, "trading.oms.arrivals:book_arrivals:return"),
    "orders ended, not committed": Kill(after_fills, "trading.oms.reconcile:_end_or_adopt:return"),
    "reconciled": Kill(after_fills, "trading.oms.reconcile:reconcile:return"),
    "cancel written down, not sent": Kill(halted, f"{VENUE}:cancel:call"),
    "cancel sent, not answered": Kill(halted, f"{VENUE}:cancel>{SENT}"),
    "cancel answered, not booked": Kill(halted, f"{VENUE}:cancel:return"),
    "cancel booked": Kill(halted, "trading.oms.working:cancel:return"),
    "renewal written down, not sent": Kill(before_expiry, f"{VENUE}:renew:call"),
    "renewal sent, not answered": Kill(before_expiry, f"{VENUE}:renew>{SENT}"),
    "renewal answered": Kill(before_expiry, f"{VENUE}:renew:return"),
    "replacement written, not committed": Kill(canceled, "trading.cycle:_commit:return"),
    "replacement committed, not sent": Kill(canceled, "trading.cycle:submit_round:call"),
    "replacement sent, not answered": Kill(canceled, f"{VENUE}:place>{SENT}"),
}
SMOKE = {"committed, not sent", "sent, not answered", "between fill and position"}


@pytest.mark.story("9.1", 3)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in SMOKE else pytest.mark.slow) for name in KILLS]
)
def test_trader_killed_between_two_steps_is_followed_by_one_that_puts_everything_right(
    bench: Bench, name: str
) -> None:
    kill = KILLS[name]
    with trader_process(bench) as victim:
        kill.before(victim, bench)
        victim.die_at(kill.seam)
    time.sleep(ARRIVES_WITHIN_S)
    bench.turn_switch(TradingState.ACTIVE)

    with trader_process(bench) as successor:
        check_recovery(successor, bench)

    assert bench.member.orders, "it trades"
