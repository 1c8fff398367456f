"""Slowness and errors: a turn ends in time and the next ones mend what it left."""

import time
from collections.abc import Sequence
from datetime import timedelta

from tests.faults.bench import Bench
from tests.faults.books import is_recovered, orders
from tests.faults.edge import HastyConversation
from trading.oms.submit import RESTING_LIFE

EVERYTHING = ("GET /", "POST /portfolio", "DELETE /portfolio")
SCALE = 10
"""The waits of these tests are a tenth of the real ones."""
OWN_WORK_S = 2
"""What a turn's own work may take beside them on a busy machine; it does not shrink with the waits."""


def impatient(bench: Bench, patience_s: float) -> None:
    conversation = bench.transport.conversation
    assert isinstance(conversation, HastyConversation)
    conversation.patience_s = patience_s


def slow(bench: Bench, seconds: float, error_rate: float = 0, matches: Sequence[str] = EVERYTHING) -> None:
    for match in matches:
        bench.fault(match, "delay", seconds=seconds)
        if error_rate:
            bench.fault(match, "5xx", rate=error_rate, seed=len(match))


def durations_s(bench: Bench, turns: int) -> list[float]:
    found = []
    for _ in range(turns):
        begun = time.monotonic()
        bench.turns(1)
        found.append(time.monotonic() - begun)
    return found


def test_answers_that_are_all_late_make_turns_slow_and_nothing_wrong(bench: Bench) -> None:
    slow(bench, 5 / SCALE)
    bench.sends_within_s = 11.5 / SCALE

    durations = durations_s(bench, 3)

    assert max(durations) < 45 / SCALE + OWN_WORK_S, "below the limit at which the worker would end the turn"
    bench.heal()
    bench.recover(6)
    assert is_recovered()
    assert bench.complaints() == []


def test_latency_with_errors_lets_turns_end_in_time_and_every_order_be_known(bench: Bench) -> None:
    slow(bench, 2 / SCALE, error_rate=0.05)
    bench.sends_within_s = 11.5 / SCALE

    durations = durations_s(bench, 8)

    assert max(durations) < 15 / SCALE + OWN_WORK_S, durations
    bench.heal()
    bench.recover(6)
    assert orders().exists()
    assert is_recovered()
    assert bench.complaints() == []


def test_order_is_dated_by_the_moment_it_leaves_and_not_by_the_turn_s_beginning(bench: Bench) -> None:
    begun, slow_by = bench.now, timedelta(seconds=20)
    bench.front.before["GET /portfolio/fills"] = lambda: bench.wait(slow_by)

    bench.cycle()

    sent = orders().filter(sent_at__isnull=False)
    assert set(sent.values_list("sent_at", flat=True)) == {begun + slow_by}
    lives = {row.expires_at - row.sent_at for row in sent if row.expires_at and row.sent_at}
    assert lives == {RESTING_LIFE}
    bench.recover(2)
    assert is_recovered()
    assert bench.complaints() == []
