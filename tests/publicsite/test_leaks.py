"""Nothing of our trading leaves before its 60 minutes: not by a byte, a header or a status of any public URL.

SQL's now() stands still in a test's transaction, and so does the application's clock here: what differs between two
readings comes from the rows put between them.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from django.apps import apps
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from analytics.models import EquityRow, SkillEventRow, SkillScoreRow
from markets.models import MarketRow
from milkbot.core.climate_day import climate_day
from milkbot.core.health import Component
from milkbot.health import beat
from publicsite.regions import REGIONS
from tests.factories import (
    CycleFactory,
    DecisionFactory,
    DepositFactory,
    EnsembleWeightsFactory,
    EquityFactory,
    ExternalOrderFactory,
    ExternalPositionFactory,
    FillFactory,
    IntentFactory,
    LedgerFactory,
    LiveArmingFactory,
    LockFactory,
    MarketSnapshotFactory,
    OperatorActionFactory,
    OrderEventFactory,
    OrderFactory,
    PositionFactory,
    ReconciliationFactory,
    RiskEventFactory,
    SettlementFactory,
    SignalFactory,
    SkillEventFactory,
    SkillScoreFactory,
    StrategyGateFactory,
    TraderLeaseFactory,
    WeatherSnapshotFactory,
    make_ladder,
    publish,
)
from tests.public_role import ActsAsPublic
from tests.publicsite.conftest import SetClock
from trading.models import (
    ControlsRow,
    CycleRow,
    DecisionRow,
    EnsembleWeightsRow,
    ExternalOrderRow,
    ExternalPositionRow,
    FillRow,
    IntentRow,
    LedgerRow,
    LiveArmingRow,
    LockRow,
    OperatorActionRow,
    OrderEventRow,
    OrderRow,
    PositionRow,
    ReconciliationRow,
    RiskEventRow,
    SettlementRow,
    SignalRow,
    StrategyGateRow,
    TraderLeaseRow,
)

HOUR: Final = timedelta(minutes=60)
SECOND: Final = timedelta(seconds=1)

URLS: Final = {
    "page": ["/", "/?anything=1"],
    "fragment": [*(f"/fragments/{name}" for name in REGIONS), "/fragments/orders"],
    "healthz": ["/healthz"],
    "favicon": ["/favicon.ico"],
    "robots": ["/robots.txt"],
}
"""What a visitor can ask for, by the name of the URL pattern; a test keeps it complete."""

Answer = tuple[int, tuple[tuple[str, str], ...], bytes]
Reading = dict[str, Answer]


def _resting_order(market: MarketRow, at: datetime) -> None:
    OrderFactory.create(intent__market=market, intent__decided_at=at, created_at=at, state="RESTING")


def _fill(market: MarketRow, at: datetime) -> None:
    order = OrderFactory.create(intent__market=market, intent__decided_at=at, created_at=at, state="FILLED")
    FillFactory.create(order=order, filled_at=at)


def _ledger(market: MarketRow, at: datetime) -> None:
    LedgerFactory.create(kind="external", amount=Decimal("-25"), fill=None, at=at)


def _own_lock(market: MarketRow, at: datetime) -> None:
    LockFactory.create(
        scope="CHI", code="LOSS_LIMIT", message="lost $260 of $250", from_own_trading=True, locked_at=at
    )


def _scored(market: MarketRow, at: datetime) -> None:
    """An event of yesterday, settled and scored at `at`."""
    SkillEventFactory.create(event_date=market.event_date - timedelta(days=1), settled_at=at, scored_at=at)


def _switch(market: MarketRow, at: datetime) -> None:
    ControlsRow.objects.update(state="HALTED", reason="drawdown of $300", changed_at=at)


PUT: Final[dict[type[Model], Callable[[MarketRow, datetime], Any]]] = {
    FillRow: _fill,
    SignalRow: lambda market, at: SignalFactory.create(market=market, made_at=at, p_yes=0.99),
    EquityRow: lambda market, at: EquityFactory.create(at=at, realized_pnl=Decimal(-200)),
    LockRow: _own_lock,
    SkillEventRow: _scored,
    SkillScoreRow: lambda market, at: SkillScoreFactory.create(at=at),
    OrderRow: _resting_order,
    OrderEventRow: lambda market, at: OrderEventFactory.create(order__intent__market=market, at=at),
    IntentRow: lambda market, at: IntentFactory.create(market=market, decided_at=at),
    PositionRow: lambda market, at: PositionFactory.create(market=market, opened_at=at),
    CycleRow: lambda market, at: CycleFactory.create(started_at=at, realized_pnl=Decimal(-200)),
    EnsembleWeightsRow: lambda market, at: EnsembleWeightsFactory.create(learned_at=at, learned_until=at),
    DecisionRow: lambda market, at: DecisionFactory.create(market=market, decided_at=at),
    SettlementRow: lambda market, at: SettlementFactory.create(market=market, settled_at=at, booked_at=at),
    LedgerRow: _ledger,
    RiskEventRow: lambda market, at: RiskEventFactory.create(at=at, message="lost $200"),
    OperatorActionRow: lambda market, at: OperatorActionFactory.create(at=at),
    TraderLeaseRow: lambda market, at: TraderLeaseFactory.create(acquired_at=at, expires_at=at),
    ControlsRow: _switch,
    ReconciliationRow: lambda market, at: ReconciliationFactory.create(at=at, drift=[{"what": "cash"}]),
    ExternalOrderRow: lambda market, at: ExternalOrderFactory.create(market_ticker=market.ticker, seen_at=at),
    ExternalPositionRow: lambda market, at: ExternalPositionFactory.create(
        market_ticker=market.ticker, seen_at=at
    ),
    StrategyGateRow: lambda market, at: StrategyGateFactory.create(decided_at=at),
    LiveArmingRow: lambda market, at: LiveArmingFactory.create(armed_at=at, expires_at=at + HOUR),
}
"""How each fact of our trading comes to be at a time; a test keeps it complete."""

RELEASED: Final[dict[type[Model], set[str]]] = {
    FillRow: {"/fragments/trades", "/fragments/result"},
    SignalRow: {"/fragments/tiles"},
    EquityRow: {"/fragments/result", "/fragments/equity"},
    SkillEventRow: {"/fragments/skill"},
    LockRow: {"/fragments/tiles", "/fragments/health"},
}
"""Where a fact shows once it is old enough, besides the page; the others never show."""

SHOWN: Final = [pytest.param(model, id=model.__name__) for model in RELEASED]
HIDDEN: Final = [pytest.param(model, id=model.__name__) for model in PUT if model not in RELEASED]
KINDS: Final = [*SHOWN, *HIDDEN]


@pytest.fixture
def still(set_clock: SetClock, sql_now: datetime) -> datetime:
    """The application's clock stands at this transaction's now()."""
    set_clock(sql_now)
    return sql_now


@pytest.fixture
def market(still: datetime) -> MarketRow:
    """A bracket of today's event on a page where everything that is ever shown is shown already."""
    publish()
    DepositFactory.create(at=still - 3 * HOUR)
    for component in Component:
        beat(component)
    today = climate_day(still, -6)
    WeatherSnapshotFactory.create(captured_at=still, day=today)
    markets = make_ladder(event_date=today, close_at=still + 3 * HOUR)
    for each in markets:
        MarketSnapshotFactory.create(market=each, captured_at=still)
    for model in (FillRow, EquityRow):
        PUT[model](markets[2], still - 2 * HOUR)
    SignalFactory.create(market=markets[2], made_at=still - 2 * HOUR, p_yes=0.25)
    return markets[2]


