"""What the tables look like: schemas, columns, indexes, references, and how they match the domain models."""

from datetime import timedelta
from decimal import Decimal
from enum import EnumType, StrEnum
from typing import Any, get_args

import pytest
from django.db import connection, models
from django.db.models import Model
from pydantic import BaseModel

from markets.domain.types import MarketSnapshot
from markets.models import EventRow, MarketRow, MarketSnapshotRow
from milkbot.core.health import HealthStatus
from milkbot.models import HealthStatusRow
from tests import samples
from tests.factories import NOON, store
from tests.models.tables import OUR_APPS, our_models, our_views
from trading.domain.types import Fill, Intent, Order, Position, RiskEvent, Signal
from trading.models import FillRow, IntentRow, OrderRow, PositionRow, RiskEventRow, SignalRow
from weather.domain.types import Outlook, WeatherSnapshot
from weather.models import ForecastRow, WeatherSnapshotRow

pytestmark = pytest.mark.django_db

# Domain field -> column, where the names differ. Several columns: the field is spread over them.
# None: not a column; the reason stands beside it.
RENAMED: dict[type[BaseModel], tuple[type[Model], dict[str, tuple[str, ...] | None]]] = {
    WeatherSnapshot: (
        WeatherSnapshotRow,
        {"observation": ("station", "observed_at", "observed_temp_c", "observed_is_metar")},
    ),
    Outlook: (ForecastRow, {}),
    MarketSnapshot: (
        MarketSnapshotRow,
        {"ticker": ("market",), "event_ticker": None},  # the market's event
    ),
    Signal: (
        SignalRow,
        {
            "market_ticker": ("market",),
            "side": None,  # told by the intent; a signal that was not traded has no side
            "price": None,  # the market snapshot of that instant
        },
    ),
    Intent: (IntentRow, {"market_ticker": ("market",), "event_ticker": None}),  # the market's event
    Order: (OrderRow, {"market_ticker": ("market",), "intent_key": ("intent",)}),
    Fill: (FillRow, {"market_ticker": ("market",), "client_order_id": ("order",)}),
    Position: (PositionRow, {"market_ticker": ("market",)}),
    RiskEvent: (RiskEventRow, {}),
    HealthStatus: (HealthStatusRow, {}),
}
# Never absent in a stored row: a position is stored when it opens.
KNOWN_ONCE_STORED = {("positions", "opened_at")}
PAIRS = [(domain, row, renamed) for domain, (row, renamed) in RENAMED.items()]


def _column_type(table: str, column: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, data_type FROM information_schema.columns"
            " WHERE table_name = %s AND column_name = %s",
            [table, column],
        )
        ((schema, data_type),) = cursor.fetchall()
    return f"{schema} {data_type}"


def _may_be_none(field: Any) -> bool:
    return type(None) in get_args(field.annotation)


def _mapped(
    domain: type[BaseModel], row: type[Model], renamed: dict[str, tuple[str, ...] | None]
) -> list[tuple[str, Any, list["models.Field[Any, Any]"]]]:
    found = []
    for name, field in domain.model_fields.items():
        columns = renamed.get(name, (name,))
        if columns is not None:
            found.append((name, field, [row._meta.get_field(column) for column in columns]))
    return found  # type: ignore[return-value]


@pytest.mark.parametrize("model", our_models() + our_views(), ids=lambda model: model.__name__)
def test_relation_lies_in_its_schema(model: type[Model]) -> None:
    schema = "analytics" if model._meta.app_label == "analytics" else "ops"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema FROM information_schema.tables WHERE table_name = %s", [model._meta.db_table]
        )
        assert cursor.fetchall() == [(schema,)]


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model.__name__)
def test_foreign_keys_point_only_down(model: type[Model]) -> None:
    rank = OUR_APPS.index(model._meta.app_label)
    for field in model._meta.local_fields:
        target = field.related_model
        if isinstance(target, type) and issubclass(target, Model):
            if target._meta.app_label == "auth":  # the framework's own ground floor
                continue
            lower = OUR_APPS.index(target._meta.app_label)
            assert lower <= rank, f"{model.__name__}.{field.name}"
            assert {model._meta.app_label, target._meta.app_label} != {"weather", "markets"}
            assert model._meta.app_label != "analytics", "analytics uses natural keys"
            assert field.remote_field.on_delete is models.PROTECT  # type: ignore[union-attr]


@pytest.mark.story("2.3", 1)
@pytest.mark.parametrize("table", ["weather_snapshots", "market_snapshots"])
def test_snapshots_are_indexed_by_city_and_time(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE schemaname = 'ops' AND tablename = %s", [table])
        definitions = [definition for (definition,) in cursor.fetchall()]
    assert any("(city_code, captured_at DESC)" in definition for definition in definitions)


@pytest.mark.story("2.3", 2)
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("weather_snapshots", "raw"),
        ("weather_snapshots", "highs"),
        ("market_snapshots", "raw"),
        ("signals", "codes"),
        ("order_events", "payload"),
        ("risk_events", "payload"),
    ],
)
def test_payload_is_kept_as_jsonb(table: str, column: str) -> None:
    assert _column_type(table, column) == "ops jsonb"


