"""The machine's clock steps away from the exchange's, and back: nothing is sent by a wrong clock, and it ends by itself."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.faults.bench import CYCLE, Bench, WatchedVenue, connected
from tests.faults.books import PLACE, is_recovered, locks
from tests.faults.edge import HandClock
from trading.cycle import StaleTurn

MINUTES_OFF = 5


def stepped(bench: Bench, by: timedelta) -> Bench:
    """The same trader and exchange, the trader's clock `by` off."""
    clock = HandClock(bench.now + by)
    ours = connected(bench.base_url, bench.account, clock)
    exchange = replace(ours.exchange, venue=WatchedVenue(ours.exchange.venue))
    return replace(bench, clock=clock, sources=ours.sources, kalshi=ours.kalshi, exchange=exchange)


@pytest.mark.parametrize("seconds", [90, pytest.param(-90, marks=pytest.mark.slow)])
def test_clock_that_steps_and_returns_sends_nothing_meanwhile_and_trades_on_afterwards(
    bench: Bench, seconds: int
) -> None:
    bench.cycle()
    bench.turns(2)
    sent, there = bench.front.count(PLACE), set(bench.member.orders)
    off = stepped(bench, timedelta(seconds=seconds))

    refused = []
    for _ in range(MINUTES_OFF):
        bench.wait(CYCLE)
        off.wait(CYCLE)
        refused.append(is_refused(off))

    assert set(bench.member.orders) == there
    assert bench.front.count(PLACE) <= sent + 1, "the first answer tells how far off we are"
    assert "CLOCK_SKEW" in locks()
    back = []
    for _ in range(9):
        bench.wait(CYCLE)
        back.append(is_refused(bench))
    late, early = (refused, back) if seconds < 0 else (back, refused)
    assert late == sorted(late, reverse=True), "only turns before the last one's time are refused"
    assert 1 <= sum(late) <= 2
    assert not any(early)
    assert is_recovered()
    assert bench.complaints() == []


def is_refused(bench: Bench) -> bool:
    """Whether the turn lies before the last one's time."""
    try:
        bench.cycle()
    except StaleTurn:
        return True
    return False
