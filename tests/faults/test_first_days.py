"""DEMO from the first turn to the payout, over real HTTP: both kinds of orders, fills, settlement, and equal books."""

from datetime import timedelta
from decimal import Decimal

import pytest

from markets.domain.order_request import TimeInForce
from tests.faults.bench import Bench
from tests.faults.books import resting
from trading.domain.types import OrderState
from trading.models import FillRow, OrderRow, PositionRow, SettlementRow

TWO_HOURS = timedelta(hours=2)
PART = Decimal(3)
"""What a stranger takes of a quote of ours: the simulated traders come to one so rarely that two days may pass."""


@pytest.mark.slow
def test_demo_trades_two_days_and_ends_with_the_exchange_s_own_books(bench: Bench) -> None:
    bench.cycle()
    bench.take(resting(), PART)
    for _ in range(20):
        bench.turns(3)
        bench.wait(TWO_HOURS)
        bench.recover(1)
        bench.settle()
        assert bench.complaints() == []

    kinds = dict(OrderRow.objects.filter(filled_count__gt=0).values_list("time_in_force", "post_only"))
    assert kinds == {TimeInForce.IOC: False, TimeInForce.GTC: True}, "both kinds were sent, and both filled"
    assert SettlementRow.objects.exists()
    assert not PositionRow.objects.filter(is_open=True, market__close_at__lt=bench.now - timedelta(hours=12))


@pytest.mark.story("9.1", 1)
def test_demo_takes_rests_and_fills_in_its_first_turns(bench: Bench) -> None:
    bench.cycle()
    bench.recover(3)

    assert bench.complaints() == []
    states = set(OrderRow.objects.values_list("time_in_force", "state"))
    assert (TimeInForce.IOC, OrderState.FILLED) in states
    assert (TimeInForce.GTC, OrderState.RESTING) in states
    assert FillRow.objects.exists()
