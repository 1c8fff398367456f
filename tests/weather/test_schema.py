"""Story 2.3, the weather's half: tables, indexes, JSONB, and their agreement with the domain types."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from tests.weather.bodies import DAY, NOON
from weather.domain.types import CliReport, Observation, Outlook, WeatherSnapshot
from weather.models import ClimateReportRow, ForecastRow, ObservationRow, WeatherSnapshotRow

pytestmark = pytest.mark.django_db
TABLES = [WeatherSnapshotRow, ObservationRow, ForecastRow, ClimateReportRow]


def columns(table: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'ops' AND table_name = %s",
            [table],
        )
        return dict(cursor.fetchall())


@pytest.mark.story("2.3", 1)
def test_weather_snapshots_when_migrated_then_city_and_capture_time_are_indexed() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'ops' AND tablename = 'weather_snapshots'"
        )
        definitions = [row[0] for row in cursor.fetchall()]
    assert any("(city_code, captured_at DESC)" in definition for definition in definitions)


@pytest.mark.story("2.3", 2)
def test_weather_snapshots_when_migrated_then_the_raw_payload_is_jsonb() -> None:
    assert columns("weather_snapshots")["raw"] == "jsonb"


@pytest.mark.story("2.3", 3)
def test_weather_snapshot_row_when_inserted_then_it_is_found_again_also_by_its_json() -> None:
    row = WeatherSnapshotRow.objects.create(
        city_code="CHI", captured_at=NOON, last_seen_at=NOON, highs=[], raw={"grid": {"gridId": "LOT"}}
    )
    assert WeatherSnapshotRow.objects.get(raw__grid__gridId="LOT").pk == row.pk


@pytest.mark.story("2.3", 4)
@pytest.mark.parametrize("model", TABLES)
def test_weather_tables_when_migrated_then_they_point_at_nothing_because_cities_are_configuration(
    model: type[Model],
) -> None:
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, model._meta.db_table)
    assert not [name for name, constraint in constraints.items() if constraint["foreign_key"]]


@pytest.mark.story("2.3", 5)
@pytest.mark.parametrize(
    ("table", "domain", "renamed"),
    [
        (
            "weather_snapshots",
            WeatherSnapshot,
            {"observation": {"station", "observed_at", "observed_temp_c", "observed_is_metar"}},
        ),
        ("observations", Observation, {}),
        ("forecasts", Outlook, {}),
        ("climate_reports", CliReport, {}),
    ],
)
def test_weather_tables_when_compared_with_their_domain_type_then_every_field_has_its_columns(
    table: str, domain: type[WeatherSnapshot], renamed: dict[str, set[str]]
) -> None:
    wanted = set[str]().union(*(renamed.get(field, {field}) for field in domain.model_fields))
    assert wanted <= set(columns(table))


@pytest.mark.parametrize(
    "bad",
    [
        {"last_seen_at": NOON - timedelta(seconds=1)},
        {"observed_at": NOON},
        {"observed_at": NOON, "observed_is_metar": True, "observed_temp_c": 148.89},
    ],
)
def test_weather_snapshots_when_a_row_contradicts_itself_then_the_database_refuses_it(
    bad: dict[str, object],
) -> None:
    values: dict[str, object] = {"city_code": "CHI", "captured_at": NOON, "last_seen_at": NOON} | bad
    with pytest.raises(IntegrityError), transaction.atomic():
        WeatherSnapshotRow.objects.create(**values)


def test_forecasts_when_a_sigma_is_not_positive_then_the_database_refuses_it() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ForecastRow.objects.create(
            city_code="CHI", event_date=DAY, made_at=NOON, issued_at=NOON, source="t", kind="whole_day",
            forecast_high_f=80, mu=80, sigma=0, mu_se=0, ln_sigma_se=0, lead_hours=1, model_version="t",
        )  # fmt: skip
