"""A fragment's version: the same while nothing to be read changes, another as soon as anything does, time included."""

from datetime import datetime, timedelta

import pytest
from django.test import Client

from milkbot.core import clock
from milkbot.core.climate_day import climate_day
from milkbot.core.health import REQUIRED, Component
from milkbot.health import DEGRADED_AFTER, beat
from milkbot.models import HealthStatusRow
from publicsite.regions import REGIONS
from tests.factories import (
    MarketSnapshotFactory,
    WeatherSnapshotFactory,
    make_ladder,
    publish,
)
from tests.publicsite.conftest import SetClock


@pytest.fixture
def minute(sql_now: datetime) -> datetime:
    """A whole minute in the near past."""
    return sql_now.replace(second=0, microsecond=0) - timedelta(minutes=5)


def shown_version(visitor: Client, region: str) -> str:
    html = visitor.get(f"/fragments/{region}").content.decode()
    return html.partition("?v=")[2].partition('"')[0]


def status_of(visitor: Client, region: str, version: str) -> int:
    return visitor.get(f"/fragments/{region}?v={version}").status_code


def open_city(now: datetime) -> None:
    publish()
    day = climate_day(now, -6)
    WeatherSnapshotFactory.create(captured_at=now, day=day)
    for market in make_ladder(event_date=day, close_at=now + timedelta(hours=3, seconds=59)):
        MarketSnapshotFactory.create(market=market, captured_at=now)


@pytest.mark.parametrize("region", REGIONS)
def test_version_within_a_minute_stays_the_same(
    visitor: Client, set_clock: SetClock, minute: datetime, region: str
) -> None:
    open_city(minute)
    set_clock(minute)
    version = shown_version(visitor, region)

    set_clock(minute + timedelta(seconds=59))

    assert status_of(visitor, region, version) == 204


@pytest.mark.parametrize("region", ["health", "tiles"])
def test_version_turns_with_the_minute_though_no_row_changed(
    visitor: Client, set_clock: SetClock, minute: datetime, region: str
) -> None:
    open_city(minute)
    set_clock(minute)
    version = shown_version(visitor, region)

    set_clock(minute + timedelta(seconds=60))

    assert status_of(visitor, region, version) == 200


@pytest.mark.parametrize("component", REQUIRED)
def test_version_turns_when_a_component_has_been_silent_for_too_long(
    visitor: Client, set_clock: SetClock, minute: datetime, component: Component
) -> None:
    for each in Component:
        beat(each)
    set_clock(minute)
    version = shown_version(visitor, "health")
    assert status_of(visitor, "health", version) == 204

    silent_since = clock.wall_now() - DEGRADED_AFTER[component] - timedelta(seconds=1)
    HealthStatusRow.objects.filter(component=component).update(last_ok_at=silent_since)

    answer = visitor.get(f"/fragments/health?v={version}")
    assert answer.status_code == 200
    assert "status--bad" in answer.content.decode()


def test_page_holds_the_versions_of_its_fragments(
    visitor: Client, set_clock: SetClock, minute: datetime
) -> None:
    open_city(minute)
    set_clock(minute)
    page = visitor.get("/").content.decode()

    for region in REGIONS:
        assert f"/fragments/{region}?v={shown_version(visitor, region)}" in page