@pytest.mark.story("2.3", 3)
def test_snapshots_come_back_as_they_went_in() -> None:
    weather = store(WeatherSnapshotRow)
    store(WeatherSnapshotRow, captured_at=NOON + timedelta(hours=1), last_seen_at=NOON + timedelta(hours=1))
    market = store(MarketSnapshotRow)
    read_weather = WeatherSnapshotRow.objects.get(city_code="CHI", captured_at=NOON)
    assert read_weather.highs == [{"day": "2025-05-14", "high_f": 75}]
    assert read_weather.raw == weather.raw
    assert (read_weather.observed_temp_c, read_weather.captured_at) == (22.2, NOON)
    read_market = MarketSnapshotRow.objects.get(market=market.market)
    assert (read_market.yes_bid, read_market.yes_ask_size) == (Decimal("0.41"), Decimal(75))
    assert read_market.raw == market.raw
    assert read_market.captured_at.utcoffset() == timedelta(0)


@pytest.mark.story("2.3", 4)
def test_snapshot_belongs_to_a_market_and_a_market_to_an_event() -> None:
    snapshot = store(MarketSnapshotRow)
    with pytest.raises(models.ProtectedError):
        snapshot.market.delete()
    with pytest.raises(models.ProtectedError):
        snapshot.market.event.delete()
    assert _references("market_snapshots") == {"market_id": "markets"}
    assert _references("markets") == {"event_id": "events"}


def _references(table: str) -> dict[str, str]:
    """Column -> table of every foreign key the database itself holds."""
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, table)
    return {
        found["columns"][0]: found["foreign_key"][0] for found in constraints.values() if found["foreign_key"]
    }


@pytest.mark.story("2.4", 3)
def test_trading_tables_reference_what_they_come_from() -> None:
    assert _references("fills") == {"order_id": "orders", "market_id": "markets"}
    assert _references("orders") == {"intent_id": "intents", "market_id": "markets"}
    assert _references("order_events") == {"order_id": "orders"}
    assert _references("positions") == {"market_id": "markets"}


@pytest.mark.story("2.3", 5)
@pytest.mark.parametrize(("domain", "row", "renamed"), PAIRS)
def test_every_domain_field_has_its_column(
    domain: type[BaseModel], row: type[Model], renamed: dict[str, tuple[str, ...] | None]
) -> None:
    assert set(renamed) <= set(domain.model_fields)
    for _, field, columns in _mapped(domain, row, renamed):
        for column in columns:
            # A field that may be None needs a column that can say so: NULL, or "" in a text column.
            is_empty_text = isinstance(column, models.CharField | models.TextField) and column.blank
            if (row._meta.db_table, column.name) not in KNOWN_ONCE_STORED:
                assert column.null or is_empty_text or not _may_be_none(field), column.name


SAME_TYPE: dict[type[Any], type[Any]] = {
    bool: models.BooleanField,
    int: models.IntegerField,
    float: models.FloatField,
    Decimal: models.DecimalField,
}


@pytest.mark.story("2.3", 5)
@pytest.mark.parametrize(("domain", "row", "renamed"), PAIRS)
def test_every_column_is_wide_enough_and_of_the_fields_type(
    domain: type[BaseModel], row: type[Model], renamed: dict[str, tuple[str, ...] | None]
) -> None:
    for name, field, columns in _mapped(domain, row, renamed):
        plain = next(
            (kind for kind in get_args(field.annotation) or (field.annotation,) if kind in SAME_TYPE), None
        )
        if plain is None or len(columns) > 1:
            continue
        (column,) = columns
        assert isinstance(column, SAME_TYPE[plain]), name
        for limit in field.metadata:
            if isinstance(column, models.DecimalField) and getattr(limit, "max_digits", None):
                assert column.decimal_places >= limit.decimal_places, name
                assert (
                    column.max_digits - column.decimal_places >= limit.max_digits - limit.decimal_places
                ), name


@pytest.mark.parametrize(("domain", "row", "renamed"), PAIRS)
def test_every_enum_value_fits_its_column(
    domain: type[BaseModel], row: type[Model], renamed: dict[str, tuple[str, ...] | None]
) -> None:
    for name, field, columns in _mapped(domain, row, renamed):
        for kind in get_args(field.annotation) or (field.annotation,):
            if isinstance(kind, EnumType) and issubclass(kind, StrEnum):
                (column,) = columns
                assert isinstance(column, models.CharField)
                assert column.max_length is not None
                assert max(len(member.value) for member in kind) <= column.max_length, name


def test_sample_market_snapshot_fits_its_row() -> None:
    sample = samples.sample_market_snapshot()
    event = store(EventRow, event_ticker=sample.event_ticker)
    market = store(MarketRow, event=event, ticker=sample.ticker)
    columns = sample.model_dump(exclude={"ticker", "event_ticker"})
    row = MarketSnapshotRow.objects.create(
        market=market, city_code="CHI", last_seen_at=sample.captured_at, **columns
    )
    row.refresh_from_db()
    read = MarketSnapshot(
        ticker=row.market.ticker,
        event_ticker=row.market.event.event_ticker,
        **{name: getattr(row, name) for name in columns},
    )
    assert read == sample
