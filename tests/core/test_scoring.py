"""Scores: proper, in range, and right where a second way of computing them is at hand."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm
from scipy.stats import t as student_t

from milkbot.core.arrays import Floats
from milkbot.core.scoring.calibration import ForecastGroup, brier_decomposition, pit_interval, randomised_pit
from milkbot.core.scoring.crps import crps_integer, crps_normal, crps_normal_gradient, crps_student_t
from milkbot.core.scoring.probability import (
    brier_binary,
    brier_multi,
    is_clipped,
    log_score,
    rps,
    rps_normalised,
    skill,
)
from weather.domain.families import Normal

Score = Callable[[npt.ArrayLike, npt.ArrayLike], Floats]

FORECASTS = st.lists(st.floats(0.01, 1), min_size=2, max_size=8).map(lambda raw: (np.asarray(raw) / sum(raw)))
SCORES = pytest.mark.parametrize("score", [brier_multi, log_score, rps])


@SCORES
@given(truth=FORECASTS, data=st.data())
def test_score_when_the_forecaster_is_honest_then_no_other_forecast_scores_better_on_average(
    score: Score, truth: Floats, data: st.DataObject
) -> None:
    other = np.asarray(data.draw(st.lists(st.floats(0.01, 1), min_size=truth.size, max_size=truth.size)))
    outcomes = np.arange(truth.size)
    honest = truth @ score(np.tile(truth, (truth.size, 1)), outcomes)
    dishonest = truth @ score(np.tile(other / other.sum(), (truth.size, 1)), outcomes)
    assert honest <= dishonest + 1e-12


@SCORES
def test_score_when_given_many_events_then_each_is_scored_as_alone(score: Score) -> None:
    probs, outcomes = [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]], [1, 0]
    alone = [float(score(row, outcome)) for row, outcome in zip(probs, outcomes, strict=True)]
    assert score(probs, outcomes).tolist() == alone


@SCORES
@pytest.mark.parametrize(
    ("probs", "outcome"),
    [
        ([0.5, 0.6], 0),
        ([-0.1, 1.1], 0),
        ([math.nan, 1.0], 0),
        ([], 0),
        ([0.5, 0.5], 2),
        ([0.5, 0.5], -1),
        ([0.5, 0.5], 0.0),
        ([0.5, 0.5], True),
    ],
)
def test_score_when_given_no_forecast_or_no_outcome_then_it_is_refused(
    score: Score, probs: list[float], outcome: int
) -> None:
    with pytest.raises(ValueError):
        score(probs, outcome)


def test_scores_when_certain_then_the_ends_of_their_ranges_are_reached() -> None:
    right, wrong = ([1.0, 0, 0], 0), ([1.0, 0, 0], 2)
    assert [float(brier_multi(*f)) for f in (right, wrong)] == [0, 2]
    assert [float(rps(*f)) for f in (right, wrong)] == [0, 2]
    assert [float(rps_normalised(*f)) for f in (right, wrong)] == [0, 1]
    assert [float(log_score(*f)) for f in (right, wrong)] == [0, pytest.approx(-math.log(1e-4))]
    assert [bool(is_clipped(*f)) for f in (right, wrong)] == [False, True]


def test_rps_when_the_miss_is_near_then_it_costs_less_than_a_far_one() -> None:
    assert rps([1.0, 0, 0], 1) < rps([1.0, 0, 0], 2)
    assert brier_multi([1.0, 0, 0], 1) == brier_multi([1.0, 0, 0], 2)


def test_rps_normalised_when_there_is_one_outcome_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="two outcomes"):
        rps_normalised([1.0], 0)


@pytest.mark.parametrize(("p", "happened"), [(1.1, 1), (-0.1, 0), (0.5, 2), (0.5, 0.5), (math.inf, 1)])
def test_brier_binary_when_given_no_probability_or_outcome_then_it_is_refused(
    p: float, happened: float
) -> None:
    with pytest.raises(ValueError):
        brier_binary(p, happened)


@pytest.mark.parametrize("floor", [0.0, 1.0, -1.0, math.nan])
def test_log_score_when_the_floor_is_no_probability_then_it_is_refused(floor: float) -> None:
    with pytest.raises(ValueError, match="floor"):
        log_score([0.5, 0.5], 0, floor)


def test_skill_when_as_good_as_the_reference_then_zero() -> None:
    assert (skill(0.2, 0.2), skill(0.0, 0.2), skill(0.4, 0.2)) == (0, 1, -1)
    with pytest.raises(ValueError, match="reference"):
        skill(0.1, 0.0)


@given(st.floats(-50, 120), st.floats(0.3, 12), st.floats(-60, 135))
def test_crps_normal_gradient_when_compared_with_differences_then_they_agree(
    mu: float, sigma: float, y: float
) -> None:
    by_mu, by_sigma = crps_normal_gradient(mu, sigma, y)
    step = 1e-5
    slope_mu = (crps_normal(mu + step, sigma, y) - crps_normal(mu - step, sigma, y)) / (2 * step)
    slope_sigma = (crps_normal(mu, sigma + step, y) - crps_normal(mu, sigma - step, y)) / (2 * step)
    assert float(by_mu) == pytest.approx(float(slope_mu), abs=1e-6)
    assert float(by_sigma) == pytest.approx(float(slope_sigma), abs=1e-6)


@pytest.mark.parametrize("y", [-4.0, 0.3, 9.0])
@pytest.mark.parametrize("df", [1.5, 4.0, 30.0])
def test_crps_student_t_when_integrated_then_the_closed_form_is_right(df: float, y: float) -> None:
    cdf = student_t(df, 0.5, 1.3).cdf
    whole = quad(lambda x: cdf(x) ** 2, -np.inf, y, limit=400)[0]
    whole += quad(lambda x: (1 - cdf(x)) ** 2, y, np.inf, limit=400)[0]
    assert float(crps_student_t(0.5, 1.3, df, y)) == pytest.approx(whole, abs=1e-6)


def test_crps_student_t_when_the_tails_are_those_of_a_gaussian_then_it_is_its_score() -> None:
    assert float(crps_student_t(70, 2.5, 1e7, 73)) == pytest.approx(float(crps_normal(70, 2.5, 73)), abs=1e-5)


@pytest.mark.parametrize("y", [57, 60, 61, 63, 70])
def test_crps_integer_when_written_as_expected_distances_then_it_is_the_same(y: int) -> None:
    pmf, support = np.asarray([0.1, 0.2, 0.4, 0.3]), np.arange(60, 64)
    spread = pmf @ np.abs(support[:, None] - support) @ pmf / 2
    assert crps_integer(60, pmf, y) == pytest.approx(float(pmf @ np.abs(support - y)) - spread)


def test_crps_integer_when_the_forecast_is_one_degree_then_it_is_the_absolute_error() -> None:
    assert [crps_integer(70, [1.0], y) for y in (66, 70, 73)] == [4, 0, 3]


@pytest.mark.parametrize(("sigma", "y"), [(0.0, 1.0), (-1.0, 1.0), (math.nan, 1.0), (1.0, math.inf)])
def test_crps_when_the_spread_or_outcome_is_none_then_it_is_refused(sigma: float, y: float) -> None:
    with pytest.raises(ValueError):
        crps_normal(0.0, sigma, y)
    with pytest.raises(ValueError):
        crps_student_t(0.0, sigma, 5.0, y)


def test_crps_when_it_is_infinite_or_of_several_rows_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="freedom"):
        crps_student_t(0.0, 1.0, 1.0, 0.0)
    with pytest.raises(ValueError, match="one forecast"):
        crps_integer(60, [[1.0]], 60)


GROUPS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(1, 50), st.floats(0, 1)).map(
        lambda g: ForecastGroup(g[0], g[1], round(g[1] * g[2]))
    ),
    min_size=1,
    max_size=10,
)


@given(GROUPS)
def test_brier_decomposition_when_forecasts_are_equal_in_each_group_then_the_parts_add_up(
    groups: list[ForecastGroup],
) -> None:
    parts = brier_decomposition(groups)
    assert parts.brier == pytest.approx(parts.reliability - parts.resolution + parts.uncertainty, abs=1e-12)
    assert parts.reliability >= 0
    assert 0 <= parts.resolution <= parts.uncertainty + 1e-12


@pytest.mark.parametrize("groups", [[], [(0.5, 0, 0)], [(0.5, 3, 4)], [(0.5, 3, -1)], [(1.5, 3, 1)]])
def test_brier_decomposition_when_groups_are_impossible_then_they_are_refused(
    groups: list[tuple[float, int, int]],
) -> None:
    with pytest.raises(ValueError):
        brier_decomposition([ForecastGroup(*group) for group in groups])


def test_randomised_pit_when_the_forecaster_is_calibrated_then_it_is_uniform() -> None:
    settled = np.rint(norm(70, 2.5).rvs(4000, random_state=1)).astype(int)
    cdf = Normal(mu=70, sigma=2.5).cdf
    draws = randomised_pit([pit_interval(cdf, int(y)) for y in settled], seed=2)
    counts, _ = np.histogram(draws, bins=10, range=(0, 1))
    assert ((counts - 400) ** 2 / 400).sum() < 27.9  # chi-squared of 9, p = 0.001
    assert randomised_pit([(0.2, 0.4)], seed=2) == randomised_pit([(0.2, 0.4)], seed=2)


@pytest.mark.parametrize("interval", [(0.5, 0.4), (-0.1, 0.4), (0.5, 1.1), (math.nan, 0.5)])
def test_randomised_pit_when_an_interval_is_none_then_it_is_refused(interval: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="intervals"):
        randomised_pit([interval], seed=1)
