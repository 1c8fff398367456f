"""The order path in memory: many more steps than a database could take, drawn from one seed."""

import os
import random
import time
from decimal import Decimal

import pytest

from tests.sandbox.exchange.scripted import MID, book
from tests.trading.machine.edge import OURS
from tests.trading.machine.memory import MemoryPath
from tests.trading.machine.trader import Wish
from trading.domain.types import Side

STEPS = int(os.environ.get("SOAK_STEPS") or "0")
STEPS_EACH = 120
DEFAULT_STEPS = 2_000


def run(steps: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Runs of 120 steps; run number n has the seed `SOAK_SEED + n`, so that a failing one is had at once."""
    drawn = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(2**32))
    begun, taken, number = time.perf_counter(), 0, 0
    try:
        while taken < steps:
            path = MemoryPath(random.Random(drawn + number))
            for _ in range(STEPS_EACH):
                path.step()
                taken += 1
            path.check_quiet()
            number += 1
    finally:
        took = time.perf_counter() - begun
        with capsys.disabled():
            print(f"\nin memory: {taken:,} steps in {took:.0f} s, SOAK_SEED={drawn + number}")  # noqa: T201


def test_memory_path_over_random_steps_then_every_invariant_holds(capsys: pytest.CaptureFixture[str]) -> None:
    run(DEFAULT_STEPS, capsys)


@pytest.mark.slow
@pytest.mark.skipif(not STEPS, reason="`make soak MEMORY=1 STEPS=1000000` says how many")
def test_memory_path_soaked_then_every_invariant_holds(capsys: pytest.CaptureFixture[str]) -> None:
    run(STEPS, capsys)


class Greedy(Wish):
    """Sells all it would, whatever is held."""

    def sold(self, held: Decimal) -> Decimal:
        return Decimal(self.contracts)


@pytest.mark.parametrize("wish", [Wish, Greedy])
def test_oracle_when_a_sale_goes_beyond_what_is_held_then_says_so(wish: type[Wish]) -> None:
    path = MemoryPath(random.Random(1))
    path.edge.feed.show(path.edge.now, book({"0.49": "30"}, {"0.51": "30"}), MID)
    path.edge.move(1)
    path.take_turn([Wish(MID, Side.YES, cents=51, contracts=5, rests=False)], [])
    path.edge.move(40)
    path.take_turn([], [])
    assert path.positions[MID].count == 5

    path.take_turn([wish(MID, Side.NO, cents=51, contracts=8, rests=False)], [])

    if wish is Wish:
        path.check()
        assert path.edge.exchange.positions(OURS)[0].count == 0
    else:
        with pytest.raises(AssertionError, match="a sale opened"):
            path.check()
