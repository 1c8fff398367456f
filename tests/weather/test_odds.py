"""Three forecasters of one day: the whole day, the nowcast and climatology."""

import math
from datetime import UTC, date, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.weather.test_distribution import EDGES, LADDER, partition
from weather.domain.brackets import Bracket
from weather.domain.distribution import bracket_probabilities, with_basis_risk
from weather.domain.families import Distribution, Normal, OneFactorMax, StudentT
from weather.domain.intraday import censored_probabilities, truncated_probabilities
from weather.domain.odds import (
    climatology_probabilities,
    climatology_standard_errors,
    nowcast_probabilities,
    nowcast_standard_errors,
    outlook_probabilities,
    outlook_standard_errors,
    whole_day_odds,
    whole_day_probabilities,
    whole_day_standard_errors,
)
from weather.domain.types import Climatology, LockState, Nowcast, Outlook

NOON: Final = datetime(2025, 5, 14, 18, tzinfo=UTC)
FORECASTERS: Final = (whole_day_probabilities, nowcast_probabilities, climatology_probabilities)
ERRORS: Final = (whole_day_standard_errors, nowcast_standard_errors, climatology_standard_errors)


def nowcast(remaining: Distribution | None = None, max_so_far: dict[int, float] | None = None) -> Nowcast:
    return Nowcast(
        observed_at=NOON,
        max_so_far=max_so_far or {68: 0.6, 69: 0.4},
        remaining=remaining,
        lock=LockState.OPEN,
        p_lock=0.3,
    )


def outlook(*, mu: float = 70, sigma: float = 2.5, **changes: Any) -> Outlook:
    return Outlook(
        **{
            "city_code": "CHI", "event_date": date(2025, 5, 14), "made_at": NOON, "issued_at": NOON, "source": "test",
            "forecast_high_f": round(mu), "mu": mu, "sigma": sigma, "mu_se": 0.5, "ln_sigma_se": 0.1, "lead_hours": 3,
            "model_version": "test", "distribution": StudentT.with_sd(mu, sigma, 6), "basis_risk": 0.0025,
            "climatology": Climatology(mean=66, sd=9, days=400),
        } | changes
    )  # fmt: skip


def remaining_at(mu: float, sigma: float) -> OneFactorMax:
    return OneFactorMax(hourly_means=(mu - 1, mu, mu - 2), tau=0.9 * sigma, sigma_hour=0.3 * sigma)


MUS = st.floats(40, 100)
SIGMAS = st.floats(0.4, 8)
SEEN = st.dictionaries(st.integers(40, 100), st.integers(1, 50), min_size=1, max_size=3).map(
    lambda counts: {degree: count / sum(counts.values()) for degree, count in counts.items()}
)


@given(MUS, SIGMAS, SEEN, EDGES)
def test_over_a_partition_each_forecaster_sums_to_one(
    mu: float, sigma: float, seen: dict[int, float], edges: list[int]
) -> None:
    thought = outlook(mu=mu, sigma=sigma, nowcast=nowcast(remaining_at(mu, sigma), seen))
    for probabilities in FORECASTERS:
        found = probabilities(thought, partition(edges))
        assert math.fsum(found) == pytest.approx(1, abs=1e-9)
        assert all(0 <= p <= 1 + 1e-12 for p in found)


@given(MUS, SIGMAS, SEEN, st.integers(30, 110), st.integers(1, 6), st.integers(1, 6))
def test_a_bracket_split_in_two_is_worth_its_parts(
    mu: float, sigma: float, seen: dict[int, float], low: int, first: int, second: int
) -> None:
    thought = outlook(mu=mu, sigma=sigma, nowcast=nowcast(remaining_at(mu, sigma), seen))
    brackets: list[Bracket] = [
        (low, low + first + second - 1),
        (low, low + first - 1),
        (low + first, low + first + second - 1),
    ]
    for probabilities in FORECASTERS:
        whole, left, right = probabilities(thought, brackets)
        assert left + right == pytest.approx(whole, abs=1e-9)


@given(MUS, SIGMAS, SEEN, st.integers(30, 110), st.floats(0.1, 5))
def test_a_warmer_forecast_never_makes_a_cooler_day_likelier(
    mu: float, sigma: float, seen: dict[int, float], low: int, rise: float
) -> None:
    cool, warm = (
        outlook(
            mu=mean,
            sigma=sigma,
            nowcast=nowcast(remaining_at(mean, sigma), seen),
            climatology=Climatology(mean=mean, sd=sigma, days=400),
        )
        for mean in (mu, mu + rise)
    )
    # Student's t far in its tail has its own way once truncated: the whole day is tried without a maximum so far.
    bare = [each.model_copy(update={"nowcast": None}) for each in (cool, warm)]
    assert whole_day_probabilities(bare[1], [(low, None)])[0] >= (
        whole_day_probabilities(bare[0], [(low, None)])[0] - 1e-12
    )
    for probabilities in (nowcast_probabilities, climatology_probabilities):
        assert probabilities(warm, [(low, None)])[0] >= probabilities(cool, [(low, None)])[0] - 1e-9


