"""METARs and five-minute records, read with the product's own parsers."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from sandbox.cities import CITIES, City
from sandbox.world.metar_text import Remarks, metar_text, tenths_c
from tests.sandbox.world.weathers import DAY, HOUR, NOVEMBER_NOON, city_of, feed, world
from weather.domain.observations import period_maxima, read_metar
from weather.domain.temperature import c_to_f, whole_c_to_possible_f

DAYS = [date(2026, 1, 10) + 9 * k * DAY for k in range(6)]
MINUTES = {"NYC": 51, "SFO": 56, "PHL": 54, "BOS": 54}
EACH_CITY = pytest.mark.parametrize("city", CITIES, ids=lambda city: city.code)


def _offset_hours(city: City) -> int:
    return round(city.standard_offset / HOUR)


@EACH_CITY
def test_metars_when_a_day_passes_then_the_parser_reads_the_true_temperature(city: City) -> None:
    for day in DAYS:
        start = city.climate_day_start(day)
        records = world().metars(city, start, start + DAY)
        assert len(records) == 24
        assert {record.observed_at.minute for record in records} == {MINUTES.get(city.code, 53)}
        for record in records:
            groups = read_metar(record.metar, record.observed_at)
            assert groups is not None
            assert groups.station == city.station_id
            if groups.temp_c is not None:
                assert (
                    abs(c_to_f(groups.temp_c) - world().temperature_f(city, record.observed_at)) <= 0.5 + 1e-9
                )
            if record.temp_c is not None:
                assert float(record.temp_c) == groups.temp_c


@EACH_CITY
def test_metar_groups_when_a_day_passes_then_maxima_come_on_time_and_never_exceed_the_high(
    city: City,
) -> None:
    for day in DAYS:
        start = city.climate_day_start(day)
        daily = []
        for record in world().metars(city, start, start + DAY):
            groups = read_metar(record.metar, record.observed_at)
            assert groups is not None
            six_hourly = groups.six_hour_max_c is not None
            assert not six_hourly or record.observed_at.hour in {5, 11, 17, 23}
            for period in period_maxima(groups, record.observed_at, _offset_hours(city)):
                if period.starts_at >= start:
                    assert c_to_f(period.max_c) <= world().high_f(city, day)
            if groups.day_max_c is not None:
                daily.append(c_to_f(groups.day_max_c))
                assert record.observed_at >= start + 23 * HOUR
        assert len(daily) <= 1
        assert all(0 <= world().high_f(city, day) - value <= 1 for value in daily)


def test_metars_when_hundreds_are_sent_then_a_few_values_are_missing() -> None:
    missing_in_text = missing_in_value = total = 0
    for city in CITIES:
        start = city.climate_day_start(date(2026, 6, 1))
        for record in world().metars(city, start, start + 12 * DAY):
            groups = read_metar(record.metar, record.observed_at)
            assert groups is not None
            total += 1
            missing_in_text += groups.temp_c is None
            missing_in_value += record.temp_c is None
    assert 0 < missing_in_text < missing_in_value < 0.03 * total


@EACH_CITY
def test_five_minute_records_when_a_day_passes_then_whole_celsius_that_allow_the_truth(city: City) -> None:
    day = DAYS[2]
    start = city.climate_day_start(day)
    records = world().five_minute(city, start - timedelta(seconds=1), start + DAY - timedelta(seconds=1))
    assert len(records) == 288
    assert sum(record.temp_c is None for record in records) < 15
    for record in records:
        assert record.metar == ""
        if record.temp_c is not None:
            celsius = int(record.temp_c)
            assert celsius == record.temp_c
            possible = whole_c_to_possible_f(celsius)
            true_f = world().temperature_f(city, record.observed_at)
            assert min(abs(value - true_f) for value in possible) <= 0.5 + 1e-9
            assert c_to_f(celsius) <= world().high_f(city, day) + 1


def test_observations_when_asked_then_newest_first_available_and_limited() -> None:
    city = city_of("NYC")
    for minutes in range(0, 120, 7):
        at = NOVEMBER_NOON + timedelta(minutes=minutes)
        records = feed().observations(city, at - 2 * DAY, at, at, 40)
        assert len(records) == 40
        assert all(record.available_at <= at for record in records)
        times = [record.observed_at for record in records]
        assert times == sorted(times, reverse=True)
        assert timedelta(minutes=2) < at - times[0] < timedelta(minutes=25)
    everything = feed().observations(city, NOVEMBER_NOON - 2 * DAY, NOVEMBER_NOON, NOVEMBER_NOON + DAY, 5000)
    assert len(everything) == len({record.observed_at for record in everything}) == 2 * 288 + 2 * 24 + 1
    assert feed().observations(city, NOVEMBER_NOON, NOVEMBER_NOON - DAY, NOVEMBER_NOON, 5) == []


@pytest.mark.parametrize(
    ("temperature_f", "group"), [(95, "T0350"), (32, "T0000"), (31, "T1006"), (0, "T1178"), (-10, "T1233")]
)
def test_metar_text_when_written_then_tenths_name_the_whole_degree(temperature_f: int, group: str) -> None:
    at = datetime(2026, 1, 3, 5, 53, tzinfo=UTC)
    text = metar_text(
        "KMDW", at, temperature_f, Remarks((temperature_f, -12), (temperature_f, -12)), 0.5, 0.5
    )
    assert text.startswith("KMDW 030553Z AUTO ")
    assert f" {group}" in text
    groups = read_metar(text, at)
    assert groups is not None
    assert groups.temp_c is not None
    assert groups.day_max_c is not None
    assert c_to_f(groups.temp_c) == temperature_f
    assert groups.temp_c == groups.six_hour_max_c == groups.day_max_c


def test_tenths_when_any_whole_degree_then_they_lead_back_to_it() -> None:
    for temperature_f in range(-60, 131):
        celsius = tenths_c(temperature_f)
        assert celsius == celsius.quantize(Decimal("0.1"))
        assert c_to_f(float(celsius)) == temperature_f
