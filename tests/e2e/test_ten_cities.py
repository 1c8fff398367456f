"""Ten cities in the simulated world: read together, bound together by the caps, and apart when one of them fails."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from analytics.models import EquityRow
from analytics.rollups.equity import roll_up_equity
from markets.models import EventRow
from milkbot.core.cities import load_cities
from milkbot.core.health import Component
from milkbot.health import read_all
from tests.e2e.world import MODE, World, simulated_world
from trading.domain.policy import Limits
from trading.models import CycleRow, DecisionRow, IntentRow, PositionRow
from weather.models import ForecastRow

pytestmark = pytest.mark.django_db

AFTER_OPENING = datetime(2025, 11, 19, 15, 5, tzinfo=UTC)
"""A Wednesday, five minutes after tomorrow's events opened: in the west today's can still be traded, too."""
TEN = tuple(load_cities())
NINE = frozenset(TEN) - {"NYC"}
NEW_YORK = load_cities()["NYC"]
EVENTS = f"/events?series_ticker={NEW_YORK.kalshi_series}&"
MARKETS_OF_A_CITY = 12
HALF_HOUR = timedelta(minutes=30)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with simulated_world(AFTER_OPENING, tmp_path, seed=11) as running:
        yield running


@pytest.mark.story("4.9", 1)
def test_cycle_reads_decides_and_explains_every_configured_city(world: World) -> None:
    report = world.cycle()

    assert (report.cities, report.markets, report.errors) == (10, 120, ())
    explained = Counter(DecisionRow.objects.values_list("city_code", flat=True))
    assert explained == dict.fromkeys(TEN, MARKETS_OF_A_CITY)
    assert report.intents == report.fills > 0
    assert report.intents == report.codes["TRADE"] == IntentRow.objects.count()
    assert sum(report.codes.values()) == report.markets


@pytest.mark.story("4.9", 2)
@pytest.mark.parametrize(
    "path", ["/nws/points/", "/nws/gridpoints/", "/nws/stations/", "/trade-api/v2/events"]
)
def test_cycle_asks_for_all_ten_cities_at_once(world: World, path: str) -> None:
    """No answer comes before all ten have asked: were they read one after another, none would ever come."""
    world.edge.meet(path, len(TEN))

    report = world.cycle()

    assert (report.errors, report.markets) == ((), 120)


def _without_a_bracket(events: Any) -> None:
    for event in events["events"]:
        del event["markets"][2]


def _of_another_station(events: Any) -> None:
    for event in events["events"]:
        for market in event["markets"]:
            market["rules_primary"] = market["rules_primary"].replace("New York", "Newark")
            market["rules_primary"] = market["rules_primary"].replace("CLINYC", "CLIEWR")


Strike = Callable[[World], None]
STRIKES: dict[str, tuple[Strike, frozenset[str]]] = {
    "its events answer 500": (lambda world: world.edge.fail(EVENTS), frozenset()),
    "its ladder has a gap": (
        lambda world: world.edge.spoil(EVENTS, _without_a_bracket),
        frozenset({"EVENT_NOT_PARTITION"}),
    ),
    "its rules name another station": (
        lambda world: world.edge.spoil(EVENTS, _of_another_station),
        frozenset({"STATION_MISMATCH"}),
    ),
    "its forecast answers 500": (
        lambda world: world.edge.fail(f"/gridpoints/{NEW_YORK.nws_office}/"),
        frozenset({"FORECAST_MISSING"}),
    ),
}


@pytest.mark.story("4.8", 5)
@pytest.mark.story("4.9", 1)
@pytest.mark.parametrize("name", STRIKES)
def test_city_that_fails_stops_no_other_says_why_and_comes_back_by_itself(world: World, name: str) -> None:
    strike, codes = STRIKES[name]
    strike(world)

    report = world.cycle()

    assert report.ok
    assert all(error.startswith("NYC: ") for error in report.errors)
    assert bool(report.errors) == ("500" in name)
    explained = DecisionRow.objects.values_list("city_code", "code")
    assert {code for city, code in explained if city == "NYC"} == codes
    others = Counter(city for city, _ in explained if city != "NYC")
    assert others == dict.fromkeys(NINE, MARKETS_OF_A_CITY)
    assert "FORECAST_MISSING" not in {code for city, code in explained if city != "NYC"}
    assert IntentRow.objects.exists()
    assert not IntentRow.objects.filter(city_code="NYC").exists()
    health = read_all()
    assert all(health[part].ok for part in (Component.TRADER, Component.KALSHI_API, Component.NWS_API))

    world.edge.heal()
    world.move_to(world.now + timedelta(minutes=6))
    recovered = world.cycle()
    assert (recovered.errors, recovered.cities, recovered.markets) == ((), 10, 120)
    newest = DecisionRow.objects.filter(city_code="NYC", seen_until=world.now)
    assert newest.count() == MARKETS_OF_A_CITY
    assert not set(newest.values_list("code", flat=True)) & codes


def at_risk() -> dict[str, Decimal]:
    """Dollars at cost in open positions, by cluster and in all."""
    risk: defaultdict[str, Decimal] = defaultdict(Decimal)
    for city, cost in PositionRow.objects.filter(is_open=True).values_list("market__city_code", "cost"):
        risk[load_cities()[city].cluster] += cost
        risk["ALL"] += cost
    return risk


@pytest.mark.story("4.9", 3)
@pytest.mark.story("4.9", 4)
@pytest.mark.parametrize(
    ("limits", "scope", "cap", "code"),
    [
        (Limits(total=Decimal(8)), "ALL", 8, "CAP_TOTAL"),
        (Limits(per_cluster=Decimal(8)), "CALIFORNIA", 8, "CAP_CLUSTER"),
    ],
)
def test_caps_hold_over_all_cities_and_from_turn_to_turn(
    world: World, limits: Limits, scope: str, cap: int, code: str
) -> None:
    codes: Counter[str] = Counter()
    for turn in range(2):
        world.move_to(AFTER_OPENING + turn * HALF_HOUR)
        codes.update(world.cycle(limits).codes)
        assert 0 < at_risk()[scope] <= cap

    assert codes[code] > 0, "nothing ever touched the cap: the test shows nothing"


@pytest.mark.story("4.9", 3)
def test_number_of_positions_is_capped_over_all_cities(world: World) -> None:
    for turn in range(2):
        world.move_to(AFTER_OPENING + turn * HALF_HOUR)
        report = world.cycle(Limits(max_positions=3))
        assert PositionRow.objects.filter(is_open=True).count() == 3

    assert report.codes["CAP_POSITIONS"] > 0


def test_exchange_that_rests_on_thursday_is_waited_for_and_no_alarm(world: World) -> None:
    world.move_to(datetime(2025, 11, 20, 8, 5, tzinfo=UTC))  # 03:05 in New York
    resting = world.cycle()

    assert (resting.ok, resting.intents, resting.codes) == (True, 0, {"EXCHANGE_PAUSED": 60})
    said = read_all()[Component.KALSHI_API]
    assert (said.ok, said.message) == (True, "scheduled maintenance until 10:00Z")

    world.move_to(datetime(2025, 11, 20, 10, 5, tzinfo=UTC))
    resumed = world.cycle()

    assert "EXCHANGE_PAUSED" not in resumed.codes
    assert resumed.intents > 0
    assert read_all()[Component.KALSHI_API].message == ""


@pytest.mark.story("5.3", 2)
@pytest.mark.story("5.3", 3)
def test_equity_has_a_point_for_the_end_of_each_turn_over_all_cities(world: World) -> None:
    for turn in range(2):
        world.move_to(AFTER_OPENING + turn * HALF_HOUR)
        world.cycle()

    assert roll_up_equity(MODE) == 2
    points = EquityRow.objects.order_by("at").values_list("at", "total_equity")
    cycles = CycleRow.objects.order_by("started_at")
    assert list(points) == [
        (cycle.started_at, 10_000 + cycle.realized_pnl + cycle.unrealized_pnl)  # type: ignore[operator]
        for cycle in cycles
    ]
    assert PositionRow.objects.filter(is_open=True).values("market__city_code").distinct().count() > 1


def test_both_events_of_a_city_open_at_once_are_each_decided_by_their_own_day(world: World) -> None:
    world.cycle()

    today, tomorrow = AFTER_OPENING.date(), AFTER_OPENING.date() + timedelta(days=1)
    listed = Counter(EventRow.objects.values_list("city_code", "event_date"))
    assert listed == {(city, day): 1 for city in TEN for day in (today, tomorrow)}
    forecasts = set(ForecastRow.objects.values_list("city_code", "event_date"))
    assert forecasts == set(listed)
    eastern = {"city_code__in": ("NYC", "MIA", "PHL", "BOS")}
    for day, is_under_way in ((today, True), (tomorrow, False)):
        nowcasts = ForecastRow.objects.filter(**eastern, event_date=day).values_list("nowcast", flat=True)
        assert {nowcast is not None for nowcast in nowcasts} == {is_under_way}
        decided = DecisionRow.objects.filter(**eastern, market__event_date=day)
        assert "DAY_UNDER_WAY" not in decided.values_list("code", flat=True)
