"""Fills that come in any order, twice, before the acknowledgement, in the midst of a cancel, or beyond what was ordered."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.faults.bench import LAG, MODE, Bench
from tests.faults.books import (
    CANCEL,
    PLACE,
    is_recovered,
    locks,
    orders,
    resting,
    some_slow,
    state_of,
    takers,
)
from tests.faults.mishaps import overfill
from trading.controls import get_trading_state
from trading.domain.types import OrderState, TradingState
from trading.models import FillRow, OrderRow

FILLS = "GET /portfolio/fills"
ORDERS = "GET /portfolio/orders"
PART = Decimal(3)
UNANSWERED = ("drop_after", "drop_before", "5xx_after", "error_body")


@pytest.mark.story("4.7", 3)
@pytest.mark.parametrize("kind", ["reversed_list", "duplicate_page"])
def test_fills_in_another_order_or_twice_are_booked_once_each(bench: Bench, kind: str) -> None:
    bench.cycle()
    bench.control(do="freeze")
    for _ in range(3):
        bench.take(resting(), PART)
        bench.take(resting(), PART)
    for path in (FILLS, ORDERS):
        bench.fault(path, kind)

    bench.recover(3)

    assert FillRow.objects.filter(is_taker=False).count() == 6
    assert is_recovered()
    assert bench.complaints() == []


@pytest.mark.story("4.7", 2)
def test_fill_that_is_shown_before_its_order_is_booked_to_it(bench: Bench) -> None:
    bench.fault(PLACE, "drop_after")
    bench.cycle()
    bench.heal()
    bench.fault(ORDERS, "empty_list", count=2)

    bench.turns(1)

    filled = takers().filter(state=OrderState.FILLED)
    assert filled.exists(), "the order behind the fill was asked for by its name"
    assert not FillRow.objects.filter(order__isnull=True).exists()
    bench.recover(2)
    assert is_recovered()
    assert bench.complaints() == []


def test_fill_whose_order_cannot_be_read_waits_and_nothing_is_sent_meanwhile(bench: Bench) -> None:
    bench.fault(PLACE, "drop_after")
    bench.cycle()
    bench.heal()
    bench.fault(ORDERS, "5xx")
    sent = bench.front.count(PLACE)

    bench.turns(2)

    assert not FillRow.objects.exists()
    assert bench.front.count(PLACE) == sent
    bench.heal()
    bench.recover(2)
    assert FillRow.objects.exists()
    assert is_recovered()
    assert bench.complaints() == []


def test_order_filled_in_part_and_ended_by_the_exchange_keeps_what_it_filled(bench: Bench) -> None:
    bench.cycle()
    row = resting()
    bench.control(do="freeze")
    bench.take(row, PART)
    bench.control(do="close", ticker=row.market.ticker)

    bench.recover(1)

    assert state_of(row) == OrderState.CANCELED
    assert row.filled_count == PART
    assert bench.complaints() == []


def test_order_filled_in_part_between_two_turns_goes_on_resting(bench: Bench) -> None:
    bench.cycle()
    row = resting()
    bench.control(do="freeze")
    bench.take(row, PART)

    bench.recover(1)

    assert state_of(row) == OrderState.PARTIAL
    assert bench.complaints() == []


def _when_cancelled(bench: Bench, row: OrderRow, happens: Callable[[], None]) -> None:
    """Halt, and let something happen between our reading and our cancel of `row`."""
    bench.control(do="freeze")
    bench.front.before[f"{CANCEL}/{row.kalshi_order_id}"] = happens
    bench.turn_switch(TradingState.HALTED)
    bench.turns(1)


def test_cancel_that_meets_404_because_the_order_filled_books_the_fill(bench: Bench) -> None:
    bench.cycle()
    row = resting()

    _when_cancelled(bench, row, lambda: bench.take(row, row.count))

    assert state_of(row) == OrderState.RESTING, "404 is not taken for a cancel"
    bench.recover(1)
    assert state_of(row) == OrderState.FILLED
    assert bench.complaints() == []


def test_cancel_that_races_a_partial_fill_ends_with_the_fill_booked(bench: Bench) -> None:
    bench.cycle()
    row = resting()

    _when_cancelled(bench, row, lambda: bench.take(row, PART))

    assert state_of(row) == OrderState.RESTING
    bench.recover(1)
    assert state_of(row) == OrderState.CANCELED
    assert row.filled_count == PART
    assert bench.complaints() == []


@pytest.mark.parametrize("kind", some_slow(UNANSWERED, UNANSWERED[1:]))
def test_cancel_without_an_answer_is_asked_for_again_and_ends(bench: Bench, kind: str) -> None:
    bench.cycle()
    bench.turns(1)
    resting()
    bench.fault(CANCEL, kind)
    bench.turn_switch(TradingState.HALTED)

    bench.turns(1)
    bench.heal()
    bench.recover(2)

    assert not orders().filter(state__in=[OrderState.RESTING, OrderState.UNKNOWN]).exists()
    assert [order for order in bench.member.orders.values() if order.status == "resting"] == []
    assert bench.complaints() == []


@pytest.mark.parametrize("kind", some_slow(UNANSWERED, UNANSWERED[1:]))
def test_renewal_without_an_answer_leaves_an_order_that_rests_or_ends_and_never_two(
    bench: Bench, kind: str
) -> None:
    bench.cycle()
    bench.turns(2)
    bench.fault(PLACE, kind)  # below it lies …/{order_id}/amend
    bench.turns(1)
    bench.heal()

    bench.recover(6)

    assert is_recovered()
    assert bench.complaints() == []


def test_more_contracts_than_ordered_are_booked_and_halt_everything(bench: Bench) -> None:
    bench.cycle()
    bench.turns(1)
    row = takers().filter(state=OrderState.FILLED).first()
    assert row is not None
    assert row.kalshi_order_id is not None
    bench.restart_exchange(overfill(bench.account.member, row.kalshi_order_id, PART))

    bench.turns(1)
    sent = bench.front.count(PLACE)
    bench.recover(2)

    assert get_trading_state(MODE) is TradingState.HALTED
    assert "OVERFILL" in locks()
    assert bench.front.count(PLACE) == sent
    bench.wait(LAG + timedelta(seconds=1))
    assert bench.complaints() == [], "what is ours is in our books, wanted or not"
