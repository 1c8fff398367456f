"""The delay is in the views: exact to the second, for the public role, in one transaction where now() stands still."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import ProgrammingError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.public import read_banner, read_equity, read_probabilities, read_trades, read_weather
from milkbot.core.config import TradingMode
from tests.factories import (
    SHADOW,
    ControlsFactory,
    EquityFactory,
    FillFactory,
    MarketFactory,
    OrderFactory,
    SignalFactory,
    WeatherSnapshotFactory,
    publish,
)
from tests.public_role import ActsAsPublic
from trading.domain.types import Action, Side

SQL = Path(__file__).resolve().parents[2] / "analytics" / "sql"
HOUR = timedelta(minutes=60)
SECOND = timedelta(seconds=1)
BOUNDARY = [(HOUR - SECOND, False), (HOUR, True), (HOUR + SECOND, True)]
AGES = pytest.mark.parametrize(("age", "visible"), BOUNDARY, ids=["59:59", "60:00", "60:01"])


def columns_of(view: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {view} LIMIT 0")
        return [column.name for column in cursor.description]


@AGES
@pytest.mark.story("2.8", 3)
@pytest.mark.story("5.4", 1)
def test_trade_view_at_the_boundary_shows_only_what_is_an_hour_old(
    as_public: ActsAsPublic, sql_now: datetime, age: timedelta, visible: bool
) -> None:
    publish()
    FillFactory.create(filled_at=sql_now - age)

    with as_public():
        trades = read_trades()

    assert (len(trades) == 1) is visible


@pytest.mark.story("2.8", 5)
@pytest.mark.story("5.4", 4)
@pytest.mark.story("5.4", 5)
def test_trade_view_with_recent_and_older_fills_shows_the_older_only(
    as_public: ActsAsPublic, sql_now: datetime
) -> None:
    publish()
    market = MarketFactory.create()
    for minutes in (0, 1, 30, 59):
        FillFactory.create(order__intent__market=market, filled_at=sql_now - timedelta(minutes=minutes))
    with as_public():
        assert read_trades() == ()

    older = FillFactory.create(order__intent__market=market, filled_at=sql_now - timedelta(minutes=90))
    with as_public():
        assert [trade.fill_time for trade in read_trades()] == [
            older.filled_at.replace(second=0, microsecond=0)
        ]


@pytest.mark.story("2.8", 4)
@pytest.mark.story("5.4", 2)
@pytest.mark.story("5.4", 3)
def test_trade_view_has_exactly_the_promised_columns(as_public: ActsAsPublic) -> None:
    with as_public():
        columns = columns_of("v_public_trades")

    assert columns == ["city", "market_type", "side", "qty", "price", "fill_time"]


@pytest.mark.story("2.8", 2)
@pytest.mark.parametrize(
    ("side", "action", "words", "price"),
    [
        (Side.YES, Action.BUY, "Buy YES", "0.12"),
        (Side.YES, Action.SELL, "Sell YES", "0.12"),
        (Side.NO, Action.BUY, "Buy NO", "0.88"),
        (Side.NO, Action.SELL, "Sell NO", "0.88"),
    ],
)
def test_trade_view_names_the_side_and_its_own_price(
    as_public: ActsAsPublic, sql_now: datetime, side: Side, action: Action, words: str, price: str
) -> None:
    publish()
    order = OrderFactory.create(
        intent__market=MarketFactory.create(),
        intent__side=side,
        intent__action=action,
        intent__count=Decimal(18),
    )
    FillFactory.create(order=order, filled_at=sql_now - 2 * HOUR, yes_price=Decimal("0.12"))

    with as_public():
        (trade,) = read_trades()

    assert (trade.city, trade.market_type, trade.side) == ("CHI", "74° to 75°", words)
    assert (trade.qty, trade.price) == (Decimal(18), Decimal(price))


def test_trade_view_shows_a_fill_placed_by_hand(as_public: ActsAsPublic, sql_now: datetime) -> None:
    publish()
    FillFactory.create(order=None, market=MarketFactory.create(), filled_at=sql_now - HOUR)

    with as_public():
        assert [trade.side for trade in read_trades()] == ["Buy YES"]


@pytest.mark.story("5.4", 2)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seconds=st.floats(min_value=0, max_value=7200))
def test_trade_time_when_rounded_never_releases_early(
    as_public: ActsAsPublic, sql_now: datetime, seconds: float
) -> None:
    with transaction.atomic():
        publish()
        filled_at = sql_now - timedelta(seconds=seconds)
        FillFactory.create(filled_at=filled_at)
        with as_public():
            shown = [trade.fill_time for trade in read_trades()]
        expected = [filled_at.replace(second=0, microsecond=0)] if filled_at <= sql_now - HOUR else []
        assert shown == expected
        transaction.set_rollback(True)


@AGES
def test_equity_view_at_the_boundary_shows_only_what_is_an_hour_old(
    as_public: ActsAsPublic, sql_now: datetime, age: timedelta, visible: bool
) -> None:
    publish()
    EquityFactory.create(
        mode=SHADOW, at=sql_now - age, cash=9_990, total_equity=10_010, realized_pnl=4, unrealized_pnl=6
    )
    with as_public():
        assert (len(read_equity(sql_now - timedelta(days=30))) == 1) is visible
        assert columns_of("v_public_equity") == ["at", "total_equity", "realized_pnl", "unrealized_pnl"]


@AGES
def test_signal_view_at_the_boundary_shows_only_what_is_an_hour_old(
    as_public: ActsAsPublic, sql_now: datetime, age: timedelta, visible: bool
) -> None:
    publish()
    market = MarketFactory.create()
    SignalFactory.create(market=market, p_yes=0.25, made_at=sql_now - age)
    SignalFactory.create(market=market, p_yes=0.75, made_at=sql_now - SECOND)

    with as_public():
        assert read_probabilities() == ({market.ticker: 0.25} if visible else {})
        assert columns_of("v_public_signals") == ["ticker", "p_yes", "made_at"]


@pytest.mark.parametrize(("ended", "visible"), [(HOUR, True), (HOUR + timedelta(minutes=31), False)])
def test_signal_view_tells_no_opinion_that_had_ended_by_then(
    as_public: ActsAsPublic, sql_now: datetime, ended: timedelta, visible: bool
) -> None:
    """The strategies fell silent in the afternoon: their last word of the morning is not ours of an hour ago."""
    publish()
    market = MarketFactory.create()
    SignalFactory.create(market=market, p_yes=0.25, made_at=sql_now - 8 * HOUR, seen_until=sql_now - 2 * HOUR)
    SignalFactory.create(market=market, p_yes=0.75, made_at=sql_now - 7 * HOUR, seen_until=sql_now - ended)

    with as_public():
        assert read_probabilities() == ({market.ticker: 0.75} if visible else {})


def test_delayed_views_show_the_published_mode_only(as_public: ActsAsPublic, sql_now: datetime) -> None:
    publish(mode=TradingMode.SHADOW)
    ControlsFactory.create(mode=TradingMode.LIVE, changed_at=sql_now)
    market = MarketFactory.create()
    long_ago = sql_now - 2 * HOUR
    FillFactory.create(order__intent__market=market, order__intent__mode=TradingMode.LIVE, filled_at=long_ago)
    SignalFactory.create(market=market, made_at=long_ago, mode=TradingMode.LIVE)
    EquityFactory.create(
        mode=TradingMode.LIVE, at=long_ago, cash=1, total_equity=1, realized_pnl=0, unrealized_pnl=0
    )
    with as_public():
        assert (read_trades(), read_probabilities(), read_equity(sql_now - timedelta(days=30))) == (
            (),
            {},
            (),
        )


def test_banner_view_tells_mode_profile_and_world_and_nothing_of_the_switch(as_public: ActsAsPublic) -> None:
    publish()
    with as_public():
        banner = read_banner()
        assert columns_of("v_public_banner") == ["mode", "profile", "world"]
    assert banner is not None
    assert (banner.mode, banner.profile, banner.world) == (SHADOW, "recorded", "recorded world, May 2025")


@pytest.mark.parametrize(
    ("view", "column"), [("v_public_trades", "qty"), ("v_public_equity", "at"), ("v_public_signals", "p_yes")]
)
def test_delayed_view_with_a_condition_that_tells_never_runs_it_on_hidden_rows(
    as_public: ActsAsPublic, sql_now: datetime, view: str, column: str
) -> None:
    publish()
    market = MarketFactory.create()
    FillFactory.create(order__intent__market=market, filled_at=sql_now)
    SignalFactory.create(market=market, made_at=sql_now)
    EquityFactory.create(mode=SHADOW, at=sql_now, cash=1, total_equity=5, realized_pnl=2, unrealized_pnl=2)

    with connection.cursor() as cursor:
        # Cheaper than the view's own condition, so the planner would run it first if it were allowed to.
        cursor.execute(
            "CREATE FUNCTION public.tell(anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0001 "
            "AS $$ BEGIN RAISE EXCEPTION 'seen: %', $1; END $$"
        )
        with as_public():
            cursor.execute(f"SELECT count(*) FROM {view} WHERE public.tell({column})")
            assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("table", ["fills", "orders", "signals", "controls", "cycles", "equity_curve"])
def test_public_role_reads_no_table(as_public: ActsAsPublic, table: str) -> None:
    with as_public(), pytest.raises(ProgrammingError), transaction.atomic():
        columns_of(table)


@pytest.mark.story("2.8", 1)
def test_analytics_schema_when_migrated_holds_every_view_of_its_folder(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT viewname FROM pg_views WHERE schemaname = 'analytics'")
        views = {name for (name,) in cursor.fetchall()}

    assert views == {path.stem for path in SQL.glob("*.sql")}


def test_weather_view_in_the_evening_keeps_the_high_last_said_of_the_day(sql_now: datetime) -> None:
    noon, evening, night = (sql_now - timedelta(hours=hours) for hours in (9, 2, 1))
    today, tomorrow = "2025-05-14", "2025-05-15"
    both = [{"day": today, "high_f": 74}, {"day": tomorrow, "high_f": 80}]
    for captured_at, highs in ((noon, both), (evening, both[1:]), (night, both[1:])):
        WeatherSnapshotFactory.create(
            city_code="CHI",
            captured_at=captured_at,
            last_seen_at=captured_at,
            issued_at=captured_at,
            highs=highs,
        )

    said = read_weather()["CHI"].highs

    assert [(high.day.isoformat(), high.high_f, high.issued_at) for high in said] == [
        (today, 74, noon),
        (tomorrow, 80, None),
    ]
