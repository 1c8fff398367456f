"""The weather service over the invented day."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sandbox.nws.units import hours_text
from sandbox.recorded import RecordedDay
from tests.sandbox.stages import Client, client_at, client_of, stage_at

GRID = "/nws/gridpoints/LOT/72,69"
MORNING = datetime(2026, 5, 19, 13, tzinfo=UTC)
EVENING = datetime(2026, 5, 18, 23, tzinfo=UTC)
REPORT_OUT = datetime(2026, 5, 20, 6, 46, tzinfo=UTC)
CHICAGO_TIME = ZoneInfo("America/Chicago")


@pytest.fixture
def morning(invented_day: RecordedDay) -> Client:
    """The sandbox on the morning of the day."""
    return client_at(invented_day, MORNING)


def properties(client: Client, path: str) -> dict[str, Any]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    found: dict[str, Any] = answer.json()["properties"]
    return found


def fahrenheit(celsius: float) -> int:
    return round(celsius * 9 / 5 + 32)


@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("41.78417,-87.75528", "41.7842,-87.7553"),
        ("41.7840,-87.7550", "41.784,-87.755"),
        ("41.780,-87.75", "41.78,-87.75"),
        ("42.0,-88.0", "42,-88"),
    ],
)
def test_point_in_another_spelling_is_redirected(morning: Client, asked: str, canonical: str) -> None:
    answer = morning.get(f"/nws/points/{asked}")
    assert (answer.status_code, answer.headers["location"]) == (301, f"/nws/points/{canonical}")


def test_point_of_the_station_leads_to_its_grid(morning: Client) -> None:
    found = properties(morning, "/nws/points/41.7842,-87.7553")
    assert (found["gridId"], found["gridX"], found["gridY"]) == ("LOT", 72, 69)
    assert found["timeZone"] == "America/Chicago"
    for link in ("forecast", "forecastHourly", "forecastGridData", "observationStations"):
        path = found[link].removeprefix("http://127.0.0.1:8002")
        assert path.startswith(GRID)
        assert morning.get(path).status_code == 200


@pytest.mark.parametrize(("point", "status"), [("25.7906,-80.3164", 404), ("north,west", 400), ("91,0", 400)])
def test_point_elsewhere_is_a_problem(morning: Client, point: str, status: int) -> None:
    answer = morning.get(f"/nws/points/{point}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) >= {"type", "title", "status", "detail", "instance", "correlationId"}


@pytest.mark.parametrize(
    "path",
    ["/gridpoints/LOT/1,1", "/stations/KORD", "/products/none", "/nothing", "/stations/KORD/observations"],
)
def test_unknown_address_is_a_problem(morning: Client, path: str) -> None:
    answer = morning.get(f"/nws{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_highs_are_exact_whole_fahrenheit_in_daytime_windows(morning: Client) -> None:
    layer = properties(morning, GRID)["maxTemperature"]
    assert layer["uom"] == "wmoUnit:degC"
    by_day: dict[date, int] = {}
    for entry in layer["values"]:
        start, duration = entry["validTime"].split("/")
        assert duration == "PT13H"
        assert (entry["value"] * 9 / 5) == pytest.approx(round(entry["value"] * 9 / 5), abs=1e-9)
        ends = datetime.fromisoformat(start) + timedelta(hours=13)
        by_day[(ends - timedelta(hours=9)).date()] = fahrenheit(entry["value"])
    assert by_day[date(2026, 5, 19)] == 74
    assert len(by_day) >= 4


@pytest.mark.parametrize(
    ("at", "update"),
    [
        (datetime(2026, 5, 18, 14, tzinfo=UTC), datetime(2026, 5, 18, 6, tzinfo=UTC)),
        (datetime(2026, 5, 18, 15, tzinfo=UTC), datetime(2026, 5, 18, 15, tzinfo=UTC)),
        (MORNING, datetime(2026, 5, 19, 6, tzinfo=UTC)),
        (REPORT_OUT, datetime(2026, 5, 20, 6, tzinfo=UTC)),
    ],
)
def test_update_time_is_the_availability_of_the_newest_usable_forecast(
    invented_day: RecordedDay, at: datetime, update: datetime
) -> None:
    client = client_at(invented_day, at)
    for path in (GRID, f"{GRID}/forecast", f"{GRID}/forecast/hourly"):
        assert datetime.fromisoformat(properties(client, path)["updateTime"]) == update


def test_newest_forecast_wins_and_of_two_at_once_the_preferred(recorded_day: RecordedDay) -> None:
    """13 May 15:00Z brings NBM 74.48 and HRRR 77.84 together; 14 May 06:00Z replaces them by 73.8."""
    shown = []
    for at in (
        datetime(2025, 5, 13, 14, 59, tzinfo=UTC),
        datetime(2025, 5, 13, 15, tzinfo=UTC),
        datetime(2025, 5, 14, 5, 59, tzinfo=UTC),
        datetime(2025, 5, 14, 6, tzinfo=UTC),
    ):
        values = properties(client_at(recorded_day, at), GRID)["maxTemperature"]["values"]
        shown += [
            fahrenheit(entry["value"]) for entry in values if entry["validTime"].startswith("2025-05-14T13")
        ]
    assert shown == [75, 74, 74, 74]


def test_first_window_is_cut_when_the_forecast_falls_into_it(invented_day: RecordedDay) -> None:
    client = client_at(invented_day, datetime(2026, 5, 19, 16, tzinfo=UTC))
    first = properties(client, GRID)["maxTemperature"]["values"][0]
    assert first["validTime"] == "2026-05-19T15:00:00+00:00/PT11H"


def test_periods_carry_local_offsets_and_the_high_of_their_day(morning: Client) -> None:
    periods = properties(morning, f"{GRID}/forecast")["periods"]
    assert [period["number"] for period in periods] == list(range(1, len(periods) + 1))
    today = periods[0]
    assert (today["isDaytime"], today["temperature"], today["temperatureUnit"]) == (True, 74, "F")
    assert today["startTime"] == "2026-05-19T08:00:00-05:00"
    assert today["endTime"] == "2026-05-19T18:00:00-05:00"
    assert (today["name"], periods[1]["name"], periods[2]["name"]) == ("Today", "Tuesday Night", "Wednesday")


def test_today_is_gone_from_the_periods_in_the_evening(invented_day: RecordedDay) -> None:
    periods = properties(client_at(invented_day, EVENING + timedelta(hours=2)), f"{GRID}/forecast")["periods"]
    assert (periods[0]["name"], periods[0]["isDaytime"]) == ("Tonight", False)
    first_day = next(period for period in periods if period["isDaytime"])
    assert first_day["startTime"].startswith("2026-05-19T06:00:00")


def test_hourly_periods_begin_with_the_current_hour(invented_day: RecordedDay) -> None:
    client = client_at(invented_day, MORNING + timedelta(minutes=20))
    periods = properties(client, f"{GRID}/forecast/hourly")["periods"]
    assert datetime.fromisoformat(periods[0]["startTime"]) == MORNING
    assert all(
        datetime.fromisoformat(period["endTime"]) - datetime.fromisoformat(period["startTime"])
        == timedelta(hours=1)
        for period in periods
    )
    assert all(isinstance(period["temperature"], int) for period in periods)


def test_units_may_be_metric_and_nothing_else(morning: Client) -> None:
    first = properties(morning, f"{GRID}/forecast?units=si")["periods"][0]
    assert (first["temperature"], first["temperatureUnit"]) == (23, "C")
    assert morning.get(f"{GRID}/forecast?units=kelvin").status_code == 400


def test_station_has_no_recorded_observations(morning: Client) -> None:
    assert properties(morning, "/nws/stations/KMDW")["stationIdentifier"] == "KMDW"
    listed = morning.get("/nws/stations?id=KMDW").json()
    assert [feature["properties"]["stationIdentifier"] for feature in listed["features"]] == ["KMDW"]
    assert morning.get("/nws/stations?id=KORD").json()["features"] == []
    answer = morning.get("/nws/stations/KMDW/observations?limit=10")
    assert (answer.status_code, answer.json()["features"]) == (200, [])
    latest = morning.get("/nws/stations/KMDW/observations/latest")
    assert (latest.status_code, latest.headers["content-type"]) == (404, "application/problem+json")


def graph(client: Client, path: str = "/nws/products/types/CLI/locations/MDW") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(path).json()["@graph"]
    return found


def test_final_report_appears_at_its_hour_with_the_recorded_high(invented_day: RecordedDay) -> None:
    before = graph(client_at(invented_day, REPORT_OUT - timedelta(seconds=1)))
    client = client_at(invented_day, REPORT_OUT)
    after = graph(client)
    assert len(after) == len(before) + 1
    assert after[0]["issuanceTime"] == "2026-05-20T06:46:00+00:00"
    text = client.get(f"/nws/products/{after[0]['id']}").json()["productText"]
    assert "CDUS43 KLOT 200646\nCLIMDW\n" in text
    assert "146 AM CDT WED MAY 20 2026" in text
    assert "...THE CHICAGO-MIDWAY CLIMATE SUMMARY FOR MAY 19 2026..." in text
    assert re.search(r"TEMPERATURE \(F\)\n YESTERDAY\n  MAXIMUM +75 ", text)
    assert "VALID" not in text


def test_products_of_other_kinds_and_places_are_none(invented_day: RecordedDay) -> None:
    client = client_at(invented_day, REPORT_OUT)
    assert graph(client, "/nws/products?type=CLI&location=MDW") == graph(client)
    assert graph(client, "/nws/products/types/CLI/locations/ORD") == []
    assert graph(client, "/nws/products/types/AFD/locations/LOT") == []


def test_report_of_a_winter_date_is_in_standard_time(invented_day: RecordedDay) -> None:
    client = client_at(invented_day.moved(185), REPORT_OUT + timedelta(days=185))
    text = client.get(f"/nws/products/{graph(client)[0]['id']}").json()["productText"]
    assert "1246 AM CST SAT NOV 21 2026" in text


@pytest.mark.parametrize("path", [GRID, f"{GRID}/forecast", "/nws/points/41.78,-87.75"])
def test_unchanged_answer_is_304_for_its_validators(invented_day: RecordedDay, path: str) -> None:
    stage = stage_at(invented_day, MORNING)
    client = client_of(stage)
    first = client.get(path)
    assert "max-age=5" in first.headers["cache-control"]
    stage.wall = lambda: MORNING + timedelta(minutes=1)
    by_tag = client.get(path, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    by_time = client.get(path, headers={"If-Modified-Since": first.headers["last-modified"]})
    assert (by_tag.status_code, by_tag.content, by_time.status_code) == (304, b"", 304)
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.get(path, headers={"If-Modified-Since": "yesterday"}).status_code == 200


def test_new_forecast_changes_the_validators(invented_day: RecordedDay) -> None:
    stage = stage_at(invented_day, MORNING)
    client = client_of(stage)
    first = client.get(GRID)
    stage.wall = lambda: MORNING + timedelta(hours=2)
    again = client.get(GRID, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 200
    assert again.headers["last-modified"] != first.headers["last-modified"]


@pytest.mark.parametrize("agent", ["", " "])
def test_caller_without_user_agent_is_forbidden(morning: Client, agent: str) -> None:
    answer = morning.get(GRID, headers={"User-Agent": agent})
    assert answer.status_code == 403
    assert "text/html" in answer.headers["content-type"]


@pytest.mark.parametrize(
    ("hours", "text"), [(1, "PT1H"), (13, "PT13H"), (24, "P1D"), (181, "P7DT13H"), (0, "PT0H")]
)
def test_duration_is_written_in_iso_form(hours: int, text: str) -> None:
    assert hours_text(timedelta(hours=hours)) == text
