"""The forecast high of a climate day from a raw grid."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from milkbot.core.cities import load_cities
from tests.weather.bodies import CHI, DAY, entry, grid_body
from weather.clients.nws.parse import parse_grid
from weather.domain.day_high import day_highs
from weather.domain.types import DayHigh, Grid, GridPoint, LayerValue, Observation

MIDNIGHT = datetime(2025, 5, 14, 6, tzinfo=UTC)


def highs(
    maxima: Sequence[tuple[datetime, str, int | None]],
    hourly: Sequence[tuple[datetime, str, int | None]] = (),
    offset: int = CHI.std_offset_hours,
) -> dict[date, int]:
    body = grid_body(hourly=hourly)
    body["properties"]["maxTemperature"]["values"] = [entry(*values) for values in maxima]
    return {high.day: high.high_f for high in day_highs(parse_grid(body), offset)}


@pytest.mark.parametrize("code", sorted(load_cities()))
def test_day_highs_when_the_usual_window_then_it_is_the_citys_day(code: str) -> None:
    city = load_cities()[code]
    computed = day_highs(parse_grid(grid_body(city, highs={DAY: 80})), city.std_offset_hours)
    assert [(high.day, high.high_f) for high in computed] == [(DAY, 80)]


@pytest.mark.parametrize("hours_left", [1, 2, 5, 13])
def test_day_highs_when_the_first_entry_is_cut_then_its_end_still_names_the_day(hours_left: int) -> None:
    end = MIDNIGHT + timedelta(hours=20)
    assert highs([(end - timedelta(hours=hours_left), f"PT{hours_left}H", 80)]) == {DAY: 80}


def test_day_highs_when_the_window_ends_after_00z_then_it_is_not_put_on_the_next_utc_day() -> None:
    assert highs([(datetime(2022, 1, 2, 19, tzinfo=UTC), "PT6H", 58)], offset=-5) == {date(2022, 1, 2): 58}


@pytest.mark.parametrize("duration", ["P1DT2H", "PT26H", "P1DT1H60M", "PT72H"])
def test_day_highs_when_the_duration_is_long_then_the_day_of_its_end_has_the_value(duration: str) -> None:
    length = timedelta(hours=72 if duration == "PT72H" else 26)
    assert highs([(MIDNIGHT + timedelta(hours=20) - length, duration, 80)]) == {DAY: 80}


def test_day_highs_when_the_night_is_warmer_then_the_night_decides() -> None:
    daytime = [(MIDNIGHT + timedelta(hours=7), "PT13H", 60)]
    after_midnight = [(MIDNIGHT, "PT2H", 66), (MIDNIGHT + timedelta(hours=2), "PT5H", 55)]
    late_evening = [(MIDNIGHT + timedelta(hours=22), "PT2H", 64)]
    assert highs(daytime, after_midnight) == {DAY: 66}
    assert highs(daytime, late_evening) == {DAY: 64}


def test_day_highs_when_a_warm_hour_belongs_to_the_neighbour_then_it_does_not_count() -> None:
    daytime = [(MIDNIGHT + timedelta(hours=7), "PT13H", 60)]
    assert highs(daytime, [(MIDNIGHT - timedelta(hours=1), "PT1H", 70)]) == {
        DAY: 60
    }  # 00:00-01:00 daylight time
    assert highs(daytime, [(MIDNIGHT + timedelta(hours=24), "PT1H", 70)]) == {DAY: 60}


def test_day_highs_when_a_daytime_hour_exceeds_the_maximum_then_the_offices_maximum_stays() -> None:
    daytime = [(MIDNIGHT + timedelta(hours=7), "PT13H", 80)]
    assert highs(daytime, [(MIDNIGHT + timedelta(hours=14), "PT1H", 82)]) == {DAY: 80}


def test_day_highs_when_an_hourly_entry_spans_evening_then_each_hour_counts_where_it_lies() -> None:
    daytime = [(MIDNIGHT + timedelta(hours=7), "PT13H", 60), (MIDNIGHT + timedelta(hours=31), "PT13H", 50)]
    assert highs(daytime, [(MIDNIGHT + timedelta(hours=18), "PT12H", 63)]) == {
        DAY: 63,
        DAY + timedelta(days=1): 63,
    }


def test_day_highs_when_only_night_hours_remain_then_the_day_is_left_out() -> None:
    assert highs([], [(MIDNIGHT + timedelta(hours=21), "PT3H", 70)]) == {}


def test_day_highs_when_values_are_null_then_they_are_skipped() -> None:
    assert highs([(MIDNIGHT + timedelta(hours=7), "PT13H", None)], [(MIDNIGHT, "PT1H", None)]) == {}


FRONT_AT = datetime(2026, 1, 14, 6, 0, tzinfo=UTC)
"""00:00 CST of a day on which a cold front arrives: 61 °F at midnight, 41 °F by day."""
FRONT_F = (61, 58, 54, 50, 46, 44, 42)


def cold_front(first_hour: int, readings: int = 0) -> DayHigh:
    """The day's high as told at `first_hour`: the grid has dropped the hours before, `readings` of them were measured."""
    hours = tuple(
        LayerValue(
            starts_at=FRONT_AT + timedelta(hours=hour),
            ends_at=FRONT_AT + timedelta(hours=hour + 1),
            temp_c=(FRONT_F[hour] - 32) / 1.8,
        )
        for hour in range(first_hour, len(FRONT_F))
    )
    daytime = LayerValue(
        starts_at=FRONT_AT + timedelta(hours=7), ends_at=FRONT_AT + timedelta(hours=20), temp_c=5.0
    )
    measured = [
        Observation(
            station="KMDW",
            observed_at=FRONT_AT + timedelta(hours=hour, minutes=53),
            temp_c=(FRONT_F[hour] - 32) / 1.8,
            is_metar=True,
        )
        for hour in range(readings)
    ]
    grid = Grid(
        point=GridPoint(office="LOT", x=72, y=69),
        issued_at=FRONT_AT,
        max_temperature=(daytime,),
        temperature=hours,
    )
    (high,) = day_highs(grid, -6, measured)
    return high


def test_day_highs_before_a_cold_front_then_the_warm_midnight_is_the_high() -> None:
    assert cold_front(first_hour=0) == DayHigh(day=date(2026, 1, 14), high_f=61, knows_night=True)


def test_day_highs_when_the_grid_forgot_the_midnight_then_says_that_it_does_not_know() -> None:
    assert cold_front(first_hour=4) == DayHigh(day=date(2026, 1, 14), high_f=46, knows_night=False)


def test_day_highs_when_the_forgotten_hours_were_measured_then_knows_the_high_again() -> None:
    assert cold_front(first_hour=4, readings=4) == DayHigh(day=date(2026, 1, 14), high_f=61, knows_night=True)
    assert not cold_front(first_hour=4, readings=3).knows_night
