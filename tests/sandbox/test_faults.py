"""Faults over the wire, and the control panel that orders them."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.assembly import sandbox_app
from sandbox.clock import WorldClock
from sandbox.faults import FaultBoard, FaultSpec
from sandbox.recorded import RecordedDay
from sandbox.replay import Replay
from sandbox.stage import Stage
from tests.sandbox.stages import CHICAGO, Client, Wall, client_at, client_of, stage_at

NOW = datetime(2026, 5, 19, 13, tzinfo=UTC)
GRID = "/nws/gridpoints/LOT/72,69"
EVENTS = "/trade-api/v2/events?with_nested_markets=true"
MARKETS = "/trade-api/v2/markets"


@pytest.fixture
def client(invented_day: RecordedDay) -> Client:
    """The sandbox on the morning of the day."""
    return client_at(invented_day, NOW)


def order(client: Client, kind: str, match: str, **more: Any) -> None:
    answer = client.post("/control", json={"do": "fault", "kind": kind, "match": match} | more)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("kind", "path", "status", "content_type", "words"),
    [
        ("5xx", GRID, 500, "application/problem+json", "UnexpectedProblem"),
        ("5xx", MARKETS, 500, "application/json", "internal_server_error"),
        ("503_grid_expired", GRID, 503, "application/problem+json", "ForecastGridExpired"),
        ("html", GRID, 502, "text/html; charset=utf-8", "nginx"),
        ("429", MARKETS, 429, "application/json", '{"error":"too many requests"}'),
        ("429", GRID, 429, "application/problem+json", "Rate Limit"),
    ],
)
def test_fault_replaces_the_answer(
    client: Client, kind: str, path: str, status: int, content_type: str, words: str
) -> None:
    order(client, kind, f"GET {path}")
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, content_type)
    assert words in answer.text


def grid_values(body: Any) -> list[Any]:
    return [entry["value"] for entry in body["properties"]["maxTemperature"]["values"]]


def nested(body: Any) -> list[Any]:
    found: list[Any] = body["events"][0]["markets"]
    return found


SPOILED: list[tuple[str, str, Callable[[Any], bool]]] = [
    ("empty_periods", f"{GRID}/forecast", lambda body: body["properties"]["periods"] == []),
    ("empty_periods", GRID, lambda body: grid_values(body) == []),
    ("null_temperature", GRID, lambda body: set(grid_values(body)) == {None}),
    (
        "null_temperature",
        f"{GRID}/forecast/hourly",
        lambda body: body["properties"]["periods"][0]["temperature"] is None,
    ),
    ("old_grid", GRID, lambda body: body["properties"]["updateTime"] == "2026-05-15T14:00:00+00:00"),
    ("gap_ladder", EVENTS, lambda body: len(nested(body)) == 5),
    ("gap_ladder", MARKETS, lambda body: len(body["markets"]) == 5),
    ("wrong_station", EVENTS, lambda body: "O'Hare" in nested(body)[0]["rules_primary"]),
    (
        "bad_price",
        EVENTS,
        lambda body: [m["yes_bid_dollars"] for m in nested(body)][:3] == ["1.2000", "NaN", None],
    ),
    (
        "bad_price",
        f"{MARKETS}/KXHIGHCHI-26MAY19-T70",
        lambda body: body["market"]["yes_bid_dollars"] == "1.2000",
    ),
    (
        "bad_price",
        f"{MARKETS}/orderbooks?tickers=KXHIGHCHI-26MAY19-T70",
        lambda body: body["orderbooks"][0]["orderbook_fp"]["yes_dollars"] == [["1.2000", "10.00"]],
    ),
]


@pytest.mark.parametrize(("kind", "path", "is_spoiled"), SPOILED)
def test_fault_spoils_the_body_under_http_200(
    client: Client, kind: str, path: str, is_spoiled: Callable[[Any], bool]
) -> None:
    sound = client.get(path)
    assert not is_spoiled(sound.json())
    order(client, kind, f"GET {path.partition('?')[0]}")
    spoiled = client.get(path, headers={"If-None-Match": sound.headers.get("etag", "")})
    assert spoiled.status_code == 200
    assert is_spoiled(spoiled.json())
    client.post("/control", json={"do": "clear"})
    assert client.get(path).content == sound.content


def test_wrong_station_changes_the_report_code_of_the_newer_rules(invented_day: RecordedDay) -> None:
    client = client_at(invented_day.moved(180), NOW + timedelta(days=180))
    assert "(CLIMDW)" in client.get(EVENTS).json()["events"][0]["markets"][0]["rules_primary"]
    order(client, "wrong_station", "GET /trade-api/v2/events")
    assert "(CLIORD)" in client.get(EVENTS).json()["events"][0]["markets"][0]["rules_primary"]


def test_delay_waits_and_then_answers(client: Client) -> None:
    order(client, "delay", f"GET {GRID}", seconds=0.05)
    started = time.monotonic()
    assert client.get(GRID).status_code == 200
    assert time.monotonic() - started >= 0.05


@pytest.mark.parametrize("kind", ["reset", "truncated"])
def test_cut_connection_without_a_server_is_an_error_here(client: Client, kind: str) -> None:
    order(client, kind, f"GET {GRID}")
    with pytest.raises(ConnectionResetError):
        client.get(GRID)


def test_fault_strikes_its_count_and_only_what_it_matches(client: Client) -> None:
    order(client, "5xx", "GET /nws/gridpoints", count=2)
    assert client.get("/nws/stations/KMDW").status_code == 200
    assert [client.get(GRID).status_code for _ in range(4)] == [500, 500, 200, 200]
    assert client.get("/control").json()["faults"] == []


def test_clear_lifts_one_match_or_all(client: Client) -> None:
    order(client, "5xx", "GET /nws/gridpoints")
    order(client, "html", "GET /trade-api")
    client.post("/control", json={"do": "clear", "match": "GET /nws/gridpoints"})
    assert (client.get(GRID).status_code, client.get(MARKETS).status_code) == (200, 502)
    client.post("/control", json={"do": "clear"})
    assert client.get(MARKETS).status_code == 200


def test_control_panel_is_never_faulty(client: Client) -> None:
    order(client, "5xx", "GET /")
    assert client.get(GRID).status_code == 500
    assert client.get("/healthz").json()["status"] == "ok"
    assert client.get("/control").json()["faults"][0]["struck"] == 1


@given(seed=st.integers(), rate=st.floats(0.05, 1.0))
def test_faults_of_one_seed_strike_the_same_requests(seed: int, rate: float) -> None:
    spec = FaultSpec(match="GET /nws", kind="5xx", rate=rate, seed=seed)
    first, second = FaultBoard(), FaultBoard()
    first.add(spec)
    second.add(spec)
    assert [first.striking("GET", "/nws/x") for _ in range(50)] == [
        second.striking("GET", "/nws/x") for _ in range(50)
    ]


@pytest.mark.parametrize(
    ("order_body", "reason"),
    [
        ({"do": "explode"}, "do must be one of"),
        ({}, "do must be one of"),
        ([], "do must be one of"),
        ({"do": ["fault"]}, "do must be one of"),
        ({"do": "fault", "match": "GET /nws", "kind": "meteor"}, "kind"),
        ({"do": "fault", "match": "/nws", "kind": "5xx"}, "match must look like"),
        ({"do": "fault", "match": "GET /nws", "kind": "5xx", "rate": 0}, "rate"),
        ({"do": "fault", "match": "GET /nws", "kind": "5xx", "often": True}, "often"),
        ({"do": "freeze", "ticker": "A"}, "ticker"),
        ({"do": "clock", "speed": -1}, "speed"),
        ({"do": "clock", "to": "2026-05-19T12:00:00Z"}, "cannot go back"),
        ({"do": "clock", "to": "2026-05-19T12:00:00"}, "to:"),
        ({"do": "clock", "to": "2027-05-19T12:00:00Z"}, "cannot pass the wall clock"),
    ],
)
def test_order_that_makes_no_sense_is_refused_with_its_reason(
    client: Client, order_body: Any, reason: str
) -> None:
    answer = client.post("/control", json=order_body)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]


def test_order_that_is_not_json_is_refused(client: Client) -> None:
    assert client.post("/control", content=b"{").json() == {"error": "the body is not JSON"}


def test_clock_order_changes_speed_and_jumps_forward_and_publishes(invented_day: RecordedDay) -> None:
    wall = Wall(NOW + timedelta(days=10))
    published = []
    replay = Replay(invented_day, CHICAGO, Decimal(10))
    stage = Stage(replay, replay, WorldClock(wall.now, NOW, 60.0), wall)
    client = Client(sandbox_app(stage, (), lambda: published.append(stage.clock)))
    assert client.post("/control", json={"do": "clock"}).json()["world_now"] == NOW.isoformat()
    assert published == []
    target = NOW + timedelta(hours=3)
    state = client.post("/control", json={"do": "clock", "to": target.isoformat(), "speed": 600}).json()
    assert (state["world_now"], state["clock"]["speed"]) == (target.isoformat(), 600.0)
    assert published == [stage.clock]


def test_state_names_what_is_frozen(invented_day: RecordedDay) -> None:
    client = client_of(stage_at(invented_day, NOW))
    assert client.get("/control").json()["frozen_at"] is None
    client.post("/control", json={"do": "freeze"})
    assert client.get("/control").json()["frozen_at"] == NOW.isoformat()