def _answer(visitor: Client, url: str, **headers: str) -> Answer:
    response = visitor.get(url, headers=headers)
    kept = sorted((name, value) for name, value in response.headers.items() if name != "Date")
    return response.status_code, tuple(kept), response.content


def read_all(visitor: Client, as_public: ActsAsPublic) -> Reading:
    """Every public URL as a stranger gets it, read as the role the public process has."""
    with as_public():
        return {url: _answer(visitor, url) for urls in URLS.values() for url in urls}


def changed(before: Reading, after: Reading) -> set[str]:
    return {url for url in before if before[url] != after[url]}


def _names(resolver: URLResolver) -> set[str]:
    names: set[str] = set()
    for entry in resolver.url_patterns:
        names |= {str(entry.name)} if isinstance(entry, URLPattern) else _names(entry)
    return names


def test_cases_name_every_public_url() -> None:
    assert _names(get_resolver("milkbot.urls.public")) == set(URLS)


def test_cases_name_every_table_of_trading() -> None:
    assert {*apps.get_app_config("trading").get_models(), EquityRow, SkillEventRow, SkillScoreRow} == set(PUT)


@pytest.mark.story("6.4", 4)
@pytest.mark.parametrize("age", [timedelta(), HOUR - SECOND], ids=["now", "59:59"])
@pytest.mark.parametrize("kind", KINDS)
def test_trading_fact_younger_than_an_hour_changes_no_byte_header_or_status(
    visitor: Client,
    as_public: ActsAsPublic,
    market: MarketRow,
    still: datetime,
    kind: type[Model],
    age: timedelta,
) -> None:
    before = read_all(visitor, as_public)

    PUT[kind](market, still - age)

    assert changed(before, read_all(visitor, as_public)) == set()