@given(MUS, SIGMAS, SEEN)
def test_the_same_outlook_read_back_from_its_json_says_the_same_to_the_last_digit(
    mu: float, sigma: float, seen: dict[int, float]
) -> None:
    thought = outlook(mu=mu, sigma=sigma, nowcast=nowcast(remaining_at(mu, sigma), seen))
    again = Outlook.model_validate_json(thought.model_dump_json())
    assert again == thought
    for read in (*FORECASTERS, *ERRORS):
        assert read(again, LADDER) == read(thought, LADDER)


def test_whole_day_is_truncated_and_nowcast_censored_at_the_maximum_so_far() -> None:
    remaining = Normal(mu=70.2, sigma=1.2)
    thought = outlook(basis_risk=0.0, nowcast=nowcast(remaining, {70: 1.0}))
    assert whole_day_probabilities(thought, LADDER) == pytest.approx(
        truncated_probabilities(thought.distribution, 70, LADDER)
    )
    assert nowcast_probabilities(thought, LADDER) == censored_probabilities(remaining, {70: 1.0}, LADDER)
    assert outlook_probabilities(thought, LADDER) == nowcast_probabilities(thought, LADDER)
    assert outlook_standard_errors(thought, LADDER) == nowcast_standard_errors(thought, LADDER)


def test_whole_day_forecast_far_below_what_was_seen_leaves_what_was_seen() -> None:
    thought = outlook(
        sigma=0.5,
        distribution=Normal(mu=70, sigma=0.5),
        nowcast=nowcast(max_so_far={90: 1.0}),
        basis_risk=0.0,
    )
    assert whole_day_probabilities(thought, [(None, 89), (90, 90), (91, None)]) == (0.0, 1.0, 0.0)


def test_basis_risk_is_in_every_forecaster() -> None:
    thought = outlook(nowcast=nowcast(None, {71: 1.0}), basis_risk=0.01)
    assert nowcast_probabilities(thought, [(70, 71), (72, 73)]) == pytest.approx((0.995, 0.005))
    curve = Normal(mu=66, sigma=9)
    assert climatology_probabilities(thought, LADDER) == pytest.approx(
        with_basis_risk(lambda wanted: bracket_probabilities(curve, wanted), LADDER, 0.01)
    )


def test_standard_errors_are_half_the_difference_that_one_standard_error_makes() -> None:
    thought = outlook(basis_risk=0.0, ln_sigma_se=0.0, mu_se=0.5)
    up, down = (
        bracket_probabilities(StudentT.with_sd(70 + by, 2.5, 6), [(71, None)])[0] for by in (0.5, -0.5)
    )
    assert whole_day_standard_errors(thought, [(71, None)])[0] == pytest.approx((up - down) / 2)
    wide, narrow = (
        bracket_probabilities(StudentT.with_sd(70, 2.5 * math.exp(by), 6), [(74, None)])[0]
        for by in (0.1, -0.1)
    )
    of_sigma = outlook(basis_risk=0.0, ln_sigma_se=0.1, mu_se=0.0)
    assert whole_day_standard_errors(of_sigma, [(74, None)])[0] == pytest.approx(
        max((wide - narrow) / 2, 0.02)
    )


OUTLOOKS = st.builds(
    lambda mu, sigma, df, se, family, risk: outlook(
        mu=mu,
        sigma=sigma,
        mu_se=se,
        ln_sigma_se=se / 10,
        basis_risk=risk,
        distribution=Normal(mu=mu, sigma=sigma) if family == "normal" else StudentT.with_sd(mu, sigma, df),
        nowcast=nowcast(remaining_at(mu, sigma)) if family == "seen" else None,
    ),
    MUS,
    SIGMAS,
    st.floats(2.1, 30),
    st.floats(0, 3),
    st.sampled_from(["student", "student", "student", "normal", "seen"]),
    st.sampled_from([0.0, 0.0025, 0.2]),
)


@given(st.lists(OUTLOOKS, max_size=6), EDGES)
def test_outlooks_read_together_are_read_as_each_alone(outlooks: list[Outlook], edges: list[int]) -> None:
    ladder = partition(edges)
    assert whole_day_odds(outlooks, ladder) == tuple(
        (whole_day_probabilities(each, ladder), whole_day_standard_errors(each, ladder)) for each in outlooks
    )


def test_without_its_ground_a_forecaster_is_refused() -> None:
    bare = outlook(climatology=None)
    for read in (nowcast_probabilities, nowcast_standard_errors):
        with pytest.raises(ValueError, match="no reading of CHI"):
            read(bare, LADDER)
    for read in (climatology_probabilities, climatology_standard_errors):
        with pytest.raises(ValueError, match="too few days of CHI"):
            read(bare, LADDER)
