"""A past filled in by the real engine: its books add up, nothing lies in the future, and it is not taken for life."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Max, Min, Sum

from analytics.models import EquityRow
from analytics.rollups.equity import roll_up_equity
from analytics.status import collect_status
from markets.models import MarketRow, MarketSnapshotRow
from milkbot.core.config import TradingMode
from milkbot.core.health import Component
from milkbot.health import DEGRADED_AFTER, read_all
from tests.trading.backtest.recordings import write_days
from trading.backtest.history import HistoryRefused, HistoryReport, fill_history
from trading.backtest.recorded import read_recorded
from trading.backtest.replay_sources import ReplaySources
from trading.cycle import Settings, run_cycle
from trading.models import (
    CycleRow,
    DecisionRow,
    FillRow,
    LedgerRow,
    OrderEventRow,
    OrderRow,
    PositionRow,
    SettlementRow,
)
from trading.oms.lease import take_lease
from weather.models import WeatherSnapshotRow

pytestmark = pytest.mark.django_db

FIRST = date(2026, 9, 15)
START = datetime(2026, 9, 14, 14, tzinfo=UTC)
END = datetime(2026, 9, 16, 14, tzinfo=UTC)
SETTINGS = Settings(mode=TradingMode.SHADOW, cities=("CHI", "SEA"), capital=Decimal(10_000))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_days(tmp_path, SETTINGS.cities, FIRST, 3, every=timedelta(hours=2), cheap="B74.5")


def fill(data: Path, start: datetime = START, end: datetime = END, now: datetime = END) -> HistoryReport:
    return fill_history(data, start, end, SETTINGS, now)


def test_history_leaves_what_a_live_run_would_have_left(data: Path) -> None:
    report = fill(data)

    assert report.cycles == CycleRow.objects.filter(ok=True).count() > 24
    assert report.fills == OrderRow.objects.filter(filled_count__gt=0).count() > 0
    assert set(
        MarketRow.objects.filter(event_date__lt=date(2026, 9, 16)).values_list("status", flat=True)
    ) == {"finalized"}
    assert report.settled == SettlementRow.objects.count() > 0
    assert WeatherSnapshotRow.objects.filter(city_code="SEA").exists()
    paid = sum(
        (Decimal(row.market.result == "yes") - row.yes_price)
        * row.count
        * (1 if row.book_side == "bid" else -1)
        for row in FillRow.objects.filter(market__status="finalized").select_related("market")
    )
    assert SettlementRow.objects.aggregate(total=Sum("pnl"))["total"] == paid == report.pnl
    last = CycleRow.objects.latest("started_at")
    assert last.cash == LedgerRow.objects.aggregate(total=Sum("amount"))["total"]
    for cycle in CycleRow.objects.all():
        covering = DecisionRow.objects.filter(
            decided_at__lte=cycle.started_at, seen_until__gte=cycle.started_at
        )
        assert covering.count() == cycle.markets


def test_no_row_of_history_is_younger_than_its_end(data: Path) -> None:
    end = datetime(2026, 9, 15, 9, tzinfo=UTC)
    fill(data, end=end)
    for rows, column in (
        (CycleRow, "started_at"),
        (DecisionRow, "seen_until"),
        (OrderEventRow, "at"),
        (FillRow, "filled_at"),
        (LedgerRow, "at"),
        (PositionRow, "updated_at"),
        (MarketSnapshotRow, "last_seen_at"),
        (WeatherSnapshotRow, "last_seen_at"),
    ):
        bounds = rows.objects.aggregate(first=Min(column), last=Max(column))
        assert START <= bounds["first"] <= bounds["last"] <= end, rows.__name__
    assert not MarketRow.objects.exclude(result="").exists()


def test_turns_of_history_decide_what_single_live_turns_decide(data: Path) -> None:
    """The first turn of a history and a live turn over the same past are the same decision."""
    now = START + timedelta(hours=1)
    replay = ReplaySources(read_recorded(data, now, cities=SETTINGS.cities)).sources()
    live = run_cycle(now, SETTINGS, sources=replay, dry_run=True)
    fill(data, start=now, end=now + timedelta(minutes=1))
    stored = CycleRow.objects.get()
    assert (stored.codes, stored.intents, stored.markets) == (dict(live.codes), live.intents, live.markets)


def test_history_is_not_mistaken_for_life(data: Path) -> None:
    fill(data, end=START + timedelta(hours=8))
    wall_now = END + timedelta(days=1)

    state = collect_status(TradingMode.SHADOW, now=wall_now, wall_now=wall_now)

    assert read_all() == {}, "no component gave a sign of life"
    assert state.last_cycle is not None
    assert state.last_cycle.age_s > DEGRADED_AFTER[Component.TRADER].total_seconds()
    assert not state.healthy


def test_first_live_turn_after_history_is_the_last_cycle_and_trades_on_with_its_books(data: Path) -> None:
    end = START + timedelta(hours=8)
    report = fill(data, end=end)
    assert report.valuation is not None
    take_lease(TradingMode.SHADOW, "another-host/7/1.00")
    replay = ReplaySources(read_recorded(data, END, cities=SETTINGS.cities)).sources()

    live = run_cycle(end, SETTINGS, sources=replay, holder="another-host/7/1.00")

    assert live.valuation is not None
    assert live.valuation.cash == LedgerRow.objects.aggregate(total=Sum("amount"))["total"]
    assert LedgerRow.objects.filter(kind="deposit").count() == 1
    state = collect_status(TradingMode.SHADOW, now=END, wall_now=datetime.now(UTC))
    assert state.last_cycle is not None
    assert state.last_cycle.age_s < 60


def test_equity_of_history_is_rolled_up_point_by_point(data: Path) -> None:
    report = fill(data, end=START + timedelta(hours=8))
    assert roll_up_equity(TradingMode.SHADOW) == EquityRow.objects.count() == report.cycles
    assert roll_up_equity(TradingMode.SHADOW) == 0
    last = EquityRow.objects.latest("at")
    assert last.total_equity == 10_000 + last.realized_pnl + last.unrealized_pnl


def test_database_that_has_lived_is_refused(data: Path) -> None:
    fill(data, end=START + timedelta(hours=1))
    with pytest.raises(HistoryRefused, match="already has SHADOW cycles"):
        fill(data)


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        (START, END + timedelta(seconds=1), "has not come yet"),
        (END, END, "nothing lies between"),
        (START - timedelta(days=30), START - timedelta(days=20), "holds no event"),
    ],
)
def test_time_that_cannot_be_filled_is_refused_and_nothing_written(
    data: Path, start: datetime, end: datetime, why: str
) -> None:
    with pytest.raises(HistoryRefused, match=why):
        fill(data, start, end)
    assert not CycleRow.objects.exists()


def test_command_fills_the_days_named_and_says_what_it_did(data: Path) -> None:
    said = StringIO()
    call_command("fill_history", "--data", data, "--from", "2026-09-15", "--to", "2026-09-15", stdout=said)
    assert said.getvalue().startswith("2026-09-15 00:00Z to 2026-09-16 00:00Z: ")
    with pytest.raises(CommandError, match="already has SHADOW cycles"):
        call_command("fill_history", "--data", data, "--from", "2026-09-15", "--to", "2026-09-15")


def test_command_on_a_folder_that_is_no_recording_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"holds no kalshi/ladders/events\.csv"):
        call_command("fill_history", "--data", tmp_path)


def test_recorded_chicago_day_settles_at_its_true_result(shared_data: Path) -> None:
    chicago = Settings(mode=TradingMode.SHADOW, cities=("CHI",), capital=Decimal(10_000))
    start, end = datetime(2025, 5, 14, 5, tzinfo=UTC), datetime(2025, 5, 15, 13, tzinfo=UTC)
    fill_history(shared_data, start, end, chicago, datetime(2026, 11, 20, tzinfo=UTC))
    winner = MarketRow.objects.get(result="yes")
    assert (winner.ticker, winner.expiration_value) == ("KXHIGHCHI-25MAY14-T78", "80.00")
