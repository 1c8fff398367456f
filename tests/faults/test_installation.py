"""Broker, worker and beat as they are installed, and what may happen to any of them: trading goes on by itself."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import redis as client

from milkbot.core import clock
from milkbot.core.health import Component
from milkbot.embedded.process import wait_until
from milkbot.health import read_all
from tests.exchange_account import demo, sandbox_keys  # noqa: F401 - fixtures
from tests.faults.bench import LAG, MODE, Bench
from tests.faults.books import is_recovered, orders
from tests.faults.installation import PERIOD_S, ROOT, Installation, await_cycles, cycles, installed
from tests.faults.processes import RECOVERY_S
from tests.trading.makers import ALONE
from trading.models import CycleRow
from trading.repositories.weights import WeightsRepository

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

START_S = 60
"""Two worker processes import everything on a busy machine."""


@pytest.fixture
def installation(
    demo: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811 - the fixture
) -> Iterator[Installation]:
    """One that has traded for a while, on the forecast alone: with the market among the experts it would wait."""
    now = clock.wall_now()
    WeightsRepository(MODE).append(replace(ALONE, version=1, learned_until=now), now)
    monkeypatch.setenv("FAST_PERIOD_S", str(PERIOD_S))
    monkeypatch.setenv("SLOW_PERIOD_S", str(PERIOD_S))
    with installed(demo, tmp_path) as running:
        assert await_cycles(2, START_S), running.log("worker")
        assert wait_until(orders().exists, timeout_s=START_S), running.log("worker")
        yield running


def check_whole(installation: Installation) -> None:
    """It stands still, nothing is doubled, and no turn ran beside another.

    What the workers were ended in the midst of, as an order that no list showed yet, is read by command, as after any stop.
    """
    installation.stop()
    installation.bench.stand_still()
    time.sleep(LAG.total_seconds())  # The clock is the machine's, and turns by itself.
    report = installation.bench.reconcile()
    assert (report.faults, report.unplaced) == ((), ())
    assert is_recovered()
    assert installation.bench.complaints() == []
    turns = list(CycleRow.objects.order_by("pk").values_list("started_at", "finished_wall_at"))
    assert all(ended <= begun for (_, ended), (begun, _) in pairwise(turns))


def test_broker_that_is_killed_is_found_again_and_no_turn_is_doubled(installation: Installation) -> None:
    installation.kill("redis")
    time.sleep(2 * PERIOD_S)

    installation.start("redis")

    assert await_cycles(3, START_S), installation.log("worker")
    check_whole(installation)


def test_broker_that_forgets_everything_while_turns_run_stops_none_of_them(
    installation: Installation,
) -> None:
    with client.Redis(unix_socket_path=str(installation.socket)) as broker:
        for _ in range(20):
            broker.flushall()
            time.sleep(PERIOD_S / 10)

    assert await_cycles(3, START_S), installation.log("worker") + installation.log("beat")
    check_whole(installation)


def test_worker_that_is_killed_is_followed_by_one_that_trades_without_waiting_for_beat(
    installation: Installation,
) -> None:
    installation.kill("beat")
    installation.kill("worker")
    before = cycles()

    started_at = time.monotonic()
    installation.start("worker")

    assert wait_until(lambda: cycles() > before, timeout_s=RECOVERY_S), installation.log("worker")
    assert time.monotonic() - started_at < RECOVERY_S
    check_whole(installation)


def test_task_that_is_delivered_twice_turns_twice_one_after_the_other(installation: Installation) -> None:
    installation.kill("beat")
    before = CycleRow.objects.count()
    send = "from milkbot.celery import app\nfor _ in range(2): app.send_task('trading.tasks.run_cycle', queue='fast')"
    subprocess.run([sys.executable, "-c", send], cwd=ROOT, env=installation.env, check=True, timeout=START_S)

    assert wait_until(lambda: CycleRow.objects.count() >= before + 2, timeout_s=START_S)
    check_whole(installation)


def test_worker_that_is_stopped_for_a_while_goes_on_where_the_market_is_now(
    installation: Installation,
) -> None:
    """What waited in the queue meanwhile has expired: one turn is taken, not one for every period missed."""
    worker = installation.processes["worker"].pid
    os.killpg(worker, signal.SIGSTOP)
    time.sleep(6 * PERIOD_S)
    before, resumed_at = CycleRow.objects.count(), time.monotonic()

    os.killpg(worker, signal.SIGCONT)

    assert await_cycles(3, START_S), installation.log("worker")
    periods = (time.monotonic() - resumed_at) / PERIOD_S
    assert CycleRow.objects.count() - before <= periods + 3
    assert read_all()[Component.TRADER].ok
    check_whole(installation)
