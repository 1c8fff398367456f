"""Degrees, METAR remark groups, and the maximum so far."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.weather.bodies import reading
from weather.domain.observations import max_so_far, period_maxima, read_metar
from weather.domain.temperature import c_to_f, f_to_c, whole_c_to_possible_f

FORT_LAUDERDALE = (
    "KFLL 022353Z 02004KT 10SM FEW026 BKN055 23/18 A3008 RMK AO2 SLP187 60000 T02280183 10244 20228 53008 $"
)
AT = datetime(2022, 3, 2, 23, 53, tzinfo=UTC)
CENTRAL = -6
JULY_4 = date(2026, 7, 4)
MIDNIGHT = datetime(2026, 7, 4, 6, tzinfo=UTC)
"""The climate day of 4 July begins in Chicago: 00:00 standard, 01:00 on the wall clock."""


@pytest.mark.parametrize(
    ("celsius", "possible"), [(22, (71, 72)), (20, (68,)), (-40, (-40,)), (0, (32,))]
)  # G13, G14
def test_whole_c_to_possible_f_when_golden_then_it_matches(celsius: int, possible: tuple[int, ...]) -> None:
    assert whole_c_to_possible_f(celsius) == possible


def test_whole_c_to_possible_f_when_all_usual_values_then_sixty_of_seventy_five_are_ambiguous() -> None:
    sets = [whole_c_to_possible_f(c) for c in range(-30, 45)]
    assert sum(len(possible) == 2 for possible in sets) == 60
    assert [f for possible in sets for f in possible] == list(range(sets[0][0], sets[-1][-1] + 1))


@given(st.integers(-60, 135))
def test_c_to_f_when_a_value_came_from_whole_f_then_it_returns_exactly(temp_f: int) -> None:
    assert c_to_f(f_to_c(temp_f)) == temp_f
    assert c_to_f(round(f_to_c(temp_f), 1)) == temp_f  # METAR tenths name the whole °F


def test_read_metar_when_groups_are_there_then_tenths_are_exact() -> None:
    groups = read_metar(FORT_LAUDERDALE, AT)
    assert groups is not None
    assert (groups.station, groups.temp_c, groups.six_hour_max_c, groups.day_max_c) == (
        "KFLL",
        22.8,
        24.4,
        None,
    )


def test_read_metar_when_below_zero_and_a_24_hour_group_then_signs_are_read() -> None:
    groups = read_metar(
        "METAR KMDW 150553Z 33012KT 10SM CLR M03/M11 A3041 RMK AO2 SLP301 T10281111 11017 21067 400281061",
        datetime(2026, 1, 15, 5, 53, tzinfo=UTC),
    )
    assert groups is not None
    assert (groups.temp_c, groups.six_hour_max_c, groups.day_max_c) == (-2.8, -1.7, 2.8)


def test_read_metar_when_hot_then_the_settled_degree_can_be_told() -> None:
    groups = read_metar(
        "KMDW 041953Z AUTO 20010KT 35/20 A2990 RMK AO2 T03500200 10372", MIDNIGHT.replace(hour=19, minute=53)
    )
    assert groups is not None
    assert groups.temp_c is not None
    assert groups.six_hour_max_c is not None
    assert (c_to_f(groups.temp_c), c_to_f(groups.six_hour_max_c)) == (95, 99)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A clearly wrong code",
        "KFLL 022253Z 02004KT RMK AO2 T02280183",
        "kfll 022353Z RMK T02280183",
        "KFLL 022353",
    ],
)
def test_read_metar_when_no_report_of_that_minute_then_nothing(text: str) -> None:
    assert read_metar(text, AT) is None


@pytest.mark.parametrize("remarks", ["T0228", "T99990183", "T09990183", "XT02280183", ""])
def test_read_metar_when_a_group_is_broken_or_implausible_then_it_is_absent(remarks: str) -> None:
    groups = read_metar(f"KFLL 022353Z 23/18 RMK AO2 {remarks}", AT)
    assert groups is not None
    assert groups.temp_c == (22.8 if remarks == "T0228" else None)


def test_read_metar_when_groups_stand_before_the_remarks_then_they_are_no_temperatures() -> None:
    groups = read_metar("KFLL 022353Z 10244 T02280183 23/18", AT)
    assert groups is not None
    assert (groups.temp_c, groups.six_hour_max_c) == (None, None)


def test_max_so_far_when_metar_and_five_minute_data_then_the_latter_count_a_degree_less() -> None:
    seen = [
        reading(MIDNIGHT + timedelta(hours=9), 30.0),
        reading(MIDNIGHT + timedelta(hours=10), 28.9, is_metar=True),
    ]
    assert max_so_far(seen[:1], JULY_4, CENTRAL) == 85  # 30 °C shows 86
    assert max_so_far(seen[1:], JULY_4, CENTRAL) == 84
    assert max_so_far(seen, JULY_4, CENTRAL) == 85


def test_max_so_far_when_at_0030_daylight_time_then_the_reading_counts_for_the_day_before() -> None:
    half_past_midnight = [reading(MIDNIGHT - timedelta(minutes=30), 25.0, is_metar=True)]
    assert max_so_far(half_past_midnight, JULY_4, CENTRAL) is None
    assert max_so_far(half_past_midnight, JULY_4 - timedelta(days=1), CENTRAL) == 77


def test_max_so_far_when_a_period_reaches_out_of_the_day_then_it_does_not_count() -> None:
    groups = read_metar("KMDW 041153Z RMK AO2 T02000150 10333", MIDNIGHT.replace(hour=11, minute=53))
    assert groups is not None
    across_midnight = period_maxima(groups, MIDNIGHT.replace(hour=11, minute=53), CENTRAL)
    inside = period_maxima(groups, MIDNIGHT.replace(hour=17, minute=53), CENTRAL)
    assert max_so_far([], JULY_4, CENTRAL, across_midnight) is None
    assert max_so_far([], JULY_4, CENTRAL, inside) == 92


def test_period_maxima_when_a_24_hour_group_closes_the_day_then_it_speaks_of_that_climate_day() -> None:
    at = datetime(2026, 7, 5, 5, 53, tzinfo=UTC)
    groups = read_metar("KMDW 050553Z RMK AO2 T02500200 10280 20240 403500210", at)
    assert groups is not None
    maxima = period_maxima(groups, at, CENTRAL)
    assert max_so_far([], JULY_4, CENTRAL, maxima) == 95
    assert max_so_far([], JULY_4 + timedelta(days=1), CENTRAL, maxima) is None
