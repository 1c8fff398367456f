"""LIVE from end to end on a sandbox account: it reads and decides unarmed, and sends only while a person has armed it."""

import logging
from datetime import timedelta
from decimal import Decimal

import pytest

from milkbot.core.config import TradingMode
from tests.factories import admit_strategies
from tests.faults.bench import CYCLE, HOLDER, LAG, Bench
from tests.faults.books import CANCEL, PLACE
from tests.trading.makers import ALONE
from trading.arming import arm_live, disarm_live
from trading.cycle import Settings, run_cycle
from trading.cycle_report import CycleReport
from trading.domain.types import OrderState, ReasonCode
from trading.models import IntentRow, OrderRow, ReconciliationRow

LIVE = TradingMode.LIVE


def turn(bench: Bench) -> CycleReport:
    settings = Settings(mode=LIVE, cities=bench.cities, capital=Decimal(10_000), weights=ALONE)
    return run_cycle(bench.now, settings, sources=bench.sources, exchange=bench.exchange, holder=HOLDER)


def arm() -> None:
    admit_strategies()
    arm_live(timedelta(hours=1), actor="ada", user_id=None, reason="first day")


@pytest.mark.story("4.10", 3)
def test_live_unarmed_reads_and_decides_and_sends_nothing(bench: Bench) -> None:
    admit_strategies()
    report = turn(bench)

    assert bench.front.count(PLACE) == 0
    assert not OrderRow.objects.exists()
    assert report.codes[ReasonCode.TRADING_HALTED]
    assert ReconciliationRow.objects.get().mode == LIVE


@pytest.mark.story("4.10", 3)
@pytest.mark.story("4.10", 4)
def test_live_armed_sends_and_every_order_says_live(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    arm()
    with caplog.at_level(logging.INFO, logger="milkbot"):
        turn(bench)

    sent = [record for record in caplog.records if record.getMessage() == "order sent"]
    assert len(sent) == bench.front.count(PLACE) > 0
    assert {record.__dict__["mode"] for record in sent} == {"LIVE"}
    assert set(OrderRow.objects.values_list("mode", flat=True)) == {"LIVE"}
    assert all(IntentRow.objects.values_list("contributors", flat=True))


def test_live_sends_nothing_for_a_strategy_whose_gate_is_shut(bench: Bench) -> None:
    """Armed by the gate of another one, which never speaks."""
    admit_strategies("silent")
    arm_live(timedelta(hours=1), actor="ada", user_id=None, reason="first day")

    report = turn(bench)

    assert bench.front.count(PLACE) == 0
    assert report.markets


def test_live_disarmed_takes_what_rests_out_of_the_book_and_adds_nothing(bench: Bench) -> None:
    arm()
    turn(bench)
    bench.wait(LAG)
    placed = bench.front.count(PLACE)
    assert OrderRow.objects.filter(state=OrderState.RESTING).exists()

    disarm_live(actor="ada", user_id=None, reason="enough")
    for _ in range(2):
        bench.wait(CYCLE)
        turn(bench)

    assert bench.front.count(PLACE) == placed
    assert bench.front.count(CANCEL) > 0
    assert not [order for order in bench.member.orders.values() if order.status == "resting"]
