"""A whole recorded day over the wire: read, decide, fill, hold, settle at the true result, and books that add up."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from markets.models import EventRow, MarketRow, MarketSnapshotRow
from tests.e2e.world import MODE, World, running_world
from trading.models import (
    CycleRow,
    DecisionRow,
    FillRow,
    IntentRow,
    LedgerRow,
    OrderRow,
    PositionRow,
    SettlementRow,
)

pytestmark = pytest.mark.django_db

SAMPLE = Path(__file__).resolve().parents[2] / "sandbox" / "sample"
LADDERS = Path(__file__).resolve().parents[3] / "shared" / "data"
STEP = timedelta(minutes=30)


@pytest.fixture
def sample_world(tmp_path: Path) -> Iterator[World]:
    with running_world(SAMPLE, None, tmp_path) as world:
        yield world


@pytest.fixture
def chicago(tmp_path: Path) -> Iterator[World]:
    if not LADDERS.is_dir():
        pytest.skip("the recorded data are not beside the project")
    with running_world(LADDERS, date(2025, 5, 14), tmp_path, depth=40) as world:
        yield world


def money_by_hand() -> tuple[Decimal, Decimal, Decimal]:
    """Cash, fees and profit from fills and final results alone: each bid gains V - p, each ask p - V."""
    cash, fees, profit = Decimal(10_000), Decimal(0), Decimal(0)
    for fill in FillRow.objects.select_related("market"):
        value = {"yes": Decimal(1), "no": Decimal(0)}[fill.market.result]
        gain = (value - fill.yes_price) * fill.count * (1 if fill.book_side == "bid" else -1)
        raw_fee = Decimal("0.07") * fill.count * fill.yes_price * (1 - fill.yes_price)
        assert 0 <= fill.fee - raw_fee < Decimal("0.0001"), "the fee is the exact one rounded up to $0.0001"
        fees += fill.fee
        profit += gain
    return cash + profit - fees, fees, profit


def check_books() -> None:
    """Everything derived agrees with the fills."""
    cash, fees, profit = money_by_hand()
    assert sum(LedgerRow.objects.values_list("amount", flat=True)) == cash
    assert sum(PositionRow.objects.values_list("fees", flat=True)) == fees
    assert sum(PositionRow.objects.values_list("realized_pnl", flat=True)) == profit
    assert not PositionRow.objects.filter(is_open=True).exists()
    assert set(OrderRow.objects.values_list("state", flat=True)) == {"CLOSED"}
    last = CycleRow.objects.order_by("-started_at")[0]
    assert (last.cash, last.realized_pnl, last.unrealized_pnl) == (cash, profit - fees, Decimal(0))


def run_to_the_end(world: World) -> None:
    reports = world.run(world.opens_at + timedelta(hours=47), STEP)
    assert all(report.ok and not report.errors for report in reports), [r.errors for r in reports if r.errors]


@pytest.mark.story("9.1", 1)
@pytest.mark.story("9.1", 2)
def test_sample_day_runs_end_to_end_and_its_books_add_up(sample_world: World) -> None:
    run_to_the_end(sample_world)

    assert FillRow.objects.exists(), "the sample day offers something to trade"
    assert SettlementRow.objects.count() == PositionRow.objects.count()
    check_books()


def test_chicago_day_settles_at_its_true_result(chicago: World) -> None:
    run_to_the_end(chicago)

    winner = MarketRow.objects.get(result="yes")
    assert winner.ticker.endswith("-T78"), "80 °F on 2025-05-14: the upper tail won (events.csv)"
    assert winner.expiration_value == "80.00"
    assert set(MarketRow.objects.exclude(pk=winner.pk).values_list("result", flat=True)) == {"no"}
    assert FillRow.objects.exists()
    check_books()


def test_chicago_day_explains_every_market_of_every_cycle(chicago: World) -> None:
    reports = chicago.run(chicago.opens_at + timedelta(hours=20), STEP)

    assert {report.markets for report in reports} == {6}
    for report in reports:
        covered = DecisionRow.objects.filter(
            decided_at__lte=report.started_at, seen_until__gte=report.started_at
        )
        assert covered.count() == 6
    assert IntentRow.objects.count() == OrderRow.objects.count()
    assert set(OrderRow.objects.values_list("mode", flat=True)) == {MODE.value}


def test_chicago_day_never_shows_a_price_from_the_future(chicago: World) -> None:
    """What was stored at a time is what the recording knew by then: a row's stamp never precedes its minute's end."""
    chicago.run(chicago.opens_at + timedelta(hours=3), STEP)

    assert EventRow.objects.get().cli_code == "CLIMDW"
    assert MarketSnapshotRow.objects.exists()
    assert not MarketSnapshotRow.objects.filter(captured_at__gt=chicago.now).exists()


def test_recorded_day_when_halted_overnight_then_trades_nothing_and_settles_nothing(
    sample_world: World,
) -> None:
    sample_world.control(do="fault", match="GET /trade-api/v2/exchange/status", kind="5xx", rate=1.0)

    reports = sample_world.run(sample_world.opens_at + timedelta(hours=2), STEP)

    assert {code for report in reports for code in report.codes} == {"EXCHANGE_PAUSED"}
    assert all(report.errors for report in reports)
    assert not IntentRow.objects.exists()
