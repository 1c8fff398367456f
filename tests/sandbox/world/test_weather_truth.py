"""Temperatures that could be real, and nothing known before its time."""

from datetime import UTC, date, datetime, timedelta
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.cities import CITIES, City
from sandbox.world.climate import MARINE, normal_high
from sandbox.world.moments import censored_below, truncated_below
from tests.sandbox.world.weathers import DAY, HOUR, LONG_DAYS, NOVEMBER_NOON, city_of, long_run, world

INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))
STANDARD = np.array([NormalDist().inv_cdf((k + 0.5) / 20_000) for k in range(20_000)])
DAYTIME_H = (7.0, 20.0)
ANY_CITY = st.sampled_from(CITIES)


@settings(max_examples=60, deadline=None)
@given(ANY_CITY, INSTANTS)
def test_temperature_when_a_minute_passes_then_it_hardly_moves(city: City, at: datetime) -> None:
    before, after = world().temperature_f(city, at), world().temperature_f(city, at + timedelta(minutes=1))
    assert abs(after - before) < 0.5
    assert -60 < before < 130


@pytest.mark.parametrize("city", CITIES, ids=lambda city: city.code)
def test_high_when_compared_with_the_day_then_no_minute_was_warmer_and_one_was_as_warm(city: City) -> None:
    for k in range(0, 60, 8):
        day = date(2026, 1, 5) + k * DAY
        start = city.climate_day_start(day)
        warmest = max(world().temperature_f(city, start + timedelta(minutes=m)) for m in range(0, 1440, 5))
        assert warmest < world().high_f(city, day) + 0.5
        assert world().temperature_f(city, world().high_at(city, day)) > world().high_f(city, day) - 0.75


@pytest.mark.parametrize("code", [city.code for city in CITIES])
def test_highs_when_years_pass_then_they_lie_about_the_normal_and_remember(code: str) -> None:
    run = long_run(code)
    anomalies = run.highs_f - np.array([normal_high(code, day) for day in run.days])
    assert abs(anomalies.mean()) < 3.5
    assert 2.5 < anomalies.std() < 15
    assert 0.3 < np.corrcoef(anomalies[1:], anomalies[:-1])[0, 1] < 0.8


def test_highs_when_counted_then_some_fall_at_night_from_october_to_april_only() -> None:
    runs = [long_run(city.code) for city in CITIES]
    at_night = [
        day.month
        for run in runs
        for day, hour in zip(run.days, run.high_hours.tolist(), strict=True)
        if not DAYTIME_H[0] <= hour < DAYTIME_H[1]
    ]
    assert 0.025 < len(at_night) / (len(CITIES) * LONG_DAYS) < 0.07
    assert {10, 11, 12, 1, 2, 3, 4} <= set(at_night)
    # A front on the last night of April makes the high of the first of May.
    assert sum(5 <= month <= 9 for month in at_night) <= 0.03 * len(at_night)


def test_highs_when_the_sea_is_near_then_they_come_earlier_in_the_day() -> None:
    by_city = {city.code: float(np.median(long_run(city.code).high_hours)) for city in CITIES}
    assert max(by_city[code] for code in MARINE) < min(
        hour for code, hour in by_city.items() if code not in MARINE
    )
    assert all(13 <= hour <= 17 for hour in by_city.values())


def test_night_high_when_day_begins_cold_then_it_is_official_and_known_at_once() -> None:
    city, day = _first_day_with_high_at_midnight()
    start = city.climate_day_start(day)
    assert world().high_at(city, day) == start
    assert world().max_so_far_f(city, day, start + timedelta(minutes=10)) == world().high_f(city, day)
    later = max(world().temperature_f(city, start + hours * HOUR) for hours in range(8, 20))
    assert later < world().high_f(city, day)
    mean, sigma = world().best_mu_sigma(city, day, start + 20 * HOUR)
    assert abs(mean - world().high_f(city, day)) < 0.6
    assert sigma < 0.8


def _first_day_with_high_at_midnight() -> tuple[City, date]:
    city = city_of("CHI")
    for k in range(120):
        day = date(2026, 1, 1) + k * DAY
        if world().high_at(city, day) == city.climate_day_start(day):
            return city, day
    raise AssertionError("four months without a cold front at midnight")


@settings(max_examples=40, deadline=None)
@given(ANY_CITY, INSTANTS)
def test_max_so_far_when_day_goes_by_then_it_rises_to_the_official_high(city: City, at: datetime) -> None:
    day = city.climate_day(at)
    start = city.climate_day_start(day)
    assert world().max_so_far_f(city, day, start - timedelta(seconds=1)) is None
    seen = [world().max_so_far_f(city, day, start + hours * HOUR) for hours in range(25)]
    rising = [value for value in seen if value is not None]
    assert len(rising) == 25
    assert rising == sorted(rising)
    assert rising[-1] == world().high_f(city, day)


@settings(max_examples=40, deadline=None)
@given(ANY_CITY, INSTANTS, st.integers(0, 96))
def test_revisions_when_asked_later_then_only_new_ones_are_added(
    city: City, at: datetime, hours: int
) -> None:
    day = city.climate_day(at) + DAY
    earlier, later = world().revisions(city, day, at), world().revisions(city, day, at + hours * HOUR)
    assert list(later[: len(earlier)]) == list(earlier)
    assert all(issued_at <= at for issued_at, _ in earlier)
    assert earlier[-1] == (world().issued_at(city, at), world().forecast_high_f(city, day, at))
    gaps = np.diff([issued_at.timestamp() for issued_at, _ in earlier]) / 3600
    assert ((gaps >= 4) & (gaps <= 8)).all()


def test_forecast_when_more_than_a_week_ahead_then_none() -> None:
    city = city_of("NYC")
    assert world().forecast_high_f(city, NOVEMBER_NOON.date() + 9 * DAY, NOVEMBER_NOON) is None
    with pytest.raises(ValueError, match="no forecast of NYC"):
        world().forecast_mu_f(city, NOVEMBER_NOON.date() + 9 * DAY, NOVEMBER_NOON)


def test_forecast_when_rounded_then_it_is_the_whole_degree() -> None:
    for city in CITIES:
        mu = world().forecast_mu_f(city, NOVEMBER_NOON.date(), NOVEMBER_NOON)
        high = world().forecast_high_f(city, NOVEMBER_NOON.date(), NOVEMBER_NOON)
        assert high is not None
        assert abs(high - mu) <= 0.5


@given(st.floats(-5, 5), st.floats(0.2, 4))
def test_bounded_normals_when_sampled_then_moments_agree(bound: float, sigma: float) -> None:
    sample = STANDARD * sigma
    mean, sd = censored_below(0.0, sigma, bound)
    assert np.isclose(mean, np.maximum(sample, bound).mean(), atol=0.03 * sigma + 0.01)
    assert np.isclose(sd, np.maximum(sample, bound).std(), atol=0.03 * sigma + 0.01)
    if bound < 1.5 * sigma:
        above = sample[sample >= bound]
        mean, sd = truncated_below(0.0, sigma, bound)
        assert np.isclose(mean, above.mean(), atol=0.05 * sigma)
        assert np.isclose(sd, above.std(), atol=0.05 * sigma)


def test_bounded_normals_when_bound_is_far_above_then_they_stay_at_it() -> None:
    mean, sd = truncated_below(50.0, 1.0, 70.0)
    assert 70 <= mean < 70.1
    assert sd < 0.1
    assert truncated_below(50.0, 0.0, 70.0) == (70.0, 0.0)
    assert censored_below(50.0, 0.0, 40.0) == (50.0, 0.0)
