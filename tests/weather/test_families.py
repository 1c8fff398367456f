"""Families of distributions: all are distributions, exact in both tails, and survive being stored."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from scipy.stats import skewnorm
from scipy.stats import t as student_t

from weather.domain.brackets import Bracket
from weather.domain.distribution import bracket_probabilities, integer_pmf
from weather.domain.families import (
    Distribution,
    Family,
    Normal,
    NormalMixture,
    OneFactorMax,
    Quantiles,
    SkewNormal,
    StudentT,
)

STORED: TypeAdapter[Family] = TypeAdapter(Distribution)
SPREADS = st.floats(0.4, 6)
HOURS = st.lists(st.floats(-6, 6), min_size=1, max_size=6)


def families(mean: float) -> st.SearchStrategy[Family]:
    """Any family, all of its places relative to `mean`: the same draw with another mean is the same shape moved."""
    return st.one_of(
        st.builds(Normal, mu=st.just(mean), sigma=SPREADS),
        st.builds(StudentT, loc=st.just(mean), scale=SPREADS, df=st.floats(2, 30)),
        st.builds(SkewNormal, loc=st.just(mean), scale=SPREADS, alpha=st.floats(-6, 6)),
        st.builds(
            lambda share, gap, sigmas: NormalMixture(
                weights=(share, 1 - share), mus=(mean, mean + gap), sigmas=sigmas
            ),
            st.floats(0, 1),
            st.floats(0, 9),
            st.tuples(SPREADS, SPREADS),
        ),
        st.builds(
            lambda gaps: Quantiles(
                levels=(0.1, 0.4, 0.6, 0.95), values=tuple(mean + gap for gap in np.cumsum(gaps).tolist())
            ),
            st.lists(st.floats(0.3, 4), min_size=4, max_size=4),
        ),
        st.builds(
            lambda hours, tau, sigma: OneFactorMax(
                hourly_means=tuple(mean + hour for hour in hours), tau=tau, sigma_hour=sigma
            ),
            HOURS,
            st.floats(0, 3),
            st.floats(0.3, 2),
        ),
    )


def moved(family: Family, by: float) -> Family:
    """The same shape, `by` °F warmer."""
    places = {"mu", "loc", "mus", "values", "hourly_means"}
    fields: dict[str, Any] = family.model_dump()
    for name in places & fields.keys():
        value = fields[name]
        fields[name] = tuple(v + by for v in value) if isinstance(value, tuple) else value + by
    return type(family)(**fields)


@given(families(70.0), st.lists(st.integers(50, 90), min_size=1, max_size=7, unique=True).map(sorted))
def test_bracket_probabilities_when_brackets_partition_then_they_sum_to_one(
    family: Family, edges: list[int]
) -> None:
    lows: list[int | None] = [None, *(edge + 1 for edge in edges)]
    probs = bracket_probabilities(family, list(zip(lows, [*edges, None], strict=True)))
    assert math.fsum(probs) == pytest.approx(1, abs=1e-9)
    assert min(probs) >= 0


@given(families(70.0), st.integers(50, 90), st.floats(0.01, 5))
def test_bracket_probabilities_when_the_mean_rises_then_every_upper_tail_does(
    family: Family, low: int, by: float
) -> None:
    tail: list[Bracket] = [(low, None)]
    assert bracket_probabilities(moved(family, by), tail)[0] >= bracket_probabilities(family, tail)[0] - 1e-12


@given(families(70.0), st.integers(50, 90), st.integers(1, 8), st.integers(1, 8))
def test_bracket_probabilities_when_a_bracket_is_split_then_its_parts_add_up(
    family: Family, low: int, first: int, second: int
) -> None:
    middle, high = low + first, low + first + second - 1
    whole, left, right = bracket_probabilities(family, [(low, high), (low, middle - 1), (middle, high)])
    assert left + right == pytest.approx(whole, abs=1e-9)


@given(families(70.0), st.floats(40, 100))
def test_family_when_both_tails_are_asked_then_they_make_one(family: Family, x: float) -> None:
    at = np.asarray([x, -np.inf, np.inf])
    assert family.cdf(at) + family.sf(at) == pytest.approx([1, 1, 1], abs=1e-9)
    assert family.cdf(at)[1:].tolist() == pytest.approx([0, 1])


@given(families(70.0))
def test_family_when_stored_as_json_then_the_same_comes_back(family: Family) -> None:
    assert STORED.validate_json(STORED.dump_json(family)) == family


@pytest.mark.parametrize(
    ("family", "mirror"),
    [
        (Normal(mu=0, sigma=1), Normal(mu=0, sigma=1)),
        (StudentT(loc=0, scale=1, df=5), StudentT(loc=0, scale=1, df=5)),
        (SkewNormal(loc=0, scale=1, alpha=2), SkewNormal(loc=0, scale=1, alpha=-2)),
        (
            NormalMixture(weights=(0.3, 0.7), mus=(-1, 1), sigmas=(1, 2)),
            NormalMixture(weights=(0.3, 0.7), mus=(1, -1), sigmas=(1, 2)),
        ),
        (
            Quantiles(levels=(0.1, 0.5, 0.9), values=(-1, 0, 2)),
            Quantiles(levels=(0.1, 0.5, 0.9), values=(-2, 0, 1)),
        ),
    ],
)
def test_family_when_far_in_the_upper_tail_then_it_is_as_exact_as_its_mirror_in_the_lower(
    family: Family, mirror: Family
) -> None:
    high = bracket_probabilities(family, [(9, 10)])[0]
    assert high > 0
    assert high == pytest.approx(bracket_probabilities(mirror, [(-10, -9)])[0], rel=1e-9, abs=0)


def test_one_factor_max_when_far_in_the_upper_tail_then_its_digits_stay() -> None:
    one_hour = OneFactorMax(hourly_means=(70,), tau=1.5, sigma_hour=0.8)
    same = Normal(mu=70, sigma=math.hypot(1.5, 0.8))
    brackets: list[Bracket] = [(None, 60), (70, 71), (80, 81), (82, None)]
    assert bracket_probabilities(one_hour, brackets) == pytest.approx(
        bracket_probabilities(same, brackets), rel=1e-6, abs=0
    )


def test_one_factor_max_when_published_hours_then_mean_and_spread_are_the_published_ones() -> None:
    hours = OneFactorMax(hourly_means=(84, 85.5, 86.2, 86.4, 85.8, 84.1), tau=1.5, sigma_hour=0.8)
    x = np.linspace(70, 105, 7001)
    density = np.gradient(hours.cdf(x), x)
    mean = float(np.trapezoid(x * density, x))
    assert mean == pytest.approx(86.90, abs=0.005)
    assert math.sqrt(float(np.trapezoid((x - mean) ** 2 * density, x))) == pytest.approx(1.61, abs=0.005)


@pytest.mark.parametrize("tau", [0.0, 0.05, 1.0, 20.0])
def test_one_factor_max_when_compared_with_simulation_then_it_agrees(tau: float) -> None:
    means = np.asarray([68.0, 70.0, 69.5])
    draws = np.random.default_rng(4)
    shared = tau * draws.normal(size=(200_000, 1))
    highest = (means + shared + 0.5 * draws.normal(size=(200_000, 3))).max(axis=1)
    family = OneFactorMax(hourly_means=tuple(means.tolist()), tau=tau, sigma_hour=0.5)
    at = np.asarray([69.0, 70.2, 71.0])
    assert family.cdf(at) == pytest.approx([float((highest <= x).mean()) for x in at], abs=0.005)


@given(st.floats(2.1, 40), SPREADS)
def test_student_t_when_made_of_a_standard_deviation_then_it_has_it(df: float, sd: float) -> None:
    family = StudentT.with_sd(70, sd, df)
    assert float(student_t.std(df, scale=family.scale)) == pytest.approx(sd)


def test_student_t_when_it_has_no_standard_deviation_then_none_is_made() -> None:
    with pytest.raises(ValueError, match="degrees of freedom"):
        StudentT.with_sd(70, 2, 2)


@given(st.floats(-8, 8), st.floats(-4, 4))
def test_skew_normal_when_compared_with_a_library_then_it_agrees(alpha: float, z: float) -> None:
    family = SkewNormal(loc=0, scale=1, alpha=alpha)
    assert float(family.cdf(np.asarray([z]))[0]) == pytest.approx(float(skewnorm.cdf(z, alpha)), abs=1e-8)


def test_quantiles_when_read_at_their_values_then_the_levels_come_back() -> None:
    levels, values = (0.05, 0.25, 0.5, 0.9), (60.0, 64.0, 66.5, 71.0)
    assert Quantiles(levels=levels, values=values).cdf(np.asarray(values)) == pytest.approx(levels)


def test_integer_pmf_when_given_a_range_then_the_ends_hold_what_lies_beyond() -> None:
    pmf = integer_pmf(Normal(mu=70, sigma=2.5), 66, 74)
    assert math.fsum(pmf) == pytest.approx(1)
    assert len(pmf) == 9
    assert pmf[0] == bracket_probabilities(Normal(mu=70, sigma=2.5), [(None, 66)])[0]
    with pytest.raises(ValueError, match="range"):
        integer_pmf(Normal(mu=70, sigma=2.5), 70, 70)


@pytest.mark.parametrize(
    "stored",
    [
        {"family": "normal", "mu": 70, "sigma": 0},
        {"family": "normal", "mu": math.nan, "sigma": 1},
        {"family": "normal", "mu": 70, "sigma": 1, "df": 3},
        {"family": "student_t", "loc": 70, "scale": 2, "df": 0},
        {"family": "skew_normal", "loc": 70, "scale": -1, "alpha": 0},
        {"family": "normal_mixture", "weights": [0.5, 0.4], "mus": [1, 2], "sigmas": [1, 1]},
        {"family": "normal_mixture", "weights": [1.5, -0.5], "mus": [1, 2], "sigmas": [1, 1]},
        {"family": "normal_mixture", "weights": [1.0], "mus": [1, 2], "sigmas": [1]},
        {"family": "quantiles", "levels": [0.1, 0.1], "values": [1, 2]},
        {"family": "quantiles", "levels": [0.1, 0.9], "values": [2, 2]},
        {"family": "quantiles", "levels": [0.1, 0.9], "values": [1, 2, 3]},
        {"family": "quantiles", "levels": [0.0, 0.9], "values": [1, 2]},
        {"family": "one_factor_max", "hourly_means": [], "tau": 1, "sigma_hour": 1},
        {"family": "one_factor_max", "hourly_means": [70], "tau": 101, "sigma_hour": 1},
        {"family": "gumbel", "mu": 70, "sigma": 1},
    ],
)
def test_family_when_its_parameters_make_no_distribution_then_it_is_refused(stored: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        STORED.validate_python(stored)
