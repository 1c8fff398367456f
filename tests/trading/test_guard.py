"""What a cycle tells the breakers before it decides."""

from datetime import datetime

import pytest

from tests.trading.makers import NOW
from tests.trading.scripted_account import account
from tests.trading.sent_orders import DEMO, MINUTE, SECOND, SENT_AT, send_to, stored
from tests.trading.stored import store_markets
from trading.controls import ensure_controls, get_trading_state
from trading.domain.breakers import UNKNOWN_TERM
from trading.domain.order_states import OrderEvent
from trading.domain.types import OrderState, TradingState
from trading.guard import guard
from trading.models import LockRow
from trading.oms.lease import take_lease
from trading.oms.reconcile import reconcile
from trading.reading import Reading
from trading.repositories.orders import OrderRepository

pytestmark = pytest.mark.django_db

NOTHING_READ = Reading([], (), True)


def state_after_guard(at: datetime) -> TradingState:
    guard(DEMO, NOTHING_READ, at)
    return get_trading_state(DEMO)


def test_unknown_term_runs_from_when_sight_was_lost_however_long_the_order_had_rested() -> None:
    ensure_controls(DEMO, NOW)
    orders, at = OrderRepository(DEMO), SENT_AT
    order = send_to(OrderState.RESTING, store_markets(), take_lease(DEMO, "host-a/1/1.00"), rests=True)
    for _ in range(10):
        at += 2 * MINUTE
        order = orders.transition(order, OrderEvent.RENEW, at=at, expires_at=at + 4 * MINUTE)
    lost = orders.transition(order, OrderEvent.LOSE, at=at)

    assert state_after_guard(at + SECOND) is TradingState.ACTIVE
    # Asking for its cancel, or losing an answer once more, is no evidence: the term runs on.
    lost = orders.transition(lost, OrderEvent.ASK_CANCEL, at=at + 10 * MINUTE)
    orders.transition(lost, OrderEvent.LOSE, at=at + 12 * MINUTE)
    assert state_after_guard(at + UNKNOWN_TERM) is TradingState.ACTIVE
    assert state_after_guard(at + UNKNOWN_TERM + SECOND) is TradingState.HALTED
    (lock,) = LockRow.objects.all()
    assert (lock.code, lock.message) == ("ORDER_UNKNOWN", f"{order.intent_key} since {at:%H:%M:%S}")


def test_quote_renewed_for_long_that_one_reading_misses_ends_by_evidence_without_a_person() -> None:
    ensure_controls(DEMO, NOW)
    at = SENT_AT + 20 * MINUTE
    order = send_to(OrderState.RESTING, store_markets(), take_lease(DEMO, "host-a/1/1.00"), rests=True)
    order = OrderRepository(DEMO).transition(order, OrderEvent.RENEW, at=at, expires_at=at + 4 * MINUTE)

    for minute in range(6):
        reconcile(DEMO, account(until=at + minute * MINUTE), at + minute * MINUTE)
        assert state_after_guard(at + minute * MINUTE) is TradingState.ACTIVE

    assert stored(order).state is OrderState.CANCELED
