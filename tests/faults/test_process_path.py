"""Random steps with the trader as a real process, killed and stopped at random: `make soak PROCESSES=1 STEPS=10000`."""

import os
import random
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from sandbox.accounts import Account
from tests.faults.bench import running_bench
from tests.faults.edge import START
from tests.faults.forked import nursery
from tests.faults.process_path import ProcessPath
from tests.faults.shared_clock import SharedClock
from trading.models import FillRow, OrderRow

STEPS: Final = int(os.environ.get("SOAK_STEPS") or "0")
STEPS_EACH: Final = 500
STEPS_BETWEEN: Final = 100
"""After so many the books are compared with the exchange's to the last digit."""
SMOKE_STEPS: Final = 100
RUNS: Final = range(max(STEPS // STEPS_EACH, 1))
SEED: Final = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(2**32))

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def run(
    seed: int, steps: int, folder: Path, keys: tuple[Account, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """One world, its hour drawn, until so many steps are taken."""
    draw, begun, done = random.Random(seed), time.monotonic(), Counter[str]()
    clock = SharedClock(folder / "clock")
    clock.now = START + timedelta(hours=draw.randrange(24))
    try:
        with (
            running_bench(
                folder, keys, cities=("LAX", "CHI"), seed=draw.randrange(1000), clock=clock, journal=True
            ) as bench,
            nursery(bench, folder / "clock") as traders,
        ):
            path = ProcessPath(bench, traders, draw)
            done = path.done
            for number in range(1, steps + 1):
                path.step()
                if number % STEPS_BETWEEN == 0:
                    path.check_quiet()
    finally:
        took = time.monotonic() - begun
        with capsys.disabled():
            print(  # noqa: T201 - the figure is the point
                f"\nprocesses: {done.total():,} steps in {took:.0f} s, SOAK_SEED={seed}: {dict(done)}, "
                f"{OrderRow.objects.count()} orders, {FillRow.objects.count()} fills"
            )


def test_trader_s_process_over_random_steps_then_every_invariant_holds(
    tmp_path: Path, keys: tuple[Account, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    run(SEED, SMOKE_STEPS, tmp_path, keys, capsys)


@pytest.mark.skipif(not STEPS, reason="`make soak PROCESSES=1 STEPS=10000` says how many")
@pytest.mark.parametrize("number", RUNS)
def test_trader_s_processes_soaked_then_every_invariant_holds(
    number: int, tmp_path: Path, keys: tuple[Account, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    run(SEED + number, STEPS_EACH, tmp_path, keys, capsys)
