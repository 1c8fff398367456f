"""One seed is one world: in any process, in any order of asking."""

import os
import subprocess
import sys
from pathlib import Path

from sandbox.world.chance import normals, spread_of_heavy_tails, uniforms
from tests.sandbox.world.weathers import SEED, digest

ROOT = Path(__file__).parents[3]
PINNED = ["0.144265812091", "0.022580360221", "0.434891103666"]


def test_world_when_asked_in_another_process_and_order_then_same_bytes() -> None:
    program = f"from tests.sandbox.world.weathers import digest; print(digest({SEED}, backwards=True))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == digest(SEED)


def test_world_when_seed_differs_then_other_bytes() -> None:
    assert digest(SEED + 1) != digest(SEED)


def test_uniforms_when_named_alike_then_equal_and_pinned() -> None:
    drawn = uniforms(7, "NYC", "2026-11-20", "news", count=3)
    assert drawn.tolist() == uniforms(7, "NYC", "2026-11-20", "news", count=3).tolist()
    assert [f"{value:.12f}" for value in drawn] == PINNED
    assert drawn.tolist() != uniforms(7, "NYC", "2026-11-21", "news", count=3).tolist()


def test_normals_when_many_then_standard() -> None:
    drawn = normals(7, "any", count=20_000)
    assert abs(drawn.mean()) < 3 / 20_000**0.5
    assert abs(drawn.std() - 1) < 3 / 40_000**0.5


def test_heavy_tails_when_many_then_unit_variance_on_average() -> None:
    spreads = [spread_of_heavy_tails(7, number) for number in range(4000)]
    assert abs(sum(spreads) / 4000 - 1) < 0.05
    # The kurtosis of the errors is three times the mean square of their variance: 5 to 6 were measured.
    assert 5 / 3 < sum(spread**2 for spread in spreads) / 4000 < 6 / 3
