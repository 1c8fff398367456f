"""A round of refreshing: NWS in, rows and snapshots out, one bad city harming no other."""

import io
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from milkbot.core.cities import load_cities
from milkbot.core.config import get_config
from milkbot.core.health import Component
from milkbot.health import read_all
from tests.weather.bodies import (
    CHI,
    DAY,
    NOON,
    feature,
    grid_body,
    grid_path,
    observations_body,
    observations_path,
    points_body,
    points_path,
)
from tests.weather.nws_stub import Answer, NwsStub
from tests.weather.test_cli_report import FINAL
from weather import services, tasks
from weather.cache import WeatherCache
from weather.clients.nws.client import NwsClient
from weather.domain.cli_report import parse_cli
from weather.domain.outlook import make_outlook
from weather.domain.types import CliProduct, ReportedHigh
from weather.models import ClimateReportRow, ObservationRow, WeatherSnapshotRow
from weather.repositories import WeatherRepository
from weather.services import CityFetcher, known_weather, refresh_climate_reports, refresh_weather

pytestmark = pytest.mark.django_db
NYC = load_cities()["NYC"]
ALL = tuple(load_cities())
MINUTE = timedelta(minutes=1)


def serve(nws: NwsStub, codes: Sequence[str], *, now: datetime = NOON) -> None:
    for city in (load_cities()[code] for code in codes):
        station = city.settlement_station
        nws.on(points_path(city), Answer(body=points_body(city)))
        nws.on(grid_path(city), Answer(body=grid_body(city, issued_at=now - timedelta(hours=2))))
        nws.on(
            observations_path(city),
            Answer(body=observations_body(feature(now - 7 * MINUTE, 22, station=station))),
        )


@pytest.mark.story("3.5", 3)
@pytest.mark.story("3.5", 5)
def test_refresh_weather_when_nws_answers_then_the_snapshot_holds_forecast_and_observation_and_is_stored(
    nws: NwsStub, client: NwsClient
) -> None:
    serve(nws, ["CHI"])
    outcome = refresh_weather(["CHI"], NOON, client=client)
    snapshot = outcome.snapshots["CHI"]
    assert outcome.errors == {}
    assert (snapshot.high_on(DAY), snapshot.issued_at, snapshot.captured_at) == (
        80,
        NOON - timedelta(hours=2),
        NOON,
    )
    assert snapshot.observation is not None
    assert (snapshot.observation.station, snapshot.observation.temp_f) == ("KMDW", 72)
    assert WeatherRepository().get_latest("CHI") == snapshot
    assert WeatherSnapshotRow.objects.get().raw["grid"]["point"] == {"office": "LOT", "x": 72, "y": 69}
    assert ObservationRow.objects.get().station == "KMDW"


@pytest.mark.parametrize(
    "fault",
    [
        Answer(500, b"<html>"),
        Answer(503, {"type": "https://api.weather.gov/problems/ForecastGridExpired", "status": 503}),
        Answer(200, b"<html>down</html>"),
        Answer(404, {"type": "x/InvalidPoint"}),
        Answer(body={"properties": {}}),
        Answer(body=grid_body(NYC, issued_at=NOON + timedelta(hours=1))),
        Answer(body=grid_body(CHI)),
    ],
)
def test_refresh_weather_when_one_city_fails_then_the_others_are_stored_and_it_is_named(
    fault: Answer, nws: NwsStub, client: NwsClient
) -> None:
    serve(nws, ["CHI", "NYC"])
    nws.on(grid_path(NYC), fault)
    outcome = refresh_weather(["NYC", "CHI"], NOON, client=client)
    assert set(outcome.snapshots) == {"CHI"}
    assert outcome.errors["NYC"].startswith("nws: ")
    assert list(WeatherSnapshotRow.objects.values_list("city_code", flat=True)) == ["CHI"]
    health = read_all()[Component.NWS_API]
    assert health.ok
    assert health.message.startswith("1 of 2 cities; NYC: nws: ")


def test_refresh_weather_when_every_city_fails_then_health_is_not_ok_and_the_last_good_is_kept(
    nws: NwsStub, client: NwsClient
) -> None:
    serve(nws, ["CHI"])
    cache = WeatherCache(CityFetcher(client))
    refresh_weather(["CHI"], NOON, cache=cache)
    nws.on(grid_path(), Answer(500, b""))
    outcome = refresh_weather(["CHI"], NOON + 20 * MINUTE, cache=cache)
    assert outcome.snapshots["CHI"].captured_at == NOON
    assert outcome.snapshots["CHI"].is_stale(NOON + 20 * MINUTE)
    assert "500" in outcome.errors["CHI"]
    assert WeatherSnapshotRow.objects.get().last_seen_at == NOON
    assert not read_all()[Component.NWS_API].ok


