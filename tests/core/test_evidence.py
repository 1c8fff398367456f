"""Evidence: sizes and errors of the tests under known truth, published numbers, and refusals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core.scoring.evidence import Interval, block_bootstrap, diebold_mariano, sample_size
from milkbot.core.scoring.sharpe import deflated_sharpe, expected_max_sharpe, probabilistic_sharpe

DIFFERENCES = st.lists(st.floats(-5, 5), min_size=5, max_size=40).filter(lambda d: np.std(d) > 1e-3)


@given(DIFFERENCES)
def test_diebold_mariano_when_the_two_change_places_then_only_the_sign_changes(d: list[float]) -> None:
    forward, back = diebold_mariano(d), diebold_mariano([-x for x in d])
    assert (forward.dm, forward.hln) == pytest.approx((-back.dm, -back.hln))
    assert abs(forward.hln) <= abs(forward.dm)


def test_diebold_mariano_when_losses_are_equal_on_average_then_one_in_twenty_is_significant() -> None:
    draws = np.random.default_rng(11).normal(size=(2000, 60))
    rejected = np.mean([abs(diebold_mariano(row).hln) > 2.001 for row in draws])  # Student-t of 59
    assert rejected == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize(
    ("d", "horizon"),
    [([], 1), ([0.1], 1), ([0.1, 0.2], 0), ([0.1, 0.2], 2), ([0.1, 0.1], 1), ([math.nan, 1], 1)],
)
def test_diebold_mariano_when_it_cannot_be_computed_then_it_is_refused(d: list[float], horizon: int) -> None:
    with pytest.raises(ValueError):
        diebold_mariano(d, horizon)


def test_diebold_mariano_when_days_alternate_then_the_negative_variance_is_refused() -> None:
    with pytest.raises(ValueError, match="long-run variance"):
        diebold_mariano([1.0, -1.0, 1.0, -1.0, 1.1], 2)


def test_block_bootstrap_when_days_hang_together_then_blocks_widen_the_interval() -> None:
    noise = np.random.default_rng(5).normal(size=400)
    walk = [0.0]
    for shock in noise:
        walk.append(0.8 * walk[-1] + shock)
    narrow, wide = (block_bootstrap(walk, seed=1, block=block) for block in (1, 10))
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_block_bootstrap_when_the_mean_is_zero_then_about_one_interval_in_twenty_excludes_it() -> None:
    draws = np.random.default_rng(3).normal(size=(300, 100))
    excluded = np.mean([block_bootstrap(row, seed=9, draws=400).excludes_zero for row in draws])
    assert 0.02 < excluded < 0.12


@pytest.mark.parametrize(("level", "z"), [(0.5, 0.674), (0.95, 1.96)])
def test_block_bootstrap_when_days_are_independent_then_both_ends_are_those_of_the_normal(
    level: float, z: float
) -> None:
    values = np.random.default_rng(1).normal(size=1000)
    interval = block_bootstrap(values, seed=2, block=1, draws=8000, level=level)
    error = values.std() / math.sqrt(values.size)
    assert interval.low == pytest.approx(values.mean() - z * error, abs=0.1 * error)
    assert interval.high == pytest.approx(values.mean() + z * error, abs=0.1 * error)


@pytest.mark.parametrize(
    ("values", "arguments"),
    [([], {}), ([1.0, 2.0], {"block": 3}), ([1.0] * 9, {"block": 0}), ([1.0] * 9, {"level": 1.0})],
)
def test_block_bootstrap_when_there_is_nothing_to_draw_then_it_is_refused(
    values: list[float], arguments: dict[str, int]
) -> None:
    with pytest.raises(ValueError):
        block_bootstrap(values, seed=1, **arguments)


def test_interval_when_it_lies_on_one_side_then_it_excludes_zero() -> None:
    assert [Interval(*ends).excludes_zero for ends in ((0.1, 0.2), (-0.2, -0.1), (-0.1, 0.2))] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(("edge", "bets"), [(0.02, 3363), (0.03, 1519), (0.05, 563), (0.10, 148)])
def test_sample_size_when_the_price_is_thirty_cents_then_it_is_the_published_one(
    edge: float, bets: int
) -> None:
    p = 0.30 + edge
    assert sample_size(edge, math.sqrt(p * (1 - p))) == pytest.approx(bets, rel=0.015)


@given(st.floats(0.01, 1), st.floats(0.1, 2))
def test_sample_size_when_the_effect_halves_then_about_four_times_as_many_are_needed(
    effect: float, sd: float
) -> None:
    assert 4 * (sample_size(effect, sd) - 1) <= sample_size(effect / 2, sd) <= 4 * sample_size(effect, sd)


@pytest.mark.parametrize("effect", [0.0, -0.1, math.nan])
def test_sample_size_when_there_is_no_effect_then_it_is_refused(effect: float) -> None:
    with pytest.raises(ValueError):
        sample_size(effect, 0.4)


def test_probabilistic_sharpe_when_at_its_benchmark_then_it_is_even() -> None:
    assert probabilistic_sharpe(0.1, 100, benchmark=0.1) == 0.5
    assert probabilistic_sharpe(0.1, 400) > probabilistic_sharpe(0.1, 100)
    assert probabilistic_sharpe(0.1, 100, skew=-2) < probabilistic_sharpe(0.1, 100)


def test_expected_max_sharpe_when_strategies_are_worthless_then_it_is_what_the_best_of_them_shows() -> None:
    best = np.random.default_rng(2).normal(0, 0.06, size=(20_000, 45)).max(axis=1).mean()
    assert expected_max_sharpe(45, 0.06**2) == pytest.approx(best, rel=0.03)


def test_deflated_sharpe_when_more_was_tried_then_less_is_left() -> None:
    few, many = (deflated_sharpe(0.2, 200, trials=n, variance=0.0036) for n in (2, 200))
    assert many < few < probabilistic_sharpe(0.2, 200)


def test_sharpe_when_samples_or_trials_are_too_few_then_it_is_refused() -> None:
    with pytest.raises(ValueError):
        probabilistic_sharpe(0.1, 1)
    with pytest.raises(ValueError):
        probabilistic_sharpe(1.0, 100, skew=5.0, kurtosis=1.0)
    with pytest.raises(ValueError):
        expected_max_sharpe(1, 0.01)
    with pytest.raises(ValueError):
        expected_max_sharpe(10, -0.01)
