"""Bracket probabilities and their standard errors."""

import math
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from weather.domain.brackets import Bracket, middle_f
from weather.domain.distribution import bracket_probabilities, bracket_standard_errors
from weather.domain.families import Normal
from weather.domain.odds import outlook_probabilities, outlook_standard_errors
from weather.domain.types import DistKind, Outlook

LADDER: tuple[Bracket, ...] = ((None, 65), (66, 67), (68, 69), (70, 71), (72, 73), (74, None))
MUS = st.floats(-40, 120)
SIGMAS = st.floats(0.3, 12)
EDGES = st.lists(st.integers(-50, 130), min_size=1, max_size=8, unique=True).map(sorted)


def partition(edges: list[int]) -> list[Bracket]:
    """Brackets that cover every integer once, split above each of `edges`."""
    lows: list[int | None] = [None, *(edge + 1 for edge in edges)]
    return list(zip(lows, [*edges, None], strict=True))


def outlook(kind: DistKind = DistKind.WHOLE_DAY) -> Outlook:
    made_at = datetime(2025, 5, 14, 12, tzinfo=UTC)
    return Outlook(
        city_code="CHI", event_date=date(2025, 5, 14), made_at=made_at, issued_at=made_at, source="test", kind=kind,
        forecast_high_f=70, mu=70, sigma=2.5, mu_se=0.5, ln_sigma_se=0.1, lead_hours=9, model_version="test",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("mu", "sigma", "expected"),
    [
        (
            70,
            2.5,
            (0.0359303191, 0.1227249348, 0.2620850366, 0.3050065917, 0.1934964585, 0.0807566592),
        ),  # G01
        (69.3, 1.4, (0.0033209427, 0.0959504541, 0.4575271, 0.3851599363, 0.0566916688, 0.001349898)),  # G02
    ],
)
def test_bracket_probabilities_when_golden_then_they_match(
    mu: float, sigma: float, expected: tuple[float, ...]
) -> None:
    assert bracket_probabilities(Normal(mu=mu, sigma=sigma), LADDER) == pytest.approx(expected, abs=1e-6)


def test_bracket_probabilities_when_the_edges_are_half_degrees_then_the_bracket_is_twice_as_likely() -> None:
    assert bracket_probabilities(Normal(mu=70.4, sigma=2.2), [(70, 71)])[0] == pytest.approx(0.350, abs=5e-4)


@given(MUS, SIGMAS, EDGES)
def test_bracket_probabilities_when_brackets_partition_the_integers_then_they_sum_to_one(
    mu: float, sigma: float, edges: list[int]
) -> None:
    probabilities = bracket_probabilities(Normal(mu=mu, sigma=sigma), partition(edges))
    assert math.fsum(probabilities) == pytest.approx(1, abs=1e-12)
    assert all(0 <= p <= 1 for p in probabilities)


@given(MUS, SIGMAS, st.integers(-50, 130), st.floats(0.01, 5))
def test_bracket_probabilities_when_the_mean_rises_then_the_upper_tail_never_falls(
    mu: float, sigma: float, low: int, rise: float
) -> None:
    before, after = (
        bracket_probabilities(Normal(mu=m, sigma=sigma), [(low, None)])[0] for m in (mu, mu + rise)
    )
    assert after >= before


@given(MUS, SIGMAS, st.integers(-50, 130), st.integers(1, 10), st.integers(1, 10))
def test_bracket_probabilities_when_a_bracket_is_split_then_the_parts_add_up(
    mu: float, sigma: float, low: int, first: int, second: int
) -> None:
    whole, left, right = bracket_probabilities(
        Normal(mu=mu, sigma=sigma),
        [(low, low + first + second - 1), (low, low + first - 1), (low + first, low + first + second - 1)],
    )
    assert left + right == pytest.approx(whole, abs=1e-12)


@given(MUS, SIGMAS, st.integers(-50, 130))
def test_bracket_probabilities_when_two_degrees_wide_then_the_ceiling_holds(
    mu: float, sigma: float, low: int
) -> None:
    assert (
        bracket_probabilities(Normal(mu=mu, sigma=sigma), [(low, low + 1)])[0]
        <= 2 * norm.cdf(1 / sigma) - 1 + 1e-12
    )


@pytest.mark.parametrize(
    ("sigma", "ceiling"), [(2.1, 0.37), (2.45, 0.32), (2.7, 0.29), (3.0, 0.26), (1.6, 0.47)]
)
def test_bracket_probabilities_when_centred_then_they_reach_the_published_ceiling(
    sigma: float, ceiling: float
) -> None:
    assert bracket_probabilities(Normal(mu=70.5, sigma=sigma), [(70, 71)])[0] == pytest.approx(
        ceiling, abs=0.005
    )


