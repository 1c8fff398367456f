"""The installed processes before an exchange that answers late and badly: turns end in time and never run side by side.

Beat sends turns more often than one takes, and in the end a second worker could take them: what keeps them from piling
up is that they expire, and what keeps them apart is the lease.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import pytest
import redis as client
from django_celery_beat.models import PeriodicTask

from milkbot.core import clock
from milkbot.core.cities import load_cities
from sandbox.accounts import Account
from tests.faults import eager_worker
from tests.faults.bench import MODE, Bench, running_bench
from tests.faults.books import is_recovered
from tests.faults.installation import PERIOD_S, Installation, Worker, installed
from tests.faults.test_latency import LIMIT_S, percentile_99
from tests.faults.test_network import EVERYTHING
from tests.faults.witness import Call, Witness
from tests.trading.makers import ALONE
from trading.controls import ensure_controls
from trading.models import CycleRow
from trading.repositories.weights import WeightsRepository
from trading.schedule import NAME_PREFIX

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

FAST: Final = Worker("fast", eager_worker.__name__)
TRADER, RIVAL = "worker-fast", "worker-fast-too"
WORKERS: Final = {TRADER: FAST, "worker-slow": Worker("slow,batch")}
LATENCY_S: Final = 2
ERROR_RATES: Final = {"5xx": 0.03, "reset": 0.02}
ALONE_S: Final = 200
BESIDE_S: Final = 50
SENT_EVERY_S: Final = 1


@dataclass
class AdvancingClock:
    """The machine's clock, which may be set ahead."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return self.now

    @property
    def now(self) -> datetime:
        return clock.wall_now() + self.ahead

    @now.setter
    def now(self, at: datetime) -> None:
        self.ahead = at - clock.wall_now()


class Turn(NamedTuple):
    """A turn as its own row has it, whether it ended well or not."""

    begun_at: datetime
    ended_at: datetime
    is_ok: bool

    @property
    def took_s(self) -> float:
        return (self.ended_at - self.begun_at).total_seconds()


@pytest.fixture
def installation(
    tmp_path: Path,
    keys: tuple[Account, ...],
    monkeypatch: pytest.MonkeyPatch,
    fresh_config: None,
    db: None,
) -> Iterator[Installation]:
    """One that trades all cities, in weather read before; from its first turn on all answers are late, and some fail."""
    monkeypatch.setenv("FAST_PERIOD_S", str(SENT_EVERY_S))
    monkeypatch.setenv("SLOW_PERIOD_S", str(PERIOD_S))
    hand = AdvancingClock()
    with running_bench(tmp_path, keys, cities=tuple(load_cities()), clock=hand) as bench:
        now = hand()
        ensure_controls(MODE, now)
        WeightsRepository(MODE).append(replace(ALONE, version=1, learned_until=now), now)
        bench.sources.weather(bench.cities, now)
        make_slow(bench)
        with installed(bench, tmp_path, WORKERS) as running:
            yield running


def make_slow(bench: Bench) -> None:
    for match in EVERYTHING:
        bench.fault(match, "delay", seconds=LATENCY_S)
        for kind, rate in ERROR_RATES.items():
            bench.fault(match, kind, rate=rate, seed=len(match))


def test_installation_before_a_slow_exchange_turns_in_time_and_never_side_by_side(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = installation.bench
    bench.front.app = witness = Witness(bench.front.app)
    waiting = watched_queue(installation, ALONE_S)
    installation.workers[RIVAL] = FAST
    installation.start(RIVAL)
    waiting += watched_queue(installation, BESIDE_S)
    for name in ("beat", TRADER, RIVAL):
        installation.end(name)
    installation.stop()
    bench.heal()

    taken = turns()
    took = sorted(turn.took_s for turn in taken)
    sent = PeriodicTask.objects.get(name=f"{NAME_PREFIX}cycle").total_run_count
    refused = sum(installation.log(name).count("cycle skipped") for name in (TRADER, RIVAL))
    placed = len(bench.member.orders)
    with capsys.disabled():
        print(  # noqa: T201 - the figure is the point
            f"\n{len(took)} turns of installed processes, {LATENCY_S} s of latency, 5 % errors, ten cities: median "
            f"{took[len(took) // 2]:.1f} s, p99 {percentile_99(took):.1f} s, longest {took[-1]:.1f} s, {placed} orders; "
            f"of {sent} turns sent the lease refused {refused}, at most {max(waiting)} waited"
        )
    assert percentile_99(took) < LIMIT_S
    assert all(turn.is_ok for turn in taken)
    assert placed > len(taken) / 2
    assert refused > 0, "the other worker wanted to trade as well"
    assert sent > 2 * (len(taken) + refused), "most expired"
    assert max(waiting) < took[-1] / SENT_EVERY_S + 3, "what was sent during one turn is gone after it"
    check_apart(taken, witness.calls)
    assert len(witness.calls) > 5 * len(taken)
    bench.recover(6)
    assert is_recovered()
    assert bench.complaints() == []


def watched_queue(installation: Installation, seconds: float) -> list[int]:
    """How many turns waited at the broker, again and again while `seconds` passed."""
    until, found = time.monotonic() + seconds, []
    with client.Redis(unix_socket_path=str(installation.socket)) as broker:
        while time.monotonic() < until:
            found.append(broker.llen("fast"))
            time.sleep(0.5)
    return found


def turns() -> list[Turn]:
    """Every turn there was, by when it began."""
    rows = CycleRow.objects.filter(mode=MODE).order_by("started_at")
    return [Turn(*values) for values in rows.values_list("started_at", "finished_wall_at", "ok")]


def check_apart(turns: Sequence[Turn], calls: Sequence[Call]) -> None:
    """No turn began before another had ended, and the exchange heard one process at a time, the one whose turn it was."""
    assert all(one.ended_at <= following.begun_at for one, following in pairwise(turns))
    heard: dict[Turn, set[int | None]] = {}
    for call in calls:
        within = [turn for turn in turns if turn.begun_at <= call.begun_at <= call.ended_at <= turn.ended_at]
        assert len(within) == 1, call
        heard.setdefault(within[0], set()).add(call.process)
    assert all(None not in processes and len(processes) == 1 for processes in heard.values())
