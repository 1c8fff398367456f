"""The maximum so far: censoring a distribution of the remaining hours, truncating one of the whole day."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weather.domain.brackets import Bracket
from weather.domain.distribution import bracket_probabilities, integer_pmf, with_basis_risk
from weather.domain.families import Normal
from weather.domain.intraday import censored_probabilities, lock_probability, truncated_probabilities

LADDER: tuple[Bracket, ...] = ((None, 65), (66, 67), (68, 69), (70, 71), (72, 73), (74, None))
NORMALS = st.builds(Normal, mu=st.floats(55, 85), sigma=st.floats(1, 5))
MAXIMA = st.integers(58, 80)
PMFS = st.dictionaries(MAXIMA, st.floats(0.05, 1), min_size=1, max_size=4).map(
    lambda raw: {m: weight / sum(raw.values()) for m, weight in raw.items()}
)


@given(NORMALS, PMFS)
def test_censored_probabilities_when_over_a_ladder_then_they_are_a_distribution(
    remaining: Normal, pmf: dict[int, float]
) -> None:
    probs = censored_probabilities(remaining, pmf, LADDER)
    assert min(probs) >= 0
    assert math.fsum(probs) == pytest.approx(1, abs=1e-9)


@given(NORMALS, MAXIMA)
def test_censored_probabilities_when_added_up_degree_by_degree_then_they_are_the_maximum_of_both(
    remaining: Normal, m: int
) -> None:
    pmf = integer_pmf(remaining, 20, 120)
    expected = [
        math.fsum(
            p
            for degree, p in enumerate(pmf, start=20)
            if (low is None or max(degree, m) >= low) and (high is None or max(degree, m) <= high)
        )
        for low, high in LADDER
    ]
    assert censored_probabilities(remaining, {m: 1.0}, LADDER) == pytest.approx(expected, abs=1e-9)


@given(NORMALS, MAXIMA, st.integers(60, 80), st.integers(1, 5), st.integers(1, 5))
def test_conditioned_probabilities_when_a_bracket_is_split_then_its_parts_add_up(
    normal: Normal, m: int, low: int, first: int, second: int
) -> None:
    middle, high = low + first, low + first + second - 1
    brackets: list[Bracket] = [(low, high), (low, middle - 1), (middle, high)]
    for whole, left, right in (
        censored_probabilities(normal, {m: 1.0}, brackets),
        truncated_probabilities(normal, m, brackets),
    ):
        assert left + right == pytest.approx(whole, abs=1e-9)


@given(NORMALS, MAXIMA)
def test_truncated_probabilities_when_over_a_ladder_then_they_are_the_conditional_distribution(
    whole_day: Normal, m: int
) -> None:
    probs = truncated_probabilities(whole_day, m, LADDER)
    assert min(probs) >= 0
    assert math.fsum(probs) == pytest.approx(1, abs=1e-9)
    assert all(p == 0 for p, (_, high) in zip(probs, LADDER, strict=True) if high is not None and high < m)


@given(NORMALS, MAXIMA, st.floats(0.01, 3))
def test_conditioned_probabilities_when_the_mean_rises_then_so_does_the_upper_tail(
    normal: Normal, m: int, by: float
) -> None:
    warmer, tail = normal.model_copy(update={"mu": normal.mu + by}), [(74, None)]
    pmf = {m: 1.0}
    assert censored_probabilities(warmer, pmf, tail) >= censored_probabilities(normal, pmf, tail)
    assert truncated_probabilities(warmer, m, tail)[0] >= truncated_probabilities(normal, m, tail)[0] - 1e-12


def test_conditioned_probabilities_when_nothing_warm_was_seen_then_they_are_the_forecast() -> None:
    normal = Normal(mu=70, sigma=2)
    forecast = pytest.approx(bracket_probabilities(normal, LADDER), abs=1e-9)
    assert censored_probabilities(normal, {20: 1.0}, LADDER) == forecast
    assert truncated_probabilities(normal, 20, LADDER) == forecast


def test_conditioned_probabilities_when_the_kinds_are_mixed_up_then_the_error_is_large() -> None:
    normal = Normal(mu=70, sigma=2)
    censored = censored_probabilities(normal, {69: 1.0}, LADDER)[2]
    assert censored > 1.5 * truncated_probabilities(normal, 69, LADDER)[2]


def test_truncated_probabilities_when_far_above_the_forecast_then_they_still_are_a_distribution() -> None:
    probs = truncated_probabilities(Normal(mu=50, sigma=1), 72, LADDER)
    assert math.fsum(probs) == pytest.approx(1)
    assert probs[4] == pytest.approx(1)


def test_truncated_probabilities_when_the_forecast_is_refuted_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="rules out"):
        truncated_probabilities(Normal(mu=20, sigma=1), 72, LADDER)


@given(NORMALS, MAXIMA)
def test_lock_probability_when_it_holds_then_the_maximum_so_far_settles(normal: Normal, m: int) -> None:
    assert lock_probability(normal, m) == pytest.approx(
        censored_probabilities(normal, {m: 1.0}, [(m, m)])[0], abs=1e-12
    )


@pytest.mark.parametrize("pmf", [{}, {70: 0.5}, {70: 1.5, 71: -0.5}, {70: math.nan}])
def test_censored_probabilities_when_the_pmf_is_none_then_it_is_refused(pmf: dict[int, float]) -> None:
    with pytest.raises(ValueError):
        censored_probabilities(Normal(mu=70, sigma=2), pmf, LADDER)


def test_conditioned_probabilities_when_a_bracket_is_empty_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        censored_probabilities(Normal(mu=70, sigma=2), {70: 1.0}, [(71, 70)])
    with pytest.raises(ValueError, match="empty"):
        truncated_probabilities(Normal(mu=70, sigma=2), 70, [(71, 70)])


def test_with_basis_risk_when_a_locked_degree_touches_an_edge_then_half_of_it_is_lost() -> None:
    def locked(brackets: Sequence[Bracket]) -> tuple[float, ...]:
        return censored_probabilities(Normal(mu=66, sigma=1.78), {71: 1.0}, brackets)

    before, after = locked(LADDER)[3], with_basis_risk(locked, LADDER, 0.01)[3]
    assert before == pytest.approx(0.999, abs=1e-3)
    assert before - after == pytest.approx(0.005, abs=2e-4)


@given(NORMALS, MAXIMA, st.floats(0, 1))
def test_with_basis_risk_when_over_a_ladder_then_it_stays_a_distribution(
    normal: Normal, m: int, basis_risk: float
) -> None:
    probs = with_basis_risk(lambda b: censored_probabilities(normal, {m: 1.0}, b), LADDER, basis_risk)
    assert min(probs) >= 0
    assert math.fsum(probs) == pytest.approx(1, abs=1e-9)


def test_with_basis_risk_when_a_day_ahead_then_it_hardly_matters() -> None:
    def ahead(brackets: Sequence[Bracket]) -> tuple[float, ...]:
        return bracket_probabilities(Normal(mu=70, sigma=2.5), brackets)

    assert with_basis_risk(ahead, LADDER, 0.01) == pytest.approx(ahead(LADDER), abs=1e-3)
    assert with_basis_risk(ahead, LADDER, 0.0) == ahead(LADDER)
    for wrong in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="another degree"):
            with_basis_risk(ahead, LADDER, wrong)
