"""The machine's resolver is dead: it says so, or hangs as a dead one does. Turns end, halts are answered, nothing is lost."""

import math
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from django.db import connections

from markets.clients.kalshi.orders import WRITE_TIMEOUT_S
from sandbox.accounts import Account
from tests.faults.bench import Bench, running_bench
from tests.faults.books import PLACE, is_recovered, states
from tests.faults.detours import on_another_way
from tests.faults.test_network import OWN_WORK_S, SCALE, durations_s, impatient
from tests.names import Names, Resolver
from trading.domain.types import OrderState, TradingState
from trading.models import CycleRow

MINUTES: Final = 10
MACHINE_S = 0.25
"""Until a thread that may go on does go on, beside other tests on two cores."""
LIMIT_S: Final = 15.0
DEAD: Final = (Resolver.HANGS, Resolver.FAILS)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    found = Names()
    monkeypatch.setattr(socket, "getaddrinfo", found)
    yield found
    found.become(Resolver.FAILS)


def by_name(bench: Bench, **more: Any) -> Bench:
    return on_another_way(bench, bench.base_url.replace("127.0.0.1", "localhost"), **more)


def die(names: Names, bench: Bench, state: Resolver) -> None:
    """No name resolves any more, no connection is left from before, and nothing is remembered."""
    bench.transport.close()
    names.become(state)


@pytest.mark.story("9.4", 1)
@pytest.mark.story("9.4", 2)
@pytest.mark.parametrize("state", DEAD)
def test_ten_minutes_without_name_resolution_pass_without_a_trace(
    bench: Bench, names: Names, state: Resolver
) -> None:
    bench = by_name(bench)
    bench.cycle()
    bench.turns(1)
    impatient(bench, 10 / SCALE)
    die(names, bench, state)
    sent, ended = bench.front.count(PLACE), CycleRow.objects.filter(ok=True).count()

    durations = []
    for _ in range(MINUTES):
        begun = time.monotonic()
        (report,) = bench.turns(1)
        durations.append(time.monotonic() - begun)
        assert report.intents == 0
        assert report.errors

    assert max(durations) < LIMIT_S / SCALE + OWN_WORK_S, durations
    assert (
        CycleRow.objects.filter(ok=True).count() == ended + MINUTES
    ), "every turn ends and gives its sign of life"
    assert bench.front.count(PLACE) == sent
    impatient(bench, 10)
    names.become(Resolver.ANSWERS)

    bench.recover(5)

    assert bench.front.count(PLACE) > sent, "it trades on by itself"
    assert is_recovered()
    assert bench.complaints() == []


@pytest.mark.slow
def test_turns_in_which_every_lookup_hangs_end_below_fifteen_seconds_at_the_real_waits(
    tmp_path: Path,
    keys: tuple[Account, ...],
    names: Names,
    db: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with running_bench(tmp_path, keys) as running:
        bench = by_name(running, pause=time.sleep)
        bench.cycle()
        die(names, bench, Resolver.HANGS)

        durations = sorted(durations_s(bench, 12))

        with capsys.disabled():
            print(f"\nevery lookup hangs: turns of {[round(one, 1) for one in durations]} s")  # noqa: T201
        assert durations[math.ceil(0.99 * len(durations)) - 1] < LIMIT_S
        names.become(Resolver.ANSWERS)
        bench.recover(5)
        assert is_recovered()
        assert bench.complaints() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", DEAD)
def test_names_that_die_between_reading_and_sending_send_nothing_and_let_a_halt_through(
    bench: Bench, names: Names, state: Resolver
) -> None:
    bench = by_name(bench)
    boards = bench.sources.boards

    def then_nothing(*given: Any) -> Any:
        found = boards(*given)
        while bench.front.count("GET /portfolio/fills") < 2:
            time.sleep(0.01)
        die(names, bench, state)
        return found

    dying = replace(bench, sources=replace(bench.sources, boards=then_nothing))

    def turn() -> None:
        try:
            dying.cycle()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        turning = pool.submit(turn)
        while not names.asked[1:] and not turning.done():
            time.sleep(0.01)
        begun = time.monotonic()
        bench.turn_switch(TradingState.HALTED)
        took_s = time.monotonic() - begun
        turning.result()

    # The write under way had just begun, and is waited for to its end; then the switch holds, however many would have followed.
    assert took_s < WRITE_TIMEOUT_S + MACHINE_S
    assert set(states()) == {OrderState.CANCELED}, "provably unsent"
    assert bench.front.count(PLACE) == 0
    bench.turn_switch(TradingState.ACTIVE)
    names.become(Resolver.ANSWERS)

    bench.recover(3)

    assert bench.member.orders
    assert is_recovered()
    assert bench.complaints() == []