@pytest.mark.parametrize("kind", SHOWN)
def test_trading_fact_of_an_hour_shows_exactly_then_and_nowhere_else(
    visitor: Client,
    as_public: ActsAsPublic,
    market: MarketRow,
    still: datetime,
    kind: type[Model],
) -> None:
    before = read_all(visitor, as_public)

    PUT[kind](market, still - HOUR)

    after = read_all(visitor, as_public)
    assert changed(before, after) == {*URLS["page"], *RELEASED[kind]}
    assert {after[url][0] for url in changed(before, after)} == {200}


@pytest.mark.parametrize("kind", HIDDEN)
def test_trading_fact_that_is_nobodys_business_never_shows(
    visitor: Client,
    as_public: ActsAsPublic,
    market: MarketRow,
    still: datetime,
    kind: type[Model],
) -> None:
    before = read_all(visitor, as_public)

    PUT[kind](market, still - 2 * HOUR)

    assert changed(before, read_all(visitor, as_public)) == set()


def test_every_trading_fact_at_once_leaves_conditional_requests_unmodified(
    visitor: Client, market: MarketRow, still: datetime
) -> None:
    etag = visitor.get("/")["ETag"]
    shown = {name: _version(visitor.get(f"/fragments/{name}").content.decode()) for name in REGIONS}

    for put in PUT.values():
        put(market, still - HOUR + SECOND)

    assert _answer(visitor, "/", **{"if-none-match": etag})[0] == 304
    for name, version in shown.items():
        assert _answer(visitor, f"/fragments/{name}?v={version}")[0] == 204


def test_fragment_that_a_released_fact_changes_is_sent_at_the_next_poll(
    visitor: Client, market: MarketRow, still: datetime
) -> None:
    shown = _version(visitor.get("/fragments/trades").content.decode())

    PUT[FillRow](market, still - HOUR)

    assert visitor.get(f"/fragments/trades?v={shown}").status_code == 200


@pytest.mark.parametrize(
    ("age", "seen"),
    [(timedelta(), False), (HOUR - SECOND, False), (HOUR, True)],
    ids=["now", "59:59", "60:00"],
)
def test_end_of_a_lock_of_our_own_shows_an_hour_late_too(
    visitor: Client,
    as_public: ActsAsPublic,
    market: MarketRow,
    still: datetime,
    age: timedelta,
    seen: bool,
) -> None:
    _own_lock(market, still - 3 * HOUR)
    before = read_all(visitor, as_public)

    LockRow.objects.update(cleared_at=still - age, cleared_by="ann")

    assert bool(changed(before, read_all(visitor, as_public))) is seen


def test_lock_of_our_own_never_tells_its_figures(visitor: Client, market: MarketRow, still: datetime) -> None:
    _own_lock(market, still - 3 * HOUR)

    html = visitor.get("/").content.decode()

    assert "loss limit" in html
    assert "260" not in html


def test_lock_of_the_weather_shows_at_once_and_ends_at_once(
    visitor: Client, market: MarketRow, still: datetime
) -> None:
    lock = LockFactory.create(scope="CHI", code="SKEW", message="Clocks differ", locked_at=still)
    assert "Clocks differ" in visitor.get("/fragments/tiles").content.decode()

    LockRow.objects.filter(pk=lock.pk).update(cleared_at=still, cleared_by="system")
    assert "Clocks differ" not in visitor.get("/fragments/tiles").content.decode()


def test_lock_of_another_mode_does_not_show(visitor: Client, market: MarketRow, still: datetime) -> None:
    LockFactory.create(mode="DEMO", message="Clocks differ", locked_at=still)

    assert "Clocks differ" not in visitor.get("/fragments/tiles").content.decode()


def _version(html: str) -> str:
    return html.partition("?v=")[2].partition('"')[0]
