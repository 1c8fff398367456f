"""Story 2.6, the weather's half: what goes in comes out, in a fixed number of statements."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.weather.bodies import CHI, DAY, NOON, city_weather, reading, snapshot
from tests.weather.test_cli_report import FINAL, PRELIMINARY
from weather.domain.cli_report import parse_cli
from weather.domain.outlook import make_outlook
from weather.domain.types import CliProduct, Outlook, WeatherSnapshot
from weather.models import ClimateReportRow, ForecastRow, ObservationRow, WeatherSnapshotRow
from weather.repositories import WeatherRepository

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
CODES = ("NYC", "CHI", "LAX", "MIA", "AUS", "DEN", "PHL", "BOS", "SEA", "SFO")


@pytest.fixture
def repository() -> WeatherRepository:
    return WeatherRepository()


def statements(work: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        work()
    return [query["sql"] for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]]


@pytest.mark.story("2.6", 1)
@pytest.mark.story("2.6", 3)
@pytest.mark.story("2.6", 5)
@pytest.mark.story("3.5", 3)
@pytest.mark.parametrize("observation", [None, reading(NOON, 21.7, is_metar=True)])
@pytest.mark.parametrize("issued_at", [None, NOON - timedelta(hours=2)])
def test_save_snapshot_when_read_back_then_the_same_frozen_snapshot_comes(
    observation: Any, issued_at: Any, repository: WeatherRepository
) -> None:
    saved = snapshot(observation=observation, issued_at=issued_at)
    assert repository.save_snapshot(saved, {"grid": {}}) is True
    latest = repository.get_latest("CHI")
    assert isinstance(latest, WeatherSnapshot)
    assert latest == saved


@pytest.mark.story("2.6", 1)
def test_get_latest_when_nothing_is_stored_then_none(repository: WeatherRepository) -> None:
    repository.save_snapshot(snapshot("NYC"))
    assert repository.get_latest("CHI") is None
    assert repository.get_latest_many(["CHI"]) == {}
    assert repository.get_latest_many([]) == {}


def test_save_snapshot_when_nothing_changed_then_only_the_time_last_seen_moves(
    repository: WeatherRepository,
) -> None:
    repository.save_snapshot(snapshot(observation=reading()))
    assert repository.save_snapshot(snapshot(observation=reading(), captured_at=NOON + 5 * MINUTE)) is False
    row = WeatherSnapshotRow.objects.get()
    assert (row.captured_at, row.last_seen_at) == (NOON, NOON + 5 * MINUTE)
    latest = repository.get_latest("CHI")
    assert latest is not None
    assert latest.captured_at == NOON + 5 * MINUTE


def test_save_snapshot_when_an_older_fetch_arrives_late_then_the_time_last_seen_does_not_go_back(
    repository: WeatherRepository,
) -> None:
    repository.save_snapshot(snapshot())
    repository.save_snapshot(snapshot(captured_at=NOON - MINUTE))
    assert WeatherSnapshotRow.objects.get().last_seen_at == NOON


@pytest.mark.parametrize(
    "change",
    [
        {"high_f": 81},
        {"issued_at": NOON},
        {"observation": reading(NOON, 23.0)},
        {"observation": reading(NOON, 22.0, is_metar=True)},
    ],
)
def test_save_snapshot_when_something_changed_then_a_new_row_tells(
    change: dict[str, Any], repository: WeatherRepository
) -> None:
    repository.save_snapshot(snapshot(observation=reading()))
    later = snapshot(captured_at=NOON + MINUTE, **({"observation": reading()} | change))
    assert repository.save_snapshot(later) is True
    assert WeatherSnapshotRow.objects.count() == 2
    assert repository.get_latest("CHI") == later


def test_save_snapshot_when_only_the_observation_moved_then_the_grid_is_not_stored_again(
    repository: WeatherRepository,
) -> None:
    repository.save_snapshot(snapshot(), {"grid": {"gridId": "LOT"}})
    repository.save_snapshot(
        snapshot(observation=reading(), captured_at=NOON + MINUTE), {"grid": {"gridId": "LOT"}}
    )
    repository.save_snapshot(
        snapshot(issued_at=NOON, captured_at=NOON + 2 * MINUTE), {"grid": {"gridId": "LOT"}}
    )
    raws = WeatherSnapshotRow.objects.order_by("captured_at").values_list("raw", flat=True)
    assert list(raws) == [{"grid": {"gridId": "LOT"}}, {}, {"grid": {"gridId": "LOT"}}]


@pytest.mark.story("2.6", 4)
@pytest.mark.parametrize("cities", [1, 2, 10])
def test_save_snapshots_when_more_cities_then_the_statements_stay_three(
    cities: int, repository: WeatherRepository
) -> None:
    repository.save_snapshots([city_weather(code) for code in CODES[:cities:2]])
    again = [city_weather(code, captured_at=NOON + MINUTE) for code in CODES[:cities]]
    sql = statements(lambda: repository.save_snapshots(again))
    kinds = [line.lstrip("(").split()[0] for line in sql]
    assert kinds == (["SELECT", "UPDATE"] if cities == 1 else ["SELECT", "INSERT", "UPDATE"])
    assert WeatherSnapshotRow.objects.count() == cities


@pytest.mark.story("2.6", 4)
def test_get_latest_many_when_ten_cities_then_one_statement_reads_neither_history_nor_raw(
    repository: WeatherRepository,
) -> None:
    repository.save_snapshots([city_weather(code) for code in CODES])
    (sql,) = statements(lambda: repository.get_latest_many(CODES))
    assert sql.count("LIMIT 1") == 10
    assert '"raw"' not in sql


def test_save_observations_when_seen_again_then_each_is_stored_once_and_a_changed_value_wins(
    repository: WeatherRepository,
) -> None:
    first, second = reading(NOON, 22.0), reading(NOON, 21.7, is_metar=True)
    assert repository.save_observations({"CHI": [first, second]}, NOON) == 2
    assert repository.save_observations({"CHI": [first, second]}, NOON + MINUTE) == 0
    assert repository.save_observations({"CHI": [reading(NOON, 23.0)]}, NOON + 2 * MINUTE) == 1
    stored = repository.get_observations("CHI", NOON, NOON + MINUTE)
    assert [(r.temp_c, r.is_metar) for r in stored] == [(23.0, False), (21.7, True)]
    assert repository.get_observations("CHI", NOON + MINUTE, NOON + 2 * MINUTE) == ()
    assert ObservationRow.objects.filter(received_at=NOON).count() == 1


def test_save_observations_when_many_cities_then_two_statements(repository: WeatherRepository) -> None:
    seen = {code: [reading(NOON - n * MINUTE, 20.0, station=f"K{code}") for n in range(12)] for code in CODES}
    assert len(statements(lambda: repository.save_observations(seen, NOON))) == 2
    assert statements(lambda: repository.save_observations({}, NOON)) == []


def outlook(**changes: Any) -> Outlook:
    made = make_outlook(CHI, snapshot(), DAY, NOON)
    assert made is not None
    return made.model_copy(update=changes)


def test_save_outlooks_when_read_back_then_the_same_outlook_comes(repository: WeatherRepository) -> None:
    assert repository.save_outlooks([outlook()]) == 1
    assert repository.get_outlook("CHI", DAY) == outlook()
    assert repository.get_outlook("NYC", DAY) is None


@pytest.mark.parametrize(
    ("change", "added"),
    [
        ({}, 0),
        ({"lead_hours": 2.9, "sigma": outlook().sigma + 0.001}, 0),
        ({"sigma": outlook().sigma + 0.01}, 1),
        ({"forecast_high_f": 81, "mu": 81.0}, 1),
        ({"issued_at": NOON}, 1),
        ({"model_version": "next"}, 1),
        ({"event_date": DAY + timedelta(days=1)}, 1),
    ],
)
def test_save_outlooks_when_time_passed_then_only_a_changed_statement_is_added(
    change: dict[str, Any], added: int, repository: WeatherRepository
) -> None:
    repository.save_outlooks([outlook()])
    assert repository.save_outlooks([outlook(made_at=NOON + MINUTE, **change)]) == added
    assert ForecastRow.objects.count() == 1 + added


def test_save_outlooks_when_twenty_then_two_statements(repository: WeatherRepository) -> None:
    many = [outlook(city_code=code, event_date=DAY + timedelta(days=n)) for code in CODES for n in (0, 1)]
    assert len(statements(lambda: repository.save_outlooks(many))) == 2
    assert len(statements(lambda: repository.save_outlooks(many))) == 1
    assert repository.save_outlooks([]) == 0


def test_forecasts_when_somebody_tries_to_change_history_then_the_database_refuses(
    repository: WeatherRepository,
) -> None:
    repository.save_outlooks([outlook()])
    with pytest.raises(DatabaseError), transaction.atomic():
        ForecastRow.objects.update(mu=90)
    with pytest.raises(DatabaseError), transaction.atomic():
        ForecastRow.objects.all().delete()


def product(text: str) -> CliProduct:
    return CliProduct(report=parse_cli(text), text=text)


def test_save_climate_report_when_versions_come_then_all_are_kept_and_the_newest_final_one_is_told(
    repository: WeatherRepository,
) -> None:
    corrected = FINAL.replace("150646", "151200 CCA").replace("  MAXIMUM         80", "  MAXIMUM         81")
    assert repository.save_climate_report("CHI", product(PRELIMINARY), NOON) is True
    assert repository.get_final_report("CHI", DAY) is None
    assert repository.save_climate_report("CHI", product(FINAL), NOON) is True
    assert repository.save_climate_report("CHI", product(FINAL), NOON) is False
    assert repository.get_final_report("CHI", DAY) == parse_cli(FINAL)
    repository.save_climate_report("CHI", product(corrected), NOON)
    final = repository.get_final_report("CHI", DAY)
    assert final is not None
    assert (final.high_f, final.correction) == (81, "CCA")
    assert ClimateReportRow.objects.count() == 3
