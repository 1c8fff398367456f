"""Names that do not resolve, silence, slowness: a turn ends in time and the next ones mend what it left."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.faults.bench import Bench
from tests.faults.books import PLACE, is_recovered, orders, states
from tests.faults.edge import HastyConversation
from trading.domain.types import OrderState
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


@contextmanager
def no_names(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> Iterator[None]:
    """No host name or address resolves, and no connection is left from before."""

    def fails(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    bench.transport.close()
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", fails)
        yield


@pytest.mark.story("9.4", 1)
@pytest.mark.story("9.4", 2)
def test_ten_minutes_without_name_resolution_pass_without_a_trace(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.cycle()
    bench.turns(1)
    with no_names(monkeypatch, bench):
        reports = bench.turns(10)
    assert all(report.intents == 0 and report.errors for report in reports)

    bench.turns(5)

    assert is_recovered()
    assert bench.complaints() == []


def test_names_that_stop_resolving_between_reading_and_sending_send_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = no_names(monkeypatch, bench)
    boards = bench.sources.boards

    def then_nothing(*given: Any) -> Any:
        found = boards(*given)
        while bench.front.count("GET /portfolio/fills") < 2:
            time.sleep(0.01)
        names.__enter__()
        return found

    bench.sources = replace(bench.sources, boards=then_nothing)
    bench.cycle()
    names.__exit__(None, None, None)
    assert set(states()) == {OrderState.CANCELED}, "provably unsent"
    bench.sources = replace(bench.sources, boards=boards)

    bench.turns(3)

    assert bench.member.orders
    assert is_recovered()
    assert bench.complaints() == []


@pytest.mark.story("9.4", 1)
@pytest.mark.story("9.4", 2)
def test_connection_that_has_gone_silent_ends_the_turn_and_is_replaced(bench: Bench) -> None:
    """Half-open: our packets leave, nothing ever comes back."""
    bench.cycle()
    bench.turns(1)
    impatient(bench, 0.2)
    for match in EVERYTHING:
        bench.fault(match, "delay", seconds=2)

    begun = time.monotonic()
    reports = bench.turns(2)

    assert time.monotonic() - begun < 2 * (15 / SCALE + OWN_WORK_S)
    assert all(report.intents == 0 for report in reports)
    impatient(bench, 10)
    bench.heal()
    bench.turns(6)
    assert is_recovered()
    assert bench.complaints() == []


def test_silence_after_the_orders_left_ends_in_adoption(bench: Bench) -> None:
    impatient(bench, 0.2)
    bench.fault(PLACE, "delay", seconds=1)  # carried out after we gave up
    bench.cycle()
    assert set(states()) <= {OrderState.UNKNOWN, OrderState.CANCELED}
    assert states()[OrderState.UNKNOWN]
    impatient(bench, 10)
    bench.heal()
    time.sleep(1)

    bench.turns(6)

    assert is_recovered()
    assert bench.complaints() == []


def slow(bench: Bench, seconds: float, error_rate: float = 0) -> None:
    for match in EVERYTHING:
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
    bench.turns(6)
    assert is_recovered()
    assert bench.complaints() == []


def test_latency_with_errors_lets_turns_end_in_time_and_every_order_be_known(bench: Bench) -> None:
    slow(bench, 2 / SCALE, error_rate=0.05)
    bench.sends_within_s = 11.5 / SCALE

    durations = durations_s(bench, 8)

    assert max(durations) < 15 / SCALE + OWN_WORK_S, durations
    bench.heal()
    bench.turns(6)
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
    bench.turns(2)
    assert is_recovered()
    assert bench.complaints() == []
