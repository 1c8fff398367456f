"""Both loops as the schedule runs them, over ten cities: a step that fails stops none after it, and the rest is seen."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analytics.models import EquityRow, HealthSummaryView, SkillEventRow, SkillScoreRow
from markets.models import MarketRow
from markets.services import default_client
from milkbot.celery import app
from milkbot.core.clock import WORLD_CLOCK_VARIABLE
from milkbot.core.config import get_config, load_config
from milkbot.core.health import Component
from milkbot.health import read_all
from tests.analytics.test_services import public_page
from tests.e2e.world import World, simulated_world
from trading.backtest.results import FLAT, MARKET, P_MODEL, P_TRADE
from trading.models import CycleRow
from trading.schedule import schedule
from weather.models import ClimateReportRow, WeatherSnapshotRow
from weather.services import _process_cache, _process_client

pytestmark = pytest.mark.django_db

EVENING = datetime(2025, 11, 19, 23, 0, tzinfo=UTC)
SHORTLY_BEFORE_AN_HOUR = datetime(2025, 11, 19, 23, 59, 30, tzinfo=UTC)
NEXT_NOON = datetime(2025, 11, 20, 17, 0, tzinfo=UTC)
DAY_AFTER_NEXT_NOON = NEXT_NOON + timedelta(days=1)
"""The events of the 19th have closed and been paid by then."""

COMPONENTS = {"trader", "analytics", "dashboard", "kalshi_api", "nws_api", "database"}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A sandbox at EVENING, and this process configured for it as a worker is."""
    caches = (get_config, default_client, _process_cache, _process_client)
    with simulated_world(EVENING, tmp_path) as served, public_page(200) as url:
        monkeypatch.setenv("PUBLIC_PORT", url.rpartition(":")[2])
        monkeypatch.setenv("KALSHI_BASE_URL", f"{served.base_url}/trade-api/v2")
        monkeypatch.setenv("NWS_BASE_URL", f"{served.base_url}/nws")
        monkeypatch.setenv(WORLD_CLOCK_VARIABLE, str(tmp_path / "clock.json"))
        for cache in caches:
            cache.cache_clear()
        stand_at(served, EVENING)
        yield served
    for cache in caches:
        cache.cache_clear()


def stand_at(world: World, at: datetime) -> None:
    """Sandbox and application at the same moment, where time all but stands."""
    world.move_to(at)
    clock = {"wall_started_at": at.isoformat(), "world_started_at": at.isoformat(), "speed": 1e-9}
    Path(get_config().milkbot_world_clock or "").write_text(json.dumps({"clock": clock}))


def run_loops() -> dict[str, str]:
    """Every scheduled task once, in the schedule's order; how each ended."""
    app.loader.import_default_modules()
    return {entry.name: app.tasks[entry.task].apply().state for entry in schedule(load_config())}


ALL_WELL = dict.fromkeys(
    (
        "cycle",
        "weather",
        "climate reports",
        "regimes",
        "settlement",
        "rollup",
        "weights",
        "skill",
        "strategy gates",
        "calibration",
        "pruning",
    ),
    "SUCCESS",
)


@pytest.mark.story("5.5", 2)
@pytest.mark.story("5.5", 4)
@pytest.mark.story("5.3", 2)
def test_loops_over_a_night_store_all_and_every_component_is_heard(world: World) -> None:
    assert run_loops() == ALL_WELL
    stand_at(world, NEXT_NOON)
    assert run_loops() == ALL_WELL

    assert WeatherSnapshotRow.objects.values("city_code").distinct().count() == 10
    assert ClimateReportRow.objects.exists()
    assert MarketRow.objects.filter(event_date="2025-11-19", status="finalized").count() == 60
    assert EquityRow.objects.count() == CycleRow.objects.count() == 2
    assert SkillEventRow.objects.exclude(winner="").count() == 10
    health = HealthSummaryView.objects.values_list("component", "degraded")
    assert dict(health).keys() >= COMPONENTS
    assert not any(degraded for component, degraded in health if component in COMPONENTS)


def test_what_was_thought_before_the_hour_is_scored_at_the_hour_once_the_event_has_settled(
    world: World,
) -> None:
    stand_at(world, SHORTLY_BEFORE_AN_HOUR)
    run_loops()
    stand_at(world, DAY_AFTER_NEXT_NOON)
    run_loops()

    scored = SkillScoreRow.objects.filter(event_date="2025-11-20", forecaster=P_MODEL)
    assert set(scored.values_list("at", flat=True)) == {SHORTLY_BEFORE_AN_HOUR + timedelta(seconds=30)}
    beside = SkillScoreRow.objects.filter(
        event_ticker__in=scored.values("event_ticker"), at__in=scored.values("at")
    )
    assert {P_TRADE, FLAT, MARKET, "forecast_edge"} <= set(beside.values_list("forecaster", flat=True))


@pytest.mark.story("4.8", 5)
@pytest.mark.parametrize(
    ("broken", "silent"),
    [
        ("/nws/gridpoints/", "weather"),
        ("/nws/products", "reports"),
        ("/trade-api/v2/markets?", "settlement"),
        ("/trade-api/v2/events", "cycle"),
    ],
)
def test_step_that_fails_stops_none_after_it_and_is_caught_up_later(
    world: World, broken: str, silent: str
) -> None:
    run_loops()
    stand_at(world, NEXT_NOON)
    world.edge.fail(broken, status=404)

    assert run_loops() == ALL_WELL

    assert progress() == {"weather", "reports", "settlement", "cycle"} - {silent}
    assert EquityRow.objects.count() == 2
    assert read_all()[Component.ANALYTICS].ok

    world.edge.heal()
    run_loops()
    assert progress() == {"weather", "reports", "settlement", "cycle"}


def progress() -> set[str]:
    """What has learnt anything of the 20th since the evening of the 19th."""
    done = {
        "weather": WeatherSnapshotRow.objects.filter(last_seen_at__gte=NEXT_NOON).exists(),
        "reports": ClimateReportRow.objects.filter(climate_date="2025-11-19", is_final=True).exists(),
        "settlement": MarketRow.objects.filter(event_date="2025-11-19", status="finalized").exists(),
        "cycle": MarketRow.objects.filter(event_date="2025-11-21").exists(),
    }
    return {name for name, is_done in done.items() if is_done}
