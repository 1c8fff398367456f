"""The eight domain models: an example is read, and what is missing, mistyped or without a zone is refused."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from pydantic import AwareDatetime, BaseModel, ValidationError

from markets.domain.types import MarketSnapshot
from milkbot.core.health import HealthStatus
from tests import samples
from trading.domain.types import Fill, Order, Position, RiskEvent, Signal
from weather.domain.types import Observation, WeatherSnapshot

NOON = "2025-05-14T18:00:00Z"
ORDER_ID = "5d8f2f3e-6d0b-5c57-9f5b-0c3a4f1f9c11"

EXAMPLES: dict[type[BaseModel], dict[str, Any]] = {
    WeatherSnapshot: samples.sample_weather_snapshot().model_dump(mode="json"),
    MarketSnapshot: samples.sample_market_snapshot().model_dump(mode="json"),
    Fill: samples.sample_order_fill().model_dump(mode="json"),
    Signal: {
        "market_ticker": samples.MARKET_TICKER,
        "city_code": "CHI",
        "event_date": "2025-05-14",
        "mode": "SHADOW",
        "made_at": NOON,
        "p_yes": 0.52,
        "p_model": 0.58,
        "p_market": 0.47,
        "uncertainty": 0.06,
        "edge": "0.07",
        "decision": "BUY",
        "side": "YES",
        "price": "0.43",
        "codes": ["TRADE"],
        "ensemble": None,
    },
    Order: {
        "client_order_id": ORDER_ID,
        "intent_key": "SHADOW:CHI:KXHIGHCHI-25MAY14-B74.5:bid:ensemble:2025-05-14",
        "mode": "SHADOW",
        "market_ticker": samples.MARKET_TICKER,
        "book_side": "bid",
        "side": "YES",
        "action": "BUY",
        "limit_price": "0.43",
        "count": "10",
        "filled_count": "0",
        "time_in_force": "immediate_or_cancel",
        "post_only": False,
        "state": "NEW",
        "kalshi_order_id": None,
        "reported_count": "0",
        "created_at": NOON,
        "updated_at": NOON,
        "sent_at": None,
        "expires_at": None,
        "version": 0,
    },
    Position: {
        "mode": "SHADOW",
        "market_ticker": samples.MARKET_TICKER,
        "count": "-10",
        "cost": "5.70",
        "realized_pnl": "0",
        "fees": "0.18",
        "opened_at": NOON,
        "settled_at": None,
    },
    RiskEvent: {
        "at": NOON,
        "severity": "WARNING",
        "event_type": "stale_weather",
        "mode": "SHADOW",
        "city_code": "CHI",
        "market_ticker": None,
        "message": "nothing fetched for 16 minutes",
        "payload": {"age_s": 960},
    },
    HealthStatus: {
        "component": "nws_api",
        "last_ok_at": NOON,
        "checked_at": NOON,
        "ok": True,
        "message": "",
    },
}
MODELS = list(EXAMPLES)
MISSING = [
    (model, name) for model in MODELS for name, field in model.model_fields.items() if field.is_required()
]

MISTYPED: list[tuple[type[BaseModel], str, Any]] = [
    (WeatherSnapshot, "city_code", "Chicago"),
    (WeatherSnapshot, "highs", [{"day": "2025-05-14", "high_f": 75.5}]),
    (WeatherSnapshot, "highs", [{"day": "2025-05-14", "high_f": 400}]),
    (
        WeatherSnapshot,
        "observation",
        {"station": "KMDW", "observed_at": NOON, "temp_c": None, "is_metar": True},
    ),
    (WeatherSnapshot, "captured_at", "noon"),
    (MarketSnapshot, "yes_bid", "cheap"),
    (MarketSnapshot, "yes_bid", "0"),
    (MarketSnapshot, "yes_ask", "1"),
    (MarketSnapshot, "yes_ask", "1.2"),
    (MarketSnapshot, "last_price", "NaN"),
    (MarketSnapshot, "last_price", "0.1234567"),
    (MarketSnapshot, "yes_bid", None),
    (MarketSnapshot, "yes_ask_size", None),
    (MarketSnapshot, "yes_bid", "0.43"),
    (MarketSnapshot, "status", "open for business"),
    (MarketSnapshot, "volume", "-1"),
    (Signal, "p_yes", 1.01),
    (Signal, "p_yes", float("nan")),
    (Signal, "decision", "MAYBE"),
    (Signal, "mode", "PAPER"),
    (Signal, "edge", "some"),
    (Order, "client_order_id", "42"),
    (Order, "limit_price", "1"),
    (Order, "count", "0"),
    (Order, "count", "1.005"),
    (Order, "state", "PENDING"),
    (Order, "filled_count", "-1"),
    (Fill, "yes_price", "0"),
    (Fill, "count", "0"),
    (Fill, "fee", None),
    (Fill, "is_taker", "perhaps"),
    (Position, "cost", "-0.01"),
    (Position, "count", "many"),
    (RiskEvent, "severity", "LOUD"),
    (RiskEvent, "payload", "text"),
    (HealthStatus, "component", "toaster"),
    (HealthStatus, "ok", "well"),
]


def _read(model: type[BaseModel], payload: dict[str, Any]) -> BaseModel:
    return model.model_validate_json(json.dumps(payload))


@pytest.mark.story("1.5", 1)
def test_models_are_the_eight_of_the_story() -> None:
    assert {model.__name__ for model in MODELS} == {
        "WeatherSnapshot",
        "MarketSnapshot",
        "Signal",
        "Order",
        "Fill",
        "Position",
        "RiskEvent",
        "HealthStatus",
    }


@pytest.mark.story("1.5", 2)
@pytest.mark.parametrize("model", MODELS)
def test_example_is_read_and_written_unchanged(model: type[BaseModel]) -> None:
    value = _read(model, EXAMPLES[model])
    assert set(EXAMPLES[model]) == set(model.model_fields)
    assert model.model_validate_json(value.model_dump_json()) == value


@pytest.mark.story("1.5", 3)
@pytest.mark.parametrize(("model", "name"), MISSING)
def test_missing_field_is_refused_by_name(model: type[BaseModel], name: str) -> None:
    payload = {key: value for key, value in EXAMPLES[model].items() if key != name}
    with pytest.raises(ValidationError) as caught:
        _read(model, payload)
    assert [(fault["type"], fault["loc"]) for fault in caught.value.errors()] == [("missing", (name,))]


@pytest.mark.story("1.5", 3)
@pytest.mark.parametrize(("model", "name", "value"), MISTYPED)
def test_wrong_value_is_refused(model: type[BaseModel], name: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        _read(model, EXAMPLES[model] | {name: value})


@pytest.mark.parametrize("model", MODELS)
def test_unknown_field_is_refused(model: type[BaseModel]) -> None:
    with pytest.raises(ValidationError, match="surprise"):
        _read(model, EXAMPLES[model] | {"surprise": 1})


@pytest.mark.story("1.5", 4)
@pytest.mark.parametrize("model", MODELS)
def test_value_cannot_be_changed(model: type[BaseModel]) -> None:
    value = _read(model, EXAMPLES[model])
    for name in model.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(value, name, getattr(value, name))


def _holds_datetime(annotation: Any) -> bool:
    return annotation in (datetime, AwareDatetime) or any(map(_holds_datetime, get_args(annotation)))


TIMES = [
    (model, name)
    for model in MODELS
    for name, field in model.model_fields.items()
    if _holds_datetime(field.annotation) or AwareDatetime in field.metadata
]


@pytest.mark.story("1.5", 5)
@pytest.mark.parametrize(("model", "name"), TIMES)
def test_time_without_a_zone_is_refused(model: type[BaseModel], name: str) -> None:
    assert name == "at" or name.endswith("_at")
    with pytest.raises(ValidationError, match="timezone"):
        _read(model, EXAMPLES[model] | {name: "2025-05-14T18:00:00"})


def test_every_field_named_as_a_time_is_one() -> None:
    named = {(m, n) for m in MODELS for n in m.model_fields if n == "at" or n.endswith("_at")}
    assert named == set(TIMES)
    assert len(named) >= 12


def test_weather_ages_are_three_and_count_from_their_own_times() -> None:
    weather = samples.sample_weather_snapshot()
    now = datetime(2025, 5, 14, 15, 45, tzinfo=UTC)
    ages = weather.ages(now)
    assert (ages.fetched_age, ages.observation_age, ages.issuance_age) == (
        timedelta(minutes=15),
        timedelta(minutes=52),
        timedelta(hours=6, minutes=33),
    )
    assert not weather.is_stale(now)
    assert weather.is_stale(now + timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("hours", "warns", "blocks"),
    [(11.9, False, False), (12.1, True, False), (17.9, True, False), (18.1, True, True)],
)
def test_old_issuance_warns_then_blocks(hours: float, warns: bool, blocks: bool) -> None:
    weather = samples.sample_weather_snapshot()
    assert weather.issued_at is not None
    now = weather.issued_at + timedelta(hours=hours)
    assert (weather.issuance_warns(now), weather.issuance_blocks(now)) == (warns, blocks)


def test_missing_issuance_and_observation_are_not_fresh() -> None:
    bare = WeatherSnapshot(city_code="CHI", captured_at=samples.CAPTURED_AT)
    assert bare.issuance_blocks(samples.CAPTURED_AT)
    assert bare.issuance_warns(samples.CAPTURED_AT)
    assert not bare.observation_usable(samples.CAPTURED_AT)
    assert bare.high_on(date(2025, 5, 14)) is None


@pytest.mark.parametrize(("temp_c", "temp_f"), [(0.0, 32), (-40.0, -40), (18.3, 65), (37.8, 100)])
def test_observation_in_fahrenheit_is_rounded_for_display(temp_c: float, temp_f: int) -> None:
    reading = Observation(station="KMDW", observed_at=samples.CAPTURED_AT, temp_c=temp_c, is_metar=True)
    assert reading.temp_f == temp_f


def test_market_without_a_side_has_neither_spread_nor_mid() -> None:
    both = samples.sample_market_snapshot()
    assert (both.spread, both.mid) == (Decimal("0.02"), Decimal("0.42"))
    one = MarketSnapshot.model_validate(both.model_dump() | {"yes_bid": None, "yes_bid_size": None})
    assert (one.spread, one.mid) == (None, None)


def test_position_and_order_tell_what_is_left() -> None:
    position = Position.model_validate(EXAMPLES[Position])
    assert position.is_open
    assert position.at_risk == Decimal("5.70")
    order = Order.model_validate(EXAMPLES[Order] | {"filled_count": "4"})
    assert order.remaining_count == Decimal(6)