def test_refresh_weather_when_our_own_code_fails_for_a_city_then_the_others_go_on(
    nws: NwsStub, client: NwsClient
) -> None:
    serve(nws, ["CHI"])
    outcome = refresh_weather(["CHI", "ORD"], NOON, client=client)
    assert set(outcome.snapshots) == {"CHI"}
    assert outcome.errors == {"ORD": "failed: KeyError"}


def test_refresh_weather_when_observations_fail_then_the_forecast_is_still_used(
    nws: NwsStub, client: NwsClient
) -> None:
    serve(nws, ["CHI"])
    nws.on(observations_path(), Answer(500, b""))
    snapshot = refresh_weather(["CHI"], NOON, client=client).snapshots["CHI"]
    assert snapshot.observation is None
    assert snapshot.high_on(DAY) == 80


def test_refresh_weather_when_an_observation_lies_in_the_future_then_it_is_not_the_latest(
    nws: NwsStub, client: NwsClient
) -> None:
    serve(nws, ["CHI"])
    body = observations_body(feature(NOON + timedelta(hours=2), 40), feature(NOON - 7 * MINUTE, 22))
    nws.on(observations_path(), Answer(body=body))
    snapshot = refresh_weather(["CHI"], NOON, client=client).snapshots["CHI"]
    assert snapshot.observation is not None
    assert snapshot.observation.temp_c == 22.0


def test_refresh_weather_when_an_edge_serves_an_88_hour_old_grid_with_200_then_its_age_blocks_the_city(
    nws: NwsStub, client: NwsClient
) -> None:
    serve(nws, ["CHI"])
    nws.on(grid_path(), Answer(body=grid_body(issued_at=NOON - timedelta(hours=88))))
    snapshot = refresh_weather(["CHI"], NOON, client=client).snapshots["CHI"]
    assert snapshot.issuance_blocks(NOON)
    assert not snapshot.is_stale(NOON)


def test_refresh_weather_when_younger_than_the_ttl_then_nothing_is_asked_and_nothing_stored(
    nws: NwsStub, client: NwsClient
) -> None:
    serve(nws, ["CHI"])
    cache = WeatherCache(CityFetcher(client))
    refresh_weather(["CHI"], NOON, cache=cache)
    asked = len(nws.requests)
    with CaptureQueriesContext(connection) as captured:
        outcome = refresh_weather(["CHI"], NOON + 4 * MINUTE, cache=cache)
    assert outcome.snapshots["CHI"].captured_at == NOON
    assert len(nws.requests) == asked
    assert len(captured) == 0
    refresh_weather(["CHI"], NOON + 4 * MINUTE, cache=cache, max_age=2 * MINUTE)
    assert len(nws.requests) > asked


def test_refresh_weather_when_ten_cities_then_as_many_statements_as_for_two(
    nws: NwsStub, client: NwsClient
) -> None:
    serve(nws, ALL)
    counts = []
    for codes in (ALL[:2], ALL[2:]):
        with CaptureQueriesContext(connection) as captured:
            outcome = refresh_weather(codes, NOON, client=client)
        counts.append(len(captured))
        assert outcome.errors == {}
    # The first heartbeat inserts its row, later ones update it: that difference is not the cities'.
    assert abs(counts[0] - counts[1]) <= 4
    assert max(counts) < 16
    assert WeatherSnapshotRow.objects.count() == 10


def test_fetcher_when_points_fails_then_the_seed_serves_and_points_is_asked_again_after_an_hour(
    nws: NwsStub, client: NwsClient
) -> None:
    serve(nws, ["CHI"])
    nws.on(points_path(), Answer(404, {"type": "x/InvalidPoint"}))
    fetch = CityFetcher(client)
    for now in (NOON, NOON + 5 * MINUTE, NOON + 59 * MINUTE):
        assert fetch("CHI", now).snapshot.high_on(DAY) == 80
    assert len(nws.asked(points_path())) == 1
    fetch("CHI", NOON + 60 * MINUTE)
    assert len(nws.asked(points_path())) == 2