def test_bracket_probabilities_when_far_in_the_upper_tail_then_they_keep_their_digits() -> None:
    assert bracket_probabilities(Normal(mu=50, sigma=2), [(70, 71)])[0] == pytest.approx(
        bracket_probabilities(Normal(mu=50, sigma=2), [(29, 30)])[0], rel=1e-9
    )


@pytest.mark.parametrize(
    ("mu", "sigma", "bracket"),
    [
        (70, 0, (70, 71)),
        (70, -1, (70, 71)),
        (70, math.inf, (70, 71)),
        (math.nan, 2, (70, 71)),
        (70, 2, (71, 70)),
    ],
)
def test_bracket_probabilities_when_the_input_is_no_distribution_or_bracket_then_it_is_refused(
    mu: float, sigma: float, bracket: Bracket
) -> None:
    with pytest.raises(ValueError):
        bracket_probabilities(Normal(mu=mu, sigma=sigma), [bracket])


def test_bracket_standard_errors_when_a_month_of_data_stands_behind_then_they_match_the_reference() -> None:
    errors = bracket_standard_errors(71.4, 2.3, 0.5, 0.1, [(66, 67), (68, 69), (70, 71), (72, 73), (74, 75)])
    assert min(errors) == pytest.approx(0.024, abs=0.004)
    assert max(errors) == pytest.approx(0.041, abs=0.004)


@given(st.floats(-8, 8), SIGMAS, st.integers(-50, 130), st.floats(0.05, 2), st.floats(0.01, 0.5))
def test_bracket_standard_errors_when_the_parameters_are_shifted_then_they_follow_the_probabilities(
    offset: float, sigma: float, low: int, mu_se: float, ln_sigma_se: float
) -> None:
    mu, step = low + offset, 1e-5  # near the bracket, where the error is above its floor
    bracket = [(low, low + 1)]

    def p(at_mu: float, at_sigma: float) -> float:
        return bracket_probabilities(Normal(mu=at_mu, sigma=at_sigma), bracket)[0]

    by_mu = (p(mu + step, sigma) - p(mu - step, sigma)) / (2 * step)
    by_ln_sigma = (p(mu, sigma * math.exp(step)) - p(mu, sigma * math.exp(-step))) / (2 * step)
    expected = max(math.hypot(by_mu * mu_se, by_ln_sigma * ln_sigma_se), 0.02)
    found = bracket_standard_errors(mu, sigma, mu_se, ln_sigma_se, bracket)[0]
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("mu", "sigma"), [(math.nan, 2.0), (70.0, 0.0), (70.0, math.inf)])
def test_bracket_standard_errors_when_there_is_no_distribution_then_they_are_refused(
    mu: float, sigma: float
) -> None:
    with pytest.raises(ValueError, match="distribution"):
        bracket_standard_errors(mu, sigma, 0.5, 0.1, LADDER)


def test_bracket_standard_errors_when_nothing_is_uncertain_then_the_floor_stays() -> None:
    assert bracket_standard_errors(70, 2.5, 0, 0, LADDER) == (0.02,) * len(LADDER)


def test_outlook_probabilities_when_whole_day_then_they_are_those_of_its_gaussian() -> None:
    assert outlook_probabilities(outlook(), LADDER) == bracket_probabilities(Normal(mu=70, sigma=2.5), LADDER)
    assert outlook_standard_errors(outlook(), LADDER) == bracket_standard_errors(70, 2.5, 0.5, 0.1, LADDER)


def test_outlook_probabilities_when_only_the_remaining_hours_then_they_are_refused() -> None:
    with pytest.raises(ValueError, match="whole day"):
        outlook_probabilities(outlook(DistKind.REMAINING), LADDER)


@pytest.mark.parametrize(
    ("brackets", "middle"),
    [
        ([(None, 69), (70, 71), (72, 73), (74, 75), (76, 77), (78, None)], 73.5),
        ([(78, None), (76, 77), (None, 75)], 76.5),
        ([(None, 60), (61, 61), (62, None)], 61.0),
        ([(None, 60), (61, None)], None),
    ],
)
def test_the_middle_lies_between_the_outer_half_degrees_of_the_closed_brackets(
    brackets: list[Bracket], middle: float | None
) -> None:
    assert middle_f(brackets) == middle
