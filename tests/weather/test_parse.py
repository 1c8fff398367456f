"""Reading api.weather.gov bodies, whole and broken."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core.errors import Malformed
from tests.weather.bodies import CHI, DAY, NOON, feature, grid_body, observations_body, points_body
from weather.clients.nws import parse
from weather.domain.day_high import day_highs

METAR = "KMDW 141753Z 20010KT 10SM CLR 22/12 A2990 RMK AO2 SLP120 T02170117"
AT = datetime(2025, 5, 14, 17, 53, tzinfo=UTC)


def read(recorded: Path, name: str) -> Any:
    return json.loads((recorded / "nws-api" / name).read_text(encoding="utf-8"))


def one(body: dict[str, Any]) -> tuple[float, bool]:
    (reading,) = parse.parse_observations(body).readings
    return reading.temp_c, reading.is_metar


def test_parse_points_when_whole_then_the_cell_is_read() -> None:
    assert parse.parse_points(points_body()).model_dump() == {"office": "LOT", "x": 72, "y": 69}


@pytest.mark.parametrize(
    "change",
    [{"gridId": None}, {"gridId": "lot"}, {"gridX": "x"}, {"gridX": 1.5}, {"gridY": -3}, {"gridX": True}],
)
def test_parse_points_when_a_field_is_wrong_then_it_is_refused(change: dict[str, Any]) -> None:
    body = points_body()
    body["properties"] |= change
    with pytest.raises(Malformed, match="points"):
        parse.parse_points(body)


def test_parse_grid_when_whole_then_issue_time_and_layers_are_read() -> None:
    grid = parse.parse_grid(grid_body(hourly=[(NOON, "PT2H", 78)]))
    assert grid.issued_at == NOON - timedelta(hours=2)
    assert [high.high_f for high in day_highs(grid, CHI.std_offset_hours)] == [80, 75]
    assert grid.temperature[0].ends_at - grid.temperature[0].starts_at == timedelta(hours=2)


def _spoil(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def spoil(properties: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        target: Any = properties
        for name in parents:
            target = target[int(name)] if name.isdigit() else target[name]
        target[last] = value

    return spoil


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("updateTime", None),
        ("updateTime", "yesterday"),
        ("updateTime", "2025-05-14T16:00:00"),
        ("updateTime", "0001-01-01T00:00:00+14:00"),
        ("maxTemperature", None),
        ("maxTemperature", "80"),
        ("maxTemperature.values", {}),
        ("maxTemperature.values", ["80"]),
        ("maxTemperature.uom", "wmoUnit:K"),
        ("maxTemperature.uom", None),
        ("maxTemperature.values.0.value", 148.9),
        ("maxTemperature.values.0.value", "warm"),
        ("maxTemperature.values.0.value", float("nan")),
        ("maxTemperature.values.0.value", 10**400),
        ("maxTemperature.values.0.value", True),
        ("maxTemperature.values.0.validTime", "2025-05-14T13:00:00+00:00"),
        ("maxTemperature.values.0.validTime", "2025-05-14T13:00:00+00:00/PT0H"),
        ("maxTemperature.values.0.validTime", "2025-05-14T13:00:00+00:00/P900D"),
        ("maxTemperature.values.0.validTime", "9999-12-31T23:00:00+00:00/P2D"),
        ("maxTemperature.values.0.validTime", None),
        ("gridId", None),
    ],
)
def test_parse_grid_when_one_value_is_broken_then_nothing_of_it_is_used(path: str, value: Any) -> None:
    body = grid_body()
    _spoil(path, value)(body["properties"])
    with pytest.raises(Malformed, match="grid"):
        parse.parse_grid(body)


def test_parse_grid_when_all_values_are_null_or_gone_then_it_forecasts_nothing() -> None:
    nulls, empty = grid_body(), grid_body()
    for value in nulls["properties"]["maxTemperature"]["values"]:
        value["value"] = None
    empty["properties"]["maxTemperature"]["values"] = []
    assert parse.parse_grid(nulls).max_temperature == parse.parse_grid(empty).max_temperature == ()


def test_parse_observations_when_metar_tenths_agree_then_they_back_the_reading() -> None:
    assert one(observations_body(feature(AT, 21.7, metar=METAR))) == (21.7, True)


def test_parse_observations_when_null_but_the_metar_has_it_then_the_metar_fills_it() -> None:
    assert one(observations_body(feature(AT, None, qc="Z", metar=METAR))) == (21.7, True)


@pytest.mark.parametrize(
    ("observed_at", "metar"),
    [
        (AT, ""),  # a five-minute record
        (AT, METAR.replace("T02170117", "T02560117")),  # contradicts the checked value
        (AT - timedelta(minutes=5), METAR),  # attached to another record's time
        (AT, METAR.replace("KMDW", "KORD")),
    ],
)
def test_parse_observations_when_no_metar_backs_the_value_then_it_is_a_five_minute_reading(
    observed_at: datetime, metar: str
) -> None:
    assert one(observations_body(feature(observed_at, 22, metar=metar))) == (22.0, False)


@pytest.mark.parametrize(
    ("value", "unit", "temp_c"),
    [("10", "unit:degC", 10.0), (50, "wmoUnit:degF", 10.0), (-3.2999999999999545, "wmoUnit:degC", -3.3)],
)
def test_parse_observations_when_written_otherwise_then_the_value_is_understood(
    value: Any, unit: str, temp_c: float
) -> None:
    assert one(observations_body(feature(value=value, unit=unit)))[0] == temp_c


@pytest.mark.parametrize("qc", ["V", "S", "C", "Z", "qc:V", None])
def test_parse_observations_when_the_quality_flag_allows_then_the_reading_is_used(qc: str | None) -> None:
    assert one(observations_body(feature(value=21, qc=qc))) == (21.0, False)


@pytest.mark.parametrize("qc", ["X", "Q", "B", "qc:X", "T", "?"])
def test_parse_observations_when_the_quality_flag_rejects_then_the_reading_is_left_out_with_its_reason(
    qc: str,
) -> None:
    parsed = parse.parse_observations(observations_body(feature(AT, 21.7, qc=qc, metar=METAR)))
    assert parsed.readings == ()
    assert "quality flag" in parsed.refused[0]


@pytest.mark.parametrize("bad", [148.89, -100, None, "warm", float("inf"), [], {}, True])
def test_parse_observations_when_one_value_is_unusable_then_only_that_reading_goes(bad: Any) -> None:
    parsed = parse.parse_observations(
        observations_body(feature(value=bad), feature(AT - timedelta(hours=1), 20))
    )
    assert [reading.temp_c for reading in parsed.readings] == [20.0]
    assert len(parsed.refused) == 1


def test_parse_observations_when_unsorted_and_repeated_then_newest_first_and_the_filled_copy_stays() -> None:
    parsed = parse.parse_observations(
        observations_body(
            feature(AT - timedelta(hours=1), 20),
            feature(AT, 21.7, metar=METAR),
            feature(AT, 22),
            feature(AT - timedelta(minutes=30), 21),
        )
    )
    assert [(reading.temp_c, reading.is_metar) for reading in parsed.readings] == [
        (21.7, True),
        (21.0, False),
        (20.0, False),
    ]


@pytest.mark.parametrize("body", [{}, {"features": None}, {"features": {}}, {"features": [1]}])
def test_parse_observations_when_the_list_itself_is_wrong_then_it_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="observations"):
        parse.parse_observations(body)


def _forecast(*periods: dict[str, Any]) -> dict[str, Any]:
    return {"properties": {"updateTime": NOON.isoformat(), "periods": list(periods)}}


def _period(temperature: Any = 80, unit: Any = "F", **changes: Any) -> dict[str, Any]:
    return {
        "startTime": NOON.isoformat(), "isDaytime": True, "temperature": temperature, "temperatureUnit": unit,
        "name": "Today", "shortForecast": "Sunny",
    } | changes  # fmt: skip


@pytest.mark.parametrize(
    ("temperature", "unit"),
    [(80, "F"), ("80", "F"), (26.7, "C"), ({"unitCode": "wmoUnit:degC", "value": 26.67}, None)],
)
def test_parse_forecast_when_the_temperature_is_written_otherwise_then_it_is_the_same_degree(
    temperature: Any, unit: Any
) -> None:
    (period,) = parse.parse_forecast(_forecast(_period(temperature, unit))).periods
    assert (period.temp_f, period.name, period.conditions, period.is_daytime) == (80, "Today", "Sunny", True)


def test_parse_forecast_when_periods_are_empty_or_null_then_it_is_empty_with_reasons() -> None:
    assert parse.parse_forecast(_forecast()).periods == ()
    nulls = parse.parse_forecast(
        _forecast(_period(None), _period(isDaytime=None), _period(999), _period(startTime=None))
    )
    assert nulls.periods == ()
    assert len(nulls.refused) == 4


def test_parse_hourly_when_out_of_order_then_periods_are_in_time_order() -> None:
    later = (NOON + timedelta(hours=1)).isoformat()
    forecast = parse.parse_hourly(_forecast(_period(81, startTime=later), _period(80)))
    assert [period.temp_f for period in forecast.periods] == [80, 81]


@pytest.mark.parametrize("text", ["", "  \n", "a\x00b", "\ud800", None, 5])
def test_parse_product_when_the_text_cannot_be_kept_then_it_is_refused(text: Any) -> None:
    with pytest.raises(Malformed):
        parse.parse_product({"productText": text})


@pytest.mark.parametrize(
    "entry", [{"id": "../../stations", "issuanceTime": NOON.isoformat()}, {"id": "x" * 36}]
)
def test_parse_product_list_when_an_id_is_no_uuid_then_it_is_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse.parse_product_list({"@graph": [entry]})


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PLACES = st.sampled_from(
    ["gridId", "gridX", "updateTime", "maxTemperature", "maxTemperature.values", "maxTemperature.uom",
     "maxTemperature.values.0.value", "maxTemperature.values.0.validTime", "temperature"]
)  # fmt: skip


@given(PLACES, JUNK)
def test_parse_grid_when_any_field_holds_any_json_then_it_parses_or_refuses(place: str, junk: Any) -> None:
    body = grid_body()
    _spoil(place, junk)(body["properties"])
    try:
        grid = parse.parse_grid(body)
    except Malformed:
        return
    day_highs(grid, CHI.std_offset_hours)


@given(
    st.sampled_from(
        [
            "station",
            "timestamp",
            "rawMessage",
            "temperature",
            "temperature.value",
            "temperature.unitCode",
            "temperature.qualityControl",
        ]
    ),
    JUNK,
)
def test_parse_observations_when_any_field_holds_any_json_then_it_parses_or_refuses(
    place: str, junk: Any
) -> None:
    spoilt = deepcopy(feature(AT, 21.7, metar=METAR))
    _spoil(place, junk)(spoilt["properties"])
    parsed = parse.parse_observations(observations_body(spoilt))
    assert len(parsed.readings) + len(parsed.refused) == 1


def _reader_of(name: str) -> Callable[[Any], object] | None:
    if "/points/" in name or name.endswith("points.json"):
        return parse.parse_points
    if "observations" in name:
        return parse.parse_observations
    if "products/types" in name:
        return parse.parse_product_list
    if "products/" in name:
        return parse.parse_product
    if "hourly" in name:
        return parse.parse_hourly
    if "detailed" in name or ("gridpoints/" in name and "forecast" not in name and "stations" not in name):
        return parse.parse_grid
    return parse.parse_forecast if "forecast" in name else None


def test_parse_when_all_recorded_bodies_then_only_the_two_fault_bodies_are_refused(
    recorded_weather: Path,
) -> None:
    root = recorded_weather / "nws-api"
    refused, read_bodies = set(), 0
    for file in sorted(root.rglob("*.json")):
        name = str(file.relative_to(root))
        reader = _reader_of(name)
        if reader is None:
            continue
        read_bodies += 1
        try:
            reader(json.loads(file.read_text(encoding="utf-8")))
        except Malformed:
            refused.add(name)
    assert read_bodies > 65
    # Both were recorded to be served with HTTP 503: their bodies lack what the endpoint promises.
    assert refused == {
        "weather.gov/testing/points/47.212,-123.107.json",
        "weather.gov/testing/stations/PAFA/observations__limit=1.json",
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stations_observations_metar", [(25.6, True)]),
        ("stations_observations_metar_noparse", []),
        ("stations_observations_strings", [(10.0, False)]),
        ("stations_observations_other_unitcode", [(10.0, False)]),
        ("stations_observations_alternate_units", [(-12.22, False)]),
        ("stations_observations_multiple_unsorted", [(10.0, False)]),
        ("stations_observations_latest", [(22.8, True)]),
        ("stations_observations_empty", []),
        ("stations_observations_noprop", []),
        ("stations_observations_missing_value", []),
    ],
)
def test_parse_observations_when_recorded_hardening_cases_then_they_say_this(
    name: str, expected: list[tuple[float, bool]], recorded_weather: Path
) -> None:
    parsed = parse.parse_observations(read(recorded_weather, f"pynws/{name}.json"))
    assert [(reading.temp_c, reading.is_metar) for reading in parsed.readings] == expected


def test_parse_observations_when_a_recorded_value_is_148_9_c_then_it_is_refused(
    recorded_weather: Path,
) -> None:
    parsed = parse.parse_observations(
        read(recorded_weather, "weather.gov/load-testing-ioc/stations/KSTP/observations__limit=1.json")
    )
    assert parsed.readings == ()
    assert "148.89" in parsed.refused[0]


@pytest.mark.parametrize(
    ("name", "offset", "first"),
    [
        ("pynws/detailed_forecast.json", -5, ("2022-02-03", 76)),  # cut to PT4H
        (
            "weather.gov/e2e/gridpoints/MTR/90,105.json",
            -8,
            ("2026-08-20", 61),
        ),  # cut to PT2H: still the day before
        ("weather.gov/air-quality-alerts/gridpoints/BOX/70,82.json", -5, ("2026-08-21", 87)),
        ("weather.gov/testing/gridpoints/LWX/95,71.json", -5, ("2026-08-22", 62)),  # next entry PT72H
    ],
)
def test_day_highs_when_recorded_grids_then_the_first_day_is_right(
    name: str, offset: int, first: tuple[str, int], recorded_weather: Path
) -> None:
    highs = day_highs(parse.parse_grid(read(recorded_weather, name)), offset)
    assert (highs[0].day.isoformat(), highs[0].high_f) == first
    assert [high.day for high in highs] == sorted({high.day for high in highs})
    assert DAY not in {high.day for high in highs}


@pytest.mark.parametrize(
    ("value", "metar", "expected"),
    [
        (22.8, "KMDW 141753Z 02004KT RMK AO2 T02280183 10244 20228", (24.4, None)),
        (22.8, "KMDW 141753Z 02004KT RMK AO2 T02280183 402560161", (None, 25.6)),
        (22.8, "KMDW 141753Z 02004KT RMK AO2 T02280183 10211", (None, None)),  # below its own end
        (
            25.0,
            "KMDW 141753Z 02004KT RMK AO2 T02280183 10244",
            (None, None),
        ),  # not the value that was checked
    ],
)
def test_parse_observations_when_a_metar_names_maxima_then_they_come_with_the_reading(
    value: float, metar: str, expected: tuple[float | None, float | None]
) -> None:
    body = observations_body(feature(NOON - timedelta(minutes=7), value, metar=metar))
    (reading,) = parse.parse_observations(body).readings
    assert (reading.six_hour_max_c, reading.day_max_c) == expected
