"""The maximum so far as a probability of each whole degree."""

import math
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.weather.bodies import celsius
from weather.domain.so_far import day_so_far
from weather.domain.temperature import whole_c_to_possible_f
from weather.domain.types import DaySoFar, Observation

CENTRAL = -6
DAY = date(2026, 7, 4)
MIDNIGHT = datetime(2026, 7, 4, 6, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def metar(
    at: datetime, temp_f: int, *, six_hour_max_f: int | None = None, day_max_f: int | None = None
) -> Observation:
    def tenths(value_f: int | None) -> float | None:
        return None if value_f is None else round(celsius(value_f), 1)

    return Observation(
        station="KMDW",
        observed_at=at,
        temp_c=round(celsius(temp_f), 1),
        is_metar=True,
        six_hour_max_c=tenths(six_hour_max_f),
        day_max_c=tenths(day_max_f),
    )


def five_minute(at: datetime, whole_c: int) -> Observation:
    return Observation(station="KMDW", observed_at=at, temp_c=float(whole_c), is_metar=False)


def seen(*readings: Observation) -> DaySoFar:
    found = day_so_far(readings, DAY, CENTRAL)
    assert found is not None
    return found


def test_hourly_tenths_alone_may_be_a_degree_too_high_and_may_have_missed_the_peak() -> None:
    assert seen(metar(MIDNIGHT + 13 * HOUR, 88)).max_pmf == pytest.approx({87: 0.03, 88: 0.68, 89: 0.29})


def test_whole_celsius_leaves_both_degrees_it_may_have_been() -> None:
    pmf = seen(
        five_minute(MIDNIGHT + 13 * HOUR, 22), five_minute(MIDNIGHT + 13 * HOUR + 5 * MINUTE, 22)
    ).max_pmf
    assert pmf == pytest.approx({71: 0.45, 72: 0.5, 73: 0.05})


def test_maximum_of_six_hours_within_the_day_is_exact() -> None:
    noon = MIDNIGHT + 11 * HOUR + 53 * MINUTE
    readings = [five_minute(noon - HOUR, 22), metar(noon, 68, six_hour_max_f=71)]
    assert seen(*readings).max_pmf == {71: 1.0}


def test_maximum_of_six_hours_that_began_the_day_before_counts_for_nothing() -> None:
    at = MIDNIGHT + 5 * HOUR + 53 * MINUTE
    warm_evening = seen(metar(at, 70, six_hour_max_f=85)).max_pmf
    assert warm_evening == seen(metar(at, 70)).max_pmf
    assert max(warm_evening) == 71


def test_maximum_of_the_whole_day_ends_all_doubt() -> None:
    last = metar(MIDNIGHT + 23 * HOUR + 53 * MINUTE, 70, day_max_f=91)
    found = seen(metar(MIDNIGHT + 15 * HOUR, 90), last)
    assert (found.max_pmf, found.has_day_max) == ({91: 1.0}, True)


def test_readings_of_another_day_count_for_nothing() -> None:
    assert day_so_far([metar(MIDNIGHT - MINUTE, 99), metar(MIDNIGHT + 24 * HOUR, 99)], DAY, CENTRAL) is None
    assert max(seen(metar(MIDNIGHT - MINUTE, 99), metar(MIDNIGHT, 70)).max_pmf) == 71


def test_recent_temperatures_are_the_newest_by_time_and_the_metars_where_both_speak() -> None:
    at = MIDNIGHT + 15 * HOUR
    found = seen(
        five_minute(at - 10 * MINUTE, 20), five_minute(at, 22), metar(at, 71), metar(at - 5 * MINUTE, 70)
    )
    assert [(reading.at, reading.temp_f) for reading in found.recent] == [
        (at, 71.0),
        (at - 5 * MINUTE, 70.0),
        (at - 10 * MINUTE, 68.0),
    ]
    assert found.warmest_at == at


READINGS = st.lists(
    st.tuples(st.integers(0, 24 * 60 - 1), st.integers(-20, 44), st.booleans()), min_size=1, max_size=40
)


@given(READINGS, st.randoms(use_true_random=False))
def test_whatever_was_read_the_pmf_is_one_and_no_lower_than_what_was_read(
    drawn: list[tuple[int, int, bool]], chance: "object"
) -> None:
    readings = [
        (
            metar(MIDNIGHT + minute * MINUTE, whole_c_to_possible_f(whole_c)[0])
            if is_metar
            else five_minute(MIDNIGHT + minute * MINUTE, whole_c)
        )
        for minute, whole_c, is_metar in drawn
    ]
    shuffled = readings[:]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    pmf = seen(*readings).max_pmf
    assert math.fsum(pmf.values()) == pytest.approx(1, abs=1e-12)
    assert all(weight > 0 for weight in pmf.values())
    assert min(pmf) >= max(whole_c_to_possible_f(whole_c)[0] for _, whole_c, _ in drawn) - 1
    assert seen(*shuffled).max_pmf == pmf