def test_fetcher_when_the_office_regrids_then_the_new_cell_is_used_from_the_next_day(
    nws: NwsStub, client: NwsClient
) -> None:
    moved = CHI.model_copy(update={"nws_grid_y": CHI.nws_grid_y + 7})
    serve(nws, ["CHI"])
    fetch = CityFetcher(client)
    fetch("CHI", NOON)
    nws.on(points_path(), Answer(body=points_body(moved)))
    nws.on(grid_path(moved), Answer(body=grid_body(moved, highs={DAY: 85})))
    assert fetch("CHI", NOON + timedelta(hours=23)).snapshot.high_on(DAY) == 80
    assert fetch("CHI", NOON + timedelta(hours=24)).snapshot.high_on(DAY) == 85


def test_known_weather_when_stored_then_it_is_told_in_one_statement_without_the_network(
    nws: NwsStub, client: NwsClient
) -> None:
    serve(nws, ["CHI"])
    stored = refresh_weather(["CHI"], NOON, client=client).snapshots["CHI"]
    asked = len(nws.requests)
    with CaptureQueriesContext(connection) as captured:
        outcome = known_weather(["CHI", "NYC"], NOON + 15 * MINUTE)
    assert outcome.snapshots == {"CHI": stored}
    assert outcome.errors == {"NYC": "no weather was stored yet"}
    assert (len(captured), len(nws.requests)) == (1, asked)
    stale = known_weather(["CHI"], NOON + 16 * MINUTE)
    assert (stale.snapshots, stale.errors) == (
        {"CHI": stored},
        {"CHI": "weather was last fetched 14 May 18:00Z"},
    )


def list_report(nws: NwsStub, text: str, issued_at: datetime) -> None:
    uuid = "b60036c1-2f33-429f-b44e-12771d698985"
    nws.on(
        "/products/types/CLI/locations/MDW",
        Answer(body={"@graph": [{"id": uuid, "issuanceTime": issued_at.isoformat()}]}),
    )
    nws.on(f"/products/{uuid}", Answer(body={"productText": text}))


def test_refresh_climate_reports_when_one_city_has_none_then_the_other_is_stored_once(
    nws: NwsStub, client: NwsClient
) -> None:
    now = NOON + timedelta(days=1)
    list_report(nws, FINAL, now)
    first = refresh_climate_reports(["CHI", "NYC"], now, client=client)
    assert (first.saved, set(first.errors)) == (1, {"NYC"})
    assert refresh_climate_reports(["CHI"], now, client=client).saved == 0
    row = ClimateReportRow.objects.get()
    assert (row.city_code, row.high_f, row.is_final, row.text) == ("CHI", 80, True, FINAL)


def test_refresh_climate_reports_when_a_report_of_0030_daylight_time_says_yesterday_then_it_is_not_final(
    nws: NwsStub, client: NwsClient
) -> None:
    early = FINAL.replace("150646", "150530").replace("146 AM CDT", "1230 AM CDT")
    now = NOON + timedelta(days=1)
    list_report(nws, early, now)
    refresh_climate_reports(["CHI"], now, client=client)
    assert ClimateReportRow.objects.get().is_final is False
    assert WeatherRepository().get_final_report("CHI", DAY) is None


@pytest.fixture
def process(nws: NwsStub, monkeypatch: pytest.MonkeyPatch) -> Iterator[NwsStub]:
    """This process is configured for Chicago and the stub, as a worker is by its environment."""
    made = (get_config, services._process_client, services._process_cache)
    monkeypatch.setenv("NWS_BASE_URL", nws.url)
    monkeypatch.setenv("CITIES", "CHI")
    for cached in made:
        cached.cache_clear()
    yield nws
    services._process_client().close()
    for cached in made:
        cached.cache_clear()


def test_refresh_task_when_run_then_the_configured_cities_are_stored_and_a_summary_is_logged(
    process: NwsStub, caplog: pytest.LogCaptureFixture
) -> None:
    serve(process, ["CHI"])
    with caplog.at_level(logging.INFO, logger="milkbot"):
        tasks.refresh()
    assert WeatherSnapshotRow.objects.get().city_code == "CHI"
    summary = next(record for record in caplog.records if record.getMessage() == "weather refreshed")
    assert (summary.__dict__["cities"], summary.__dict__["errors"]) == (1, {})
    tasks.refresh()
    assert len(process.asked(grid_path())) == 1  # the second turn came within seconds: the process remembers


def test_refresh_reports_task_when_run_then_new_reports_are_stored(process: NwsStub) -> None:
    list_report(process, FINAL, NOON + timedelta(days=1))
    tasks.refresh_reports()
    assert ClimateReportRow.objects.get().high_f == 80


