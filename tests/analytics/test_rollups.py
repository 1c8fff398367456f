from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.models import EquityRow
from analytics.public import read_equity
from analytics.rollups.equity import roll_up_equity
from milkbot.core.config import TradingMode
from tests.factories import NOON, SHADOW, CycleFactory, DepositFactory, FailedCycleFactory, publish
from trading.models import CycleRow

MINUTE = timedelta(minutes=1)
amounts = st.decimals(min_value=-9_999, max_value=9_999, places=6)


@pytest.mark.story("5.3", 1)
@pytest.mark.story("5.3", 2)
def test_roll_up_after_cycles_holds_one_point_for_the_end_of_each(db: None) -> None:
    DepositFactory.create()
    for turn in range(3):
        CycleFactory.create(
            started_at=NOON + turn * MINUTE,
            realized_pnl=Decimal(f"{turn}.25"),
            unrealized_pnl=Decimal("-0.75"),
        )

    assert roll_up_equity(SHADOW) == 3

    points = EquityRow.objects.order_by("at").values_list(
        "at", "total_equity", "realized_pnl", "unrealized_pnl"
    )
    assert list(points) == [
        (NOON + turn * MINUTE, Decimal(f"{9999 + turn}.5"), Decimal(f"{turn}.25"), Decimal("-0.75"))
        for turn in range(3)
    ]


@pytest.mark.story("5.3", 3)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(deposit=st.decimals(min_value=1, max_value=100_000, places=2), realized=amounts, unrealized=amounts)
def test_equity_is_starting_capital_plus_realized_plus_unrealized(
    db: None, deposit: Decimal, realized: Decimal, unrealized: Decimal
) -> None:
    with transaction.atomic():
        DepositFactory.create(amount=deposit)
        CycleFactory.create(realized_pnl=realized, unrealized_pnl=unrealized)
        roll_up_equity(SHADOW)
        assert EquityRow.objects.get().total_equity == deposit + realized + unrealized
        transaction.set_rollback(True)


def test_roll_up_when_run_again_adds_nothing(db: None) -> None:
    DepositFactory.create()
    CycleFactory.create()

    assert (roll_up_equity(SHADOW), roll_up_equity(SHADOW)) == (1, 0)


@pytest.mark.story("5.3", 4)
def test_roll_up_over_gaps_and_failed_cycles_leaves_them_out(db: None) -> None:
    DepositFactory.create()
    CycleFactory.create(started_at=NOON, realized_pnl=Decimal("1"))
    FailedCycleFactory.create(started_at=NOON + MINUTE)
    CycleFactory.create(started_at=NOON + timedelta(hours=5), realized_pnl=Decimal("2"))

    assert roll_up_equity(SHADOW) == 2
    CycleFactory.create(started_at=NOON + timedelta(days=9), realized_pnl=Decimal("3"))
    assert roll_up_equity(SHADOW) == 1

    assert list(EquityRow.objects.order_by("at").values_list("realized_pnl", flat=True)) == [1, 2, 3]


def test_roll_up_finds_a_cycle_written_late(db: None) -> None:
    DepositFactory.create()
    CycleFactory.create(started_at=NOON)
    roll_up_equity(SHADOW)
    CycleFactory.create(started_at=NOON - MINUTE)

    assert roll_up_equity(SHADOW) == 1


def test_roll_up_without_a_deposit_copies_nothing(db: None) -> None:
    CycleFactory.create()

    assert roll_up_equity(SHADOW) == 0


def test_roll_up_keeps_modes_apart(db: None) -> None:
    for mode, deposit in ((SHADOW, "10000"), (TradingMode.DEMO, "500")):
        DepositFactory.create(mode=mode, amount=Decimal(deposit))
        CycleFactory.create(mode=mode, realized_pnl=Decimal("5"))

    assert roll_up_equity(TradingMode.DEMO) == 1
    assert list(EquityRow.objects.values_list("mode", "total_equity")) == [("DEMO", Decimal(505))]


@pytest.mark.story("5.3", 5)
def test_equity_for_a_chart_over_a_month_of_minutes_is_binned_and_ends_with_the_newest_point(
    db: None,
) -> None:
    publish()
    DepositFactory.create()
    template = CycleFactory.create(started_at=NOON)
    CycleRow.objects.bulk_create(
        CycleRow(
            mode=SHADOW,
            started_at=NOON + turn * MINUTE,
            finished_wall_at=NOON + turn * MINUTE,
            duration_ms=1,
            ok=True,
            cash=template.cash,
            realized_pnl=Decimal(turn),
            unrealized_pnl=Decimal(0),
        )
        for turn in range(1, 5_000)
    )
    roll_up_equity(SHADOW)

    points = read_equity(NOON)

    assert 300 < len(points) <= 362
    assert [point.at for point in points] == sorted(point.at for point in points)
    assert points[-1].total_equity == Decimal(10_000 + 4_999)


def test_command_rolls_up_every_mode_and_says_how_much(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("roll_up_equity")
    assert capsys.readouterr().out == "0 points added to the equity curve\n"
