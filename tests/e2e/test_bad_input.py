"""What the outside really does wrong, over the wire: named, not stored, not traded on, and over when it is over."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from markets.models import EventRow, MarketSnapshotRow
from tests.e2e.world import World, running_world
from trading.models import DecisionRow, IntentRow
from weather.models import WeatherSnapshotRow

pytestmark = pytest.mark.django_db

SAMPLE = Path(__file__).resolve().parents[2] / "sandbox" / "sample"
GRID = "GET /nws/gridpoints"
EVENTS = "GET /trade-api/v2/events"
BOOKS = "GET /trade-api/v2/markets/orderbooks"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running_world(SAMPLE, None, tmp_path) as world:
        world.move_to(world.opens_at + timedelta(hours=1))
        yield world


@dataclass(frozen=True)
class Fault:
    """A fault, how long it must last to matter, and the codes that then stand on the markets."""

    kind: str
    match: str
    codes: frozenset[str]
    lasting: timedelta = timedelta(minutes=20)


WEATHER_GONE = frozenset({"WEATHER_STALE"})
FAULTS = [
    Fault("5xx", GRID, WEATHER_GONE),
    Fault("503_grid_expired", GRID, WEATHER_GONE),
    Fault("html", GRID, WEATHER_GONE),
    Fault("truncated", GRID, WEATHER_GONE),
    Fault("reset", GRID, WEATHER_GONE),
    Fault("429", GRID, WEATHER_GONE),
    Fault("empty_periods", GRID, WEATHER_GONE | {"FORECAST_MISSING"}),
    Fault("null_temperature", GRID, WEATHER_GONE | {"FORECAST_MISSING"}),
    Fault("old_grid", GRID, frozenset({"ISSUANCE_OLD"})),
    Fault("gap_ladder", EVENTS, frozenset({"EVENT_NOT_PARTITION"})),
    Fault("wrong_station", EVENTS, frozenset({"STATION_MISMATCH"})),
    Fault("bad_price", EVENTS, frozenset({"BAD_MARKET_DATA"})),
    Fault("bad_price", BOOKS, frozenset({"BOOKS_UNAVAILABLE", "BAD_MARKET_DATA"})),
    Fault("5xx", BOOKS, frozenset({"BOOKS_UNAVAILABLE"})),
    Fault("html", BOOKS, frozenset({"BOOKS_UNAVAILABLE"})),
]


@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda fault: f"{fault.kind} on {fault.match.rpartition('/')[2]}"
)
def test_fault_is_named_not_traded_on_and_over_when_it_is_over(world: World, fault: Fault) -> None:
    world.control(do="fault", match=fault.match, kind=fault.kind)
    world.move_to(world.now + timedelta(minutes=1))
    world.cycle()
    world.move_to(world.now + fault.lasting)
    report = world.cycle()

    assert report.ok
    assert set(report.codes) <= fault.codes | {"FORECAST_MISSING"}, report.codes
    assert not IntentRow.objects.exists()
    check_nothing_wrong_was_stored()

    world.control(do="clear")
    world.move_to(world.now + timedelta(minutes=6))
    recovered = world.cycle()
    assert recovered.markets == 6
    assert not set(recovered.codes) & (fault.codes - {"FORECAST_MISSING"}), recovered.codes
    assert not recovered.errors


def test_events_that_cannot_be_read_leave_the_city_out_and_say_so(world: World) -> None:
    world.control(do="fault", match=EVENTS, kind="5xx")

    report = world.cycle()

    assert report.ok
    assert report.markets == 0
    assert any(error.startswith("CHI: ") for error in report.errors)


def test_paused_exchange_is_waited_for(world: World) -> None:
    world.control(do="fault", match="GET /trade-api/v2/exchange/status", kind="html", count=10)

    assert set(world.cycle().codes) == {"EXCHANGE_PAUSED"}


def test_every_refusal_stands_with_its_event_in_words(world: World) -> None:
    world.control(do="fault", match=EVENTS, kind="wrong_station")
    world.cycle()

    event = EventRow.objects.get()
    assert event.refusal == "STATION_MISMATCH"
    assert event.refusal_text
    assert set(DecisionRow.objects.values_list("code", flat=True)) == {"STATION_MISMATCH"}


def check_nothing_wrong_was_stored() -> None:
    """No price outside 0-1 and no forecast that is no temperature, whatever came."""
    for row in MarketSnapshotRow.objects.all():
        for price in (row.yes_bid, row.yes_ask, row.last_price):
            assert price is None or 0 < price < 1
    for weather in WeatherSnapshotRow.objects.all():
        assert all(-60 <= entry["high_f"] <= 135 for entry in weather.highs)
