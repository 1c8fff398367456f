"""Which day does an instant belong to? Standard time decides, all year."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day, climate_day_bounds, standard_time

NYC, CHI, SFO = (load_cities()[code] for code in ("NYC", "CHI", "SFO"))
NEW_YORK = ZoneInfo("America/New_York")
OFFSETS = st.integers(-10, -4)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("local", "day"),
    [
        (datetime(2026, 7, 15, 0, 30), date(2026, 7, 14)),  # daylight time: yesterday still runs
        (datetime(2026, 7, 15, 0, 59, 59), date(2026, 7, 14)),
        (datetime(2026, 7, 15, 1, 0), date(2026, 7, 15)),
        (datetime(2026, 1, 15, 0, 30), date(2026, 1, 15)),  # standard time: today
        (datetime(2026, 1, 14, 23, 59, 59), date(2026, 1, 14)),
        (datetime(2026, 3, 8, 0, 30), date(2026, 3, 8)),  # spring change: at 00:30 standard time still holds
        (datetime(2026, 3, 8, 3, 0), date(2026, 3, 8)),
        (datetime(2026, 3, 9, 0, 30), date(2026, 3, 8)),  # the night after: daylight time
        (
            datetime(2026, 11, 1, 0, 30),
            date(2026, 10, 31),
        ),  # autumn change: at 00:30 daylight time still holds
        (datetime(2026, 11, 1, 1, 30, fold=0), date(2026, 11, 1)),
        (datetime(2026, 11, 1, 1, 30, fold=1), date(2026, 11, 1)),
        (datetime(2026, 11, 2, 0, 30), date(2026, 11, 2)),
        (datetime(2026, 12, 31, 23, 59, 59), date(2026, 12, 31)),
        (datetime(2027, 1, 1, 0, 0), date(2027, 1, 1)),
    ],
)
def test_climate_day_when_the_wall_clock_shows_a_time_then_standard_time_names_the_day(
    local: datetime, day: date
) -> None:
    assert climate_day(local.replace(tzinfo=NEW_YORK), NYC.std_offset_hours) == day


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1), date(2026, 7, 4), date(2026, 12, 31)])
def test_climate_day_bounds_when_clocks_change_then_the_day_has_24_hours_from_standard_midnight(
    day: date,
) -> None:
    start, end = climate_day_bounds(day, NYC.std_offset_hours)
    assert start == datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
    assert end - start == timedelta(hours=24)


@pytest.mark.parametrize(("city", "hour"), [(NYC, 5), (CHI, 6), (SFO, 8)])
def test_climate_day_bounds_when_the_year_ends_then_each_city_has_its_own_midnight(
    city: object, hour: int
) -> None:
    start, _ = climate_day_bounds(date(2027, 1, 1), city.std_offset_hours)  # type: ignore[attr-defined]
    assert start == datetime(2027, 1, 1, hour, tzinfo=UTC)


@given(INSTANTS, OFFSETS)
def test_climate_day_when_any_instant_then_its_bounds_hold_it_and_the_next_day_begins_at_the_end(
    instant: datetime, offset: int
) -> None:
    day = climate_day(instant, offset)
    start, end = climate_day_bounds(day, offset)
    assert start <= instant < end
    assert climate_day(end, offset) == day + timedelta(days=1)
    assert standard_time(instant, offset).date() == day


def test_climate_day_when_the_time_is_naive_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        climate_day(datetime(2026, 7, 15, 12), -5)
