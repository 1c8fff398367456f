"""The weather service's faults on the panel: in its own words, and for the one city they are ordered for."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from sandbox.nws.fault_answers import fault_answer
from sandbox.nws.fault_kinds import EDGE_LAGS, NwsFaultKind
from sandbox.nws.spoilers import NWS_SPOILERS
from sandbox.simulation import SimulatedOptions, prepare_simulated
from tests.sandbox.stages import Client, Wall, client_of

NOW = datetime(2026, 5, 12, 13, tzinfo=UTC)
GRID, OTHER_GRID = "/nws/gridpoints/LOX/149,41", "/nws/gridpoints/SEW/124,60"
STATION, OTHER_STATION = "/nws/stations/KLAX/observations", "/nws/stations/KSEA/observations"
POINT = "/nws/points/33.9381,-118.3889"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Client:
    options = SimulatedOptions(7, 1.0, NOW, 1, tmp_path_factory.mktemp("world"), wall_anchor=NOW)
    return client_of(prepare_simulated(options, Wall(NOW)).stage)


@pytest.fixture
def client(shared: Client) -> Client:
    """Ten cities without a fault."""
    shared.post("/control", json={"do": "clear"})
    return shared


def order(client: Client, kind: str, path: str, **more: Any) -> None:
    answer = client.post("/control", json={"do": "fault", "kind": kind, "match": f"GET {path}"} | more)
    assert answer.status_code == 200, answer.text


def layer(body: Any, name: str = "maxTemperature") -> Any:
    return body["properties"][name]


def records(body: Any) -> list[Any]:
    return [feature["properties"] for feature in body["features"]]


def test_every_kind_on_the_panel_does_something() -> None:
    replaced = {kind for kind in get_args(NwsFaultKind) if fault_answer(kind, NOW) is not None}
    assert set(get_args(NwsFaultKind)) == replaced | NWS_SPOILERS.keys() | EDGE_LAGS.keys() | {
        "truncated_gzip"
    }


@pytest.mark.parametrize(
    ("kind", "status", "type_", "title", "detail"),
    [
        (
            "5xx",
            500,
            "urn:noaa:nws:api:UnexpectedProblem",
            "Unexpected Problem",
            "An unexpected problem has occurred.",
        ),
        (
            "503_grid_expired",
            503,
            "https://api.weather.gov/problems/ForecastGridExpired",
            "Forecast Grid Expired",
            "The requested forecast grid was issued 2026-05-11T07:00:00+00:00 and has expired.",
        ),
        (
            "503_grid_invalid",
            503,
            "https://api.weather.gov/problems/ForecastMissingData",
            "Forecast Grid Invalid",
            "The forecast grid is missing data for time 2026-05-18T13:00:00+00:00.",
        ),
        (
            "503_unavailable",
            503,
            "https://api.weather.gov/problems/UnavailableWebService",
            "Unavailable Resource",
            "The resource you requested is currently unavailable.  Please try again later.",
        ),
    ],
)
def test_problem_has_the_words_that_were_recorded(
    client: Client, kind: str, status: int, type_: str, title: str, detail: str
) -> None:
    order(client, kind, GRID)
    answer = client.get(GRID)
    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (body["type"], body["title"], body["status"], body["detail"]) == (type_, title, status, detail)
    assert answer.headers["x-correlation-id"] == body["correlationId"] == body["instance"].rpartition(":")[2]


@pytest.mark.parametrize("kind", sorted({*get_args(NwsFaultKind), "5xx", "html", "429"} - {"moved_cell"}))
def test_fault_strikes_the_city_it_is_ordered_for_and_no_other(client: Client, kind: str) -> None:
    sound = [client.get(path).json() for path in (OTHER_GRID, OTHER_STATION)]
    for path in (GRID, STATION):
        order(client, kind, path)
    assert [client.get(path).json() for path in (OTHER_GRID, OTHER_STATION)] == sound


def test_lagging_edge_serves_a_former_issuance_whole_with_validators_of_its_own(client: Client) -> None:
    sound = client.get(GRID)
    order(client, "stale_edge", GRID)
    stale = client.get(GRID, headers={"If-None-Match": sound.headers["etag"]})
    issued = [datetime.fromisoformat(answer.json()["properties"]["updateTime"]) for answer in (stale, sound)]
    assert stale.status_code == 200
    assert issued[0] < issued[1]
    assert issued[0] <= NOW - timedelta(hours=9)
    assert stale.headers["etag"] != sound.headers["etag"]
    assert client.get(GRID, headers={"If-None-Match": stale.headers["etag"]}).status_code == 304


def test_stale_station_stopped_three_days_ago(client: Client) -> None:
    order(client, "stale_station", STATION)
    newest = records(client.get(STATION).json())[0]
    age = NOW - datetime.fromisoformat(newest["timestamp"])
    assert timedelta(days=3) <= age < timedelta(days=3, hours=1)
    latest = client.get(f"{STATION}/latest").json()["properties"]
    assert latest["timestamp"] == newest["timestamp"]


@pytest.mark.parametrize("rendered", ["forecast", "forecast/hourly"])
def test_old_forecast_was_rendered_just_now(client: Client, rendered: str) -> None:
    order(client, "old_grid", GRID)
    body = client.get(f"{GRID}/{rendered}").json()["properties"]
    assert datetime.fromisoformat(body["generatedAt"]) == NOW
    assert NOW - datetime.fromisoformat(body["updateTime"]) > timedelta(hours=88)


def test_records_are_spoilt_as_they_were_seen(client: Client) -> None:
    sound = records(client.get(STATION).json())
    seen: dict[str, Any] = {}
    for kind in (
        "strings", "old_units", "float_noise", "null_temperature", "missing_property", "no_metar_text",
        "future_records", "out_of_range",
    ):  # fmt: skip
        client.post("/control", json={"do": "clear"})
        order(client, kind, STATION)
        seen[kind] = records(client.get(STATION).json())
    value = sound[0]["temperature"]["value"]
    assert seen["strings"][0]["temperature"]["value"] == str(value)
    assert seen["old_units"][0]["temperature"]["unitCode"] == "unit:degC"
    assert seen["old_units"][0]["temperature"]["qualityControl"] == "qc:V"
    assert 0 < seen["float_noise"][0]["temperature"]["value"] - value < 1e-12
    assert [record["rawMessage"] for record in seen["null_temperature"]] == [r["rawMessage"] for r in sound]
    assert {record["temperature"]["value"] for record in seen["null_temperature"]} == {None}
    assert [set(record) for record in seen["missing_property"]] == [{"@id"}] * len(sound)
    assert {record["rawMessage"] for record in seen["no_metar_text"]} == {""}
    assert all(datetime.fromisoformat(record["timestamp"]) > NOW for record in seen["future_records"])
    assert {record["temperature"]["value"] for record in seen["out_of_range"]} == {148.89}


def test_repeated_records_come_empty_and_then_filled(client: Client) -> None:
    sound = records(client.get(STATION).json())
    order(client, "repeated_records", STATION)
    repeated = records(client.get(STATION).json())
    assert repeated[1::2] == sound
    assert [record["timestamp"] for record in repeated[::2]] == [record["timestamp"] for record in sound]
    assert {record["temperature"]["value"] for record in repeated[::2]} == {None}


def test_grid_is_spoilt_as_it_was_seen(client: Client) -> None:
    sound = client.get(GRID).json()
    seen: dict[str, Any] = {}
    for kind in (
        "missing_property",
        "unknown_unit",
        "fahrenheit",
        "no_offset",
        "local_offset",
        "partial_grid",
    ):
        client.post("/control", json={"do": "clear"})
        order(client, kind, GRID)
        seen[kind] = client.get(GRID).json()
    assert "maxTemperature" not in seen["missing_property"]["properties"]
    assert layer(seen["unknown_unit"])["uom"] == "wmoUnit:K"
    celsius = layer(sound)["values"][0]["value"]
    assert layer(seen["fahrenheit"])["values"][0]["value"] == pytest.approx(celsius * 9 / 5 + 32)
    starts = {
        kind: layer(body)["values"][0]["validTime"].partition("/")[0]
        for kind, body in seen.items()
        if layer_in(body)
    }
    spoken = layer(sound)["values"][0]["validTime"].partition("/")[0]
    assert starts["no_offset"] == spoken.removesuffix("+00:00")
    assert starts["local_offset"].endswith("-07:00")
    assert datetime.fromisoformat(starts["local_offset"]) == datetime.fromisoformat(spoken)
    assert len(layer(seen["partial_grid"], "temperature")["values"]) == 2


def layer_in(body: Any) -> bool:
    return "maxTemperature" in body["properties"]


def test_moved_cell_is_another_one_that_has_no_forecast(client: Client) -> None:
    order(client, "moved_cell", POINT)
    found = client.get(POINT).json()["properties"]
    assert (found["gridId"], found["gridX"], found["gridY"]) == ("LOX", 149, 48)
    assert client.get("/nws/gridpoints/LOX/149,48").status_code == 404


def test_answers_say_when_they_expire(client: Client) -> None:
    headers = client.get(GRID).headers
    assert headers["cache-control"] == "public, max-age=300, s-maxage=300"
    assert headers["expires"].endswith(" GMT")
