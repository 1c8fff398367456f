"""Climate reports of all ten offices, read with the product's own parser."""

import re
from datetime import date, timedelta
from functools import cache

import pytest

from sandbox.cities import CITIES, City
from sandbox.world.cli_text import LAYOUTS, report_text
from sandbox.world.climate_reports import AS_OF_LOCAL_HOUR, ClimateReports, DayReport
from tests.sandbox.world.weathers import DAY, HOUR, NOVEMBER_NOON, feed, world
from weather.domain.cli_report import parse_cli

DAYS = [date(2026, 1, 1) + 5 * k * DAY for k in range(70)]
EACH_CITY = pytest.mark.parametrize("city", CITIES, ids=lambda city: city.code)


@cache
def reports() -> ClimateReports:
    """The world's offices."""
    return ClimateReports(world())


def _final(city: City, day: date) -> DayReport:
    return next(report for report in reports().of_day(city, day) if report.as_of is None)


@EACH_CITY
def test_report_texts_when_parsed_then_value_date_time_and_finality_are_the_worlds(city: City) -> None:
    for day in DAYS:
        for report in reports().of_day(city, day):
            parsed = parse_cli(report_text(city, report))
            assert parsed.cli_code == f"CLI{city.cli_location}"
            assert parsed.climate_date == day
            assert parsed.issued_at == report.issued_at
            assert parsed.is_final is (report.as_of is None)
            assert parsed.correction == report.correction
            assert parsed.high_f == report.high_f


@EACH_CITY
def test_reports_when_a_day_is_over_then_the_last_one_holds_the_official_high(city: City) -> None:
    for day in DAYS:
        preliminary, *finals = reports().of_day(city, day)
        assert preliminary.as_of is not None
        assert preliminary.high_f == world().max_so_far_f(city, day, preliminary.as_of)
        assert finals[-1].high_f == world().high_f(city, day)
        assert {report.high_f for report in finals} <= {world().high_f(city, day), None}


@EACH_CITY
def test_reports_when_issued_then_at_the_offices_usual_time(city: City) -> None:
    for day in DAYS:
        preliminary, final, *corrected = reports().of_day(city, day)
        assert preliminary.as_of is not None
        assert preliminary.as_of.astimezone(city.zone).hour == AS_OF_LOCAL_HOUR[city.code]
        assert timedelta(minutes=18) <= preliminary.issued_at - preliminary.as_of <= timedelta(minutes=55)
        assert final.issued_at > city.climate_day_start(day + DAY)
        assert abs(final.issued_at - city.final_report_at(day)) <= timedelta(minutes=42)
        for report in corrected:
            assert report.correction == "CCA"
            assert HOUR <= report.issued_at - final.issued_at <= 4 * HOUR


def test_reports_when_many_then_some_are_corrected_some_miss_the_value_and_some_evenings_still_rise() -> None:
    sets = [reports().of_day(city, day) for city in CITIES for day in DAYS]
    total = len(sets)
    missing = sum(found[1].high_f is None for found in sets)
    corrected = sum(len(found) == 3 for found in sets)
    rose = sum((found[0].high_f or 0) < (found[-1].high_f or 0) for found in sets)
    assert 0.005 * total < missing < 0.04 * total
    assert missing < corrected < 0.09 * total
    assert 0.02 * total < rose < 0.20 * total


def test_report_layouts_when_offices_compared_then_no_two_are_alike() -> None:
    day = date(2026, 3, 12)
    skeletons = {
        # Names and numbers differ anyway: what is compared is how the lines are built.
        city.code: re.sub(r"[0-9]", "9", _from_column_heads(report_text(city, _final(city, day))))
        for city in CITIES
    }
    assert set(skeletons) == set(LAYOUTS)
    assert len(set(skeletons.values())) == len(CITIES)
    assert len(set(LAYOUTS.values())) == len(CITIES)


def _from_column_heads(text: str) -> str:
    return "\n".join(text[text.index("WEATHER ITEM") :].splitlines()[:9])


def test_report_layouts_when_compared_with_the_recorded_then_the_same_variants_occur() -> None:
    day = date(2026, 7, 15)
    rows = {city.code: _maximum_row(report_text(city, _final(city, day))) for city in CITIES}
    assert re.search(r" \d{3,4} [AP]M ", rows["NYC"])
    assert re.search(r" \d{1,2}:\d{2} [AP]M ", rows["MIA"])
    assert re.search(r" 0\d{3} [AP]M ", rows["DEN"])
    assert not re.search(r"[AP]M", rows["SFO"])
    assert "\t" in rows["BOS"]


def _maximum_row(text: str) -> str:
    return next(line for line in text.splitlines() if line.lstrip().startswith("MAXIMUM"))


@EACH_CITY
def test_report_time_when_the_value_is_missing_at_first_then_it_is_the_corrections(city: City) -> None:
    for day in DAYS:
        preliminary, *finals = reports().of_day(city, day)
        reported_at = feed().reported_at(city, day)
        assert reported_at == (finals[0] if finals[0].high_f is not None else finals[-1]).issued_at
        assert reported_at > preliminary.issued_at
        published = [report.climate_date for report in feed().reports(city, reported_at)]
        assert day in published
        assert day not in [
            report.climate_date for report in feed().reports(city, reported_at - timedelta(seconds=1))
        ]


@EACH_CITY
def test_climate_products_when_time_passes_then_only_published_ones_newest_first(city: City) -> None:
    earlier = feed().climate_products(city, NOVEMBER_NOON)
    later = feed().climate_products(city, NOVEMBER_NOON + 9 * HOUR)
    assert all(product.issued_at <= NOVEMBER_NOON for product in earlier)
    times = [product.issued_at for product in later]
    assert times == sorted(times, reverse=True)
    assert len({product.issued_at for product in later}) == len(later)
    assert set(earlier) <= set(later)
    finals = feed().reports(city, NOVEMBER_NOON)
    assert [report.high_f for report in finals] == [
        world().high_f(city, report.climate_date) for report in finals
    ]
    assert len(finals) >= 7
