"""The machine's clock steps away from the exchange's and the database's, and back: nothing is sent by a wrong clock.

The trader is a process whose one reader of the clock shows the step to everything in it: signatures, expirations, ages.
"""

from datetime import timedelta
from typing import Final

import pytest

from markets.clients.kalshi.conversation import MAX_SKEW_S
from tests.faults.bench import CYCLE, Bench
from tests.faults.books import PLACE, is_recovered, locks
from tests.faults.processes import TraderProcess, last_complaints, trader_process, turns_of
from trading.oms.submit import RESTING_LIFE

pytestmark = pytest.mark.django_db(transaction=True)

MINUTES_OFF: Final = 5
MINUTES_BACK: Final = 9
VENUE: Final = "trading.oms.venues.kalshi"
STEPS: Final = {
    "between two turns": None,
    "read, not decided": "trading.cycle:_commit:call",
    "committed, not marked as sent": "trading.oms.submit:_mark_sent:call",
    "marked as sent, not dated": f"{VENUE}:place:call",
    "dated, not signed": f"{VENUE}:place>markets.clients.kalshi.signing:headers:call",
    "sent, not answered": f"{VENUE}:place>http.client:getresponse:call",
    "answered, not booked": "trading.oms.submit:book_answer:call",
    "renewed in our books, not dated": f"{VENUE}:renew:call",
}
QUICK: Final = {("committed, not marked as sent", 90), ("marked as sent, not dated", -90)}
CASES: Final = [
    pytest.param(name, seconds, marks=() if (name, seconds) in QUICK else pytest.mark.slow)
    for name in STEPS
    for seconds in (90, -90)
]


@pytest.mark.parametrize(("name", "seconds"), CASES)
def test_clock_that_steps_and_returns_sends_nothing_meanwhile_and_trades_on_afterwards(
    bench: Bench, name: str, seconds: int
) -> None:
    with trader_process(bench) as trader:
        if name.startswith(("between", "renewed")):
            turns_of(trader, bench, 1)
        step(trader, bench, STEPS[name], timedelta(seconds=seconds))
        there, asked = set(bench.member.orders), bench.front.count(PLACE)
        check_lives(bench)

        for _ in range(MINUTES_OFF):
            turn(trader, bench)

        assert set(bench.member.orders) == there
        assert bench.front.count(PLACE) == asked
        assert "CLOCK_SKEW" in locks()
        trader.is_off_by = timedelta()
        back = [turn(trader, bench) for _ in range(MINUTES_BACK)]
        late = [is_stale for is_stale in back if is_stale]
        assert len(late) <= (2 if seconds > 0 else 0), "only turns before the last one's time are refused"
        assert is_recovered(), locks()
        assert bench.front.count(PLACE) > asked, "it trades on by itself"
        assert last_complaints(trader, bench) == []


def step(trader: TraderProcess, bench: Bench, seam: str | None, by: timedelta) -> None:
    """In the midst of a turn, or before one. The turn that meets it may still send what nothing has told it not to."""
    if seam is None:
        trader.is_off_by = by
        return
    bench.wait(CYCLE)
    if "renew" in seam:
        bench.wait(2 * CYCLE)
    trader.stop_at(seam)
    trader.is_off_by = by
    trader.go_on()
    trader.answer()


def turn(trader: TraderProcess, bench: Bench) -> bool:
    """Whether the turn was refused for lying before the last one's time."""
    bench.wait(CYCLE)
    said = trader.do()
    check_lives(bench)
    is_stale = str(said).startswith("StaleTurn")
    assert is_stale or isinstance(said, int), said
    return is_stale


def check_lives(bench: Bench) -> None:
    """By the exchange's clock nothing rests for longer than was promised."""
    latest = bench.now + RESTING_LIFE + timedelta(seconds=MAX_SKEW_S)
    resting = [order for order in bench.member.orders.values() if order.status == "resting"]
    assert all(order.expires_at is not None and order.expires_at <= latest for order in resting)


@pytest.mark.parametrize("is_heard", [True, False])
def test_clock_that_is_wrong_by_hours_for_one_turn_costs_no_later_turn(bench: Bench, is_heard: bool) -> None:
    """Also when the exchange's own time cannot be heard in that turn."""
    with trader_process(bench) as trader:
        turns_of(trader, bench, 1)
        there, asked = set(bench.member.orders), bench.front.count(PLACE)
        trader.is_off_by = timedelta(hours=20)
        if not is_heard:
            bench.fault("GET /", "reset")
        bench.wait(CYCLE)
        said = trader.do()
        bench.heal()
        trader.is_off_by = timedelta()

        assert set(bench.member.orders) == there
        assert bench.front.count(PLACE) == asked, "nothing is sent by it"
        assert str(said).startswith("WrongClock") is is_heard, said
        assert [turn(trader, bench) for _ in range(MINUTES_BACK)] == [False] * MINUTES_BACK
        assert is_recovered(), locks()
        assert bench.front.count(PLACE) > asked, "it trades on by itself"
        assert last_complaints(trader, bench) == []
