"""The simulated weather over HTTP, read with the product's own parsers."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.cities import CITIES, City
from sandbox.clock import WorldClock
from sandbox.recorded import RecordedDay
from sandbox.replay import Replay
from sandbox.stage import Stage
from sandbox.world.temperature import whole_f
from tests.sandbox.stages import CHICAGO, Client, Wall, client_of
from tests.sandbox.world.weathers import DAY, HOUR, NOVEMBER_NOON, city_of, feed, world
from weather.clients.nws.parse import (
    parse_forecast,
    parse_grid,
    parse_hourly,
    parse_observations,
    parse_product,
    parse_product_list,
)
from weather.domain.cli_report import parse_cli
from weather.domain.day_high import day_highs
from weather.domain.observations import max_so_far

EACH_CITY = pytest.mark.parametrize("city", CITIES, ids=lambda city: city.code)
NAMED = {"User-Agent": "milkbot tests"}


@pytest.fixture
def client(invented_day: RecordedDay) -> Client:
    """The weather service at noon of a November day; its exchange plays no part."""
    return _client_at(invented_day, NOVEMBER_NOON)


def _client_at(invented_day: RecordedDay, at: datetime) -> Client:
    exchange = Replay(invented_day, CHICAGO, Decimal(10))
    return client_of(Stage(exchange, feed(), WorldClock(at, at, 60.0), Wall(at)))


def _body(client: Client, path: str, **params: str) -> dict[str, Any]:
    answer = client.get(f"/nws{path}", headers=NAMED, params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@EACH_CITY
def test_grid_when_parsed_then_its_day_highs_are_the_forecasts(client: Client, city: City) -> None:
    grid = parse_grid(_body(client, f"/gridpoints/{city.office}/{city.grid_x},{city.grid_y}"))
    assert grid.issued_at == world().issued_at(city, NOVEMBER_NOON)
    found = {high.day: high.high_f for high in day_highs(grid, round(city.standard_offset / HOUR))}
    today = city.climate_day(NOVEMBER_NOON)
    assert today in found
    assert today + 5 * DAY in found
    for day, high in found.items():
        by_daylight = whole_f(world().forecast_day_mu_f(city, day, NOVEMBER_NOON))
        assert high >= by_daylight


def test_grids_when_many_days_compared_then_hourly_nights_rarely_change_the_high() -> None:
    differences = []
    for city in CITIES:
        for k in range(0, 200, 10):
            at = NOVEMBER_NOON - k * DAY
            issuance = feed().issuance(city, at)
            assert issuance is not None
            day = city.climate_day(at) + DAY
            by_hour = max(value for hour, value in issuance.hourly_f if city.climate_day(hour) == day)
            official = world().forecast_high_f(city, day, at)
            assert official is not None
            differences.append(max(by_hour, dict(issuance.highs_f)[day]) - official)
    assert sum(difference == 0 for difference in differences) > 0.9 * len(differences)


@EACH_CITY
def test_forecasts_when_parsed_then_periods_and_hours_are_there(client: Client, city: City) -> None:
    path = f"/gridpoints/{city.office}/{city.grid_x},{city.grid_y}/forecast"
    periods = parse_forecast(_body(client, path))
    assert len(periods.periods) >= 12
    hours = parse_hourly(_body(client, f"{path}/hourly"))
    assert len(hours.periods) == 156


@EACH_CITY
def test_observations_when_parsed_then_max_so_far_never_exceeds_the_high(client: Client, city: City) -> None:
    body = _body(client, f"/stations/{city.station_id}/observations")
    assert len(body["features"]) == 500
    found = parse_observations(body)
    assert any(reading.is_metar for reading in found.readings)
    assert any(not reading.is_metar for reading in found.readings)
    assert all(reading.observed_at <= NOVEMBER_NOON for reading in found.readings)
    yesterday = city.climate_day(NOVEMBER_NOON) - DAY
    bound = max_so_far(found.readings, yesterday, round(city.standard_offset / HOUR))
    assert bound is not None
    assert world().high_f(city, yesterday) - 4 <= bound <= world().high_f(city, yesterday)


def test_observations_when_window_and_limit_given_then_they_hold(client: Client) -> None:
    path = "/stations/KNYC/observations"
    start, end = NOVEMBER_NOON - 5 * HOUR, NOVEMBER_NOON - 3 * HOUR
    body = _body(client, path, start=start.isoformat(), end=end.isoformat(), limit="10")
    times = [datetime.fromisoformat(feature["properties"]["timestamp"]) for feature in body["features"]]
    assert len(times) == 10
    assert times == sorted(times, reverse=True)
    assert start <= times[-1] <= times[0] <= end
    latest = _body(client, f"{path}/latest")
    assert (
        latest["properties"]["timestamp"]
        == _body(client, path, limit="1")["features"][0]["properties"]["timestamp"]
    )


@pytest.mark.parametrize(
    "params", [{"limit": "0"}, {"limit": "501"}, {"limit": "x"}, {"start": "2026-11-20T00:00"}]
)
def test_observations_when_asked_wrongly_then_problem(client: Client, params: dict[str, str]) -> None:
    answer = client.get("/nws/stations/KNYC/observations", headers=NAMED, params=params)
    assert answer.status_code == 400
    assert answer.json()["title"] == "Bad Request"


def test_observations_when_unchanged_then_304(client: Client) -> None:
    first = client.get("/nws/stations/KNYC/observations", headers=NAMED, params={"limit": "5"})
    again = client.get(
        "/nws/stations/KNYC/observations",
        headers={**NAMED, "If-None-Match": first.headers["ETag"]},
        params={"limit": "5"},
    )
    assert again.status_code == 304


@EACH_CITY
def test_products_when_read_then_preliminary_and_final_reports_parse(client: Client, city: City) -> None:
    refs = parse_product_list(_body(client, f"/products/types/CLI/locations/{city.cli_location}"))
    kinds = set()
    for ref in refs[:6]:
        report = parse_cli(parse_product(_body(client, f"/products/{ref.product_id}")))
        assert report.issued_at == ref.issued_at <= NOVEMBER_NOON
        kinds.add(report.is_final)
        if report.is_final and report.high_f is not None:
            assert report.high_f == world().high_f(city, report.climate_date)
    assert kinds == {True, False}


def test_products_when_evening_comes_then_todays_preliminary_report_appears(
    invented_day: RecordedDay,
) -> None:
    city = city_of("NYC")
    before = parse_product_list(
        _body(_client_at(invented_day, NOVEMBER_NOON), "/products/types/CLI/locations/NYC")
    )
    evening = NOVEMBER_NOON + timedelta(hours=6)
    after = parse_product_list(_body(_client_at(invented_day, evening), "/products/types/CLI/locations/NYC"))
    assert len(after) == len(before) + 1
    report = parse_cli(
        parse_product(_body(_client_at(invented_day, evening), f"/products/{after[0].product_id}"))
    )
    assert (report.climate_date, report.is_final) == (city.climate_day(NOVEMBER_NOON), False)
