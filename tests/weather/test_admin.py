"""The weather in the operator's console: visible, never editable."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.factories import CalibrationFactory
from tests.weather.bodies import CHI, DAY, NOON, city_weather, reading, snapshot
from tests.weather.test_cli_report import FINAL
from weather.domain.cli_report import parse_cli
from weather.domain.outlook import make_outlook
from weather.domain.types import CliProduct
from weather.models import CalibrationRow, ClimateReportRow, ForecastRow, ObservationRow, WeatherSnapshotRow
from weather.repositories import WeatherRepository

pytestmark = pytest.mark.django_db
MODELS = [WeatherSnapshotRow, ObservationRow, ForecastRow, ClimateReportRow]


@pytest.fixture
def console(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture(name="client")
def _django_client() -> Client:
    return Client()


@pytest.fixture
def _history() -> None:
    repository = WeatherRepository()
    repository.save_snapshots([city_weather(code) for code in ("CHI", "NYC", "MIA")])
    repository.save_observations({"CHI": [reading()]}, NOON)
    outlook = make_outlook(CHI, snapshot(), DAY, NOON)
    assert outlook is not None
    repository.save_outlooks([outlook])
    repository.save_climate_report("CHI", CliProduct(report=parse_cli(FINAL), text=FINAL), NOON)


def page(model: type[Model], name: str, *args: object) -> str:
    return reverse(f"admin:weather_{model._meta.model_name}_{name}", args=args)


@pytest.mark.usefixtures("_history")
@pytest.mark.parametrize("model", MODELS)
def test_console_when_listing_then_rows_show_in_few_statements(model: type[Model], console: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        response = console.get(page(model, "changelist"), {"city": "CHI"})
    assert response.status_code == 200
    assert response.context["cl"].result_count == 1
    assert len(captured) <= 6
    detail = console.get(page(model, "change", model._default_manager.filter(city_code="CHI").get().pk))
    assert detail.status_code == 200


@pytest.mark.usefixtures("_history")
@pytest.mark.parametrize("model", MODELS)
def test_console_when_even_a_superuser_tries_to_write_then_it_is_forbidden(
    model: type[Model], console: Client
) -> None:
    key = model._default_manager.filter(city_code="CHI").get().pk
    assert console.get(page(model, "add")).status_code == 403
    assert console.post(page(model, "change", key), {"city_code": "NYC"}).status_code == 403
    assert console.post(page(model, "delete", key), {"post": "yes"}).status_code == 403
    assert model._default_manager.filter(city_code="CHI").count() == 1


def test_console_when_built_then_every_weather_table_is_registered() -> None:
    assert all(admin.site.is_registered(model) for model in MODELS)
    assert admin.site.is_registered(CalibrationRow)


def test_console_when_looking_at_calibrations_then_they_show_and_nobody_changes_them(console: Client) -> None:
    row = CalibrationFactory.create()

    listed = console.get(page(CalibrationRow, "changelist"))

    assert listed.context["cl"].result_count == 1
    assert console.get(page(CalibrationRow, "change", row.pk)).status_code == 200
    assert console.post(page(CalibrationRow, "change", row.pk), {"version": "mine"}).status_code == 403
    assert console.post(page(CalibrationRow, "delete", row.pk), {"post": "yes"}).status_code == 403