def test_tasks_when_registered_then_they_have_the_names_the_schedule_uses() -> None:
    assert tasks.refresh.name == "weather.tasks.refresh"
    assert tasks.refresh_reports.name == "weather.tasks.refresh_reports"


def test_refresh_weather_command_when_run_then_it_tells_each_city(process: NwsStub) -> None:
    serve(process, ["CHI", "NYC"])
    out, err = io.StringIO(), io.StringIO()
    call_command("refresh_weather", stdout=out, stderr=err)
    assert out.getvalue().startswith("CHI  highs 14 May 80°F, 15 May 75°F  issued 2025-05-14 16:00:00+00:00")
    assert err.getvalue() == ""
    call_command("refresh_weather", "--city", "NYC", stdout=out, stderr=err)
    assert "NYC  highs 14 May 80°F" in out.getvalue()


def test_refresh_weather_command_when_nothing_could_be_had_then_it_fails_with_the_reasons(
    process: NwsStub,
) -> None:
    err = io.StringIO()
    with pytest.raises(CommandError, match="No city could be refreshed"):
        call_command("refresh_weather", stdout=io.StringIO(), stderr=err)
    assert "CHI  nws: " in err.getvalue()


def test_refresh_weather_when_the_day_goes_on_then_its_readings_add_up(
    nws: NwsStub, client: NwsClient
) -> None:
    serve(nws, ["CHI"])
    nws.on(
        grid_path(),
        Answer(body=grid_body(hourly=[(NOON - 2 * MINUTE * 60, "PT2H", 70), (NOON, "PT40H", 74)])),
    )
    cache = WeatherCache(CityFetcher(client))
    for minutes, temp_c in ((-65, 24), (0, 20)):
        nws.on(
            observations_path(),
            Answer(body=observations_body(feature(NOON + (minutes - 7) * MINUTE, temp_c))),
        )
        snapshot = refresh_weather(["CHI"], NOON + minutes * MINUTE, cache=cache).snapshots["CHI"]
    assert snapshot.so_far is not None
    assert snapshot.hourly is not None
    assert min(snapshot.so_far.max_pmf) == 75  # 24 °C an hour before; the newest answer no longer holds it
    assert snapshot.so_far.recent[0].temp_f == 68.0
    assert (snapshot.hourly.starts_at, snapshot.hourly.temps_f[:3]) == (NOON - 120 * MINUTE, (70, 70, 74))
    assert known_weather(["CHI"], NOON).snapshots["CHI"] == snapshot
    outlook = make_outlook(CHI, snapshot, DAY, NOON)
    assert outlook is not None
    assert outlook.nowcast is not None


def test_refresh_weather_when_reports_and_older_forecasts_are_stored_then_the_snapshot_carries_them(
    nws: NwsStub, client: NwsClient
) -> None:
    serve(nws, ["CHI", "NYC"])
    cache = WeatherCache(CityFetcher(client))
    night = NOON - timedelta(hours=13)
    nws.on(grid_path(), Answer(body=grid_body(issued_at=night - 5 * MINUTE, highs={DAY: 84})))
    refresh_weather(["CHI"], night, cache=cache)
    nws.on(grid_path(), Answer(body=grid_body()))
    text = FINAL.replace("YESTERDAY", "TODAY")
    report = parse_cli(FINAL).model_copy(update={"climate_date": DAY, "is_final": False, "issued_at": NOON})
    WeatherRepository().save_climate_report("CHI", CliProduct(report=report, text=text), NOON)

    found = refresh_weather(["CHI", "NYC"], NOON, cache=cache).snapshots

    assert found["CHI"].reported == ReportedHigh(
        day=DAY, high_f=report.high_f or 0, is_final=False, issued_at=NOON
    )
    assert (found["CHI"].revision_on(DAY), found["NYC"].revision_on(DAY), found["NYC"].reported) == (
        -4,
        None,
        None,
    )
    again = refresh_weather(["CHI", "NYC"], NOON + MINUTE, cache=cache).snapshots
    assert again == found


def test_refresh_weather_when_the_older_forecast_is_of_days_ago_then_nothing_was_revised(
    nws: NwsStub, client: NwsClient
) -> None:
    serve(nws, ["CHI"])
    cache = WeatherCache(CityFetcher(client))
    refresh_weather(["CHI"], NOON, cache=cache)
    later = NOON + timedelta(hours=30)
    serve(nws, ["CHI"], now=later)
    assert refresh_weather(["CHI"], later, cache=cache).snapshots["CHI"].earlier_highs == ()
