"""The climate day: local standard time, all year."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day, climate_day_bounds, standard_time

CHICAGO = ZoneInfo("America/Chicago")
CHICAGO_OFFSET = -6
offsets = st.integers(-10, -4)
instants = st.datetimes(datetime(1950, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("wall", "expected"),
    [
        (
            datetime(2025, 7, 15, 0, 30, tzinfo=CHICAGO),
            date(2025, 7, 14),
        ),  # 00:30 daylight time: the day before
        (datetime(2025, 7, 15, 0, 59, 59, tzinfo=CHICAGO), date(2025, 7, 14)),
        (datetime(2025, 7, 15, 1, 0, tzinfo=CHICAGO), date(2025, 7, 15)),
        (
            datetime(2025, 1, 15, 0, 30, tzinfo=CHICAGO),
            date(2025, 1, 15),
        ),  # 00:30 standard time: the same day
        (datetime(2025, 1, 14, 23, 59, 59, tzinfo=CHICAGO), date(2025, 1, 14)),
        # Clocks spring forward 2025-03-09 02:00
        (datetime(2025, 3, 9, 0, 30, tzinfo=CHICAGO), date(2025, 3, 9)),
        (datetime(2025, 3, 9, 23, 30, tzinfo=CHICAGO), date(2025, 3, 9)),
        (datetime(2025, 3, 10, 0, 30, tzinfo=CHICAGO), date(2025, 3, 9)),
        # Clocks fall back 2025-11-02 02:00
        (datetime(2025, 11, 2, 0, 30, tzinfo=CHICAGO), date(2025, 11, 1)),
        (datetime(2025, 11, 2, 1, 30, tzinfo=CHICAGO, fold=0), date(2025, 11, 2)),
        (datetime(2025, 11, 2, 1, 30, tzinfo=CHICAGO, fold=1), date(2025, 11, 2)),
        (datetime(2025, 11, 3, 0, 30, tzinfo=CHICAGO), date(2025, 11, 3)),
        # Year end: 05:59Z is still 31 December in Chicago
        (datetime(2026, 1, 1, 5, 59, tzinfo=UTC), date(2025, 12, 31)),
        (datetime(2026, 1, 1, 6, 0, tzinfo=UTC), date(2026, 1, 1)),
    ],
)
def test_climate_day_at_the_edges(wall: datetime, expected: date) -> None:
    assert climate_day(wall, CHICAGO_OFFSET) == expected


@given(instants, offsets)
def test_climate_day_is_the_date_on_a_clock_without_daylight_time(instant: datetime, offset: int) -> None:
    assert climate_day(instant, offset) == instant.astimezone(timezone(timedelta(hours=offset))).date()


@given(instants, offsets)
def test_climate_day_bounds_hold_exactly_their_instants(instant: datetime, offset: int) -> None:
    day = climate_day(instant, offset)
    start, end = climate_day_bounds(day, offset)
    assert start <= instant < end
    assert end - start == timedelta(days=1)
    assert climate_day(start, offset) == day
    assert climate_day(end - timedelta(microseconds=1), offset) == day
    assert climate_day(end, offset) == day + timedelta(days=1)


@pytest.mark.parametrize("code", sorted(load_cities()))
def test_fixed_offset_of_each_city_is_its_winter_offset(code: str) -> None:
    city = load_cities()[code]
    january = datetime(2025, 1, 15, 12, 0, tzinfo=ZoneInfo(city.timezone))
    assert january.utcoffset() == timedelta(hours=city.std_offset_hours)
    assert january.tzname() == city.std_zone


def test_naive_instants_are_refused() -> None:
    naive = datetime(2025, 7, 15, 0, 30)
    with pytest.raises(ValueError, match="aware"):
        climate_day(naive, CHICAGO_OFFSET)
    with pytest.raises(ValueError, match="aware"):
        standard_time(naive, CHICAGO_OFFSET)


def test_standard_time_in_summer_is_an_hour_behind_the_wall_clock() -> None:
    assert standard_time(datetime(2025, 7, 15, 14, 0, tzinfo=CHICAGO), CHICAGO_OFFSET) == datetime(
        2025, 7, 15, 13
    )


def test_both_hours_at_the_end_of_summer_time_are_told_apart_whoever_asked_before() -> None:
    summer = datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/New_York"))
    assert standard_time(summer, -5) == datetime(2026, 11, 1, 0, 30)
    assert standard_time(summer.replace(fold=1), -5) == datetime(2026, 11, 1, 1, 30)
