"""Fills the exchange once reported and does not show: only its whole account, long after, speaks against them."""

from decimal import Decimal
from typing import Any

import pytest

from tests.trading.makers import BRACKETS, CLOSE
from tests.trading.scripted_account import account, filled, held, listed
from tests.trading.sent_orders import DEMO, MINUTE, SECOND, SENT_AT, last_step, send_to, stored
from trading.domain.evidence import FORGOTTEN_AFTER, REQUEST_LIFE
from trading.domain.order_states import OrderEvent as E
from trading.domain.types import Order
from trading.domain.types import OrderState as S
from trading.oms.reconcile import reconcile
from trading.repositories.accounts import read_account
from trading.repositories.orders import Lease, OrderRepository

pytestmark = pytest.mark.django_db

LOST_AT = SENT_AT + REQUEST_LIFE + SECOND
LONG_AFTER = SENT_AT + REQUEST_LIFE + FORGOTTEN_AFTER + SECOND


@pytest.fixture
def order(market_ids: dict[str, int], lease: Lease) -> Order:
    """Four of ten had filled, by its answer; UNKNOWN since no list shows them."""
    sent = send_to(S.SUBMITTED, market_ids, lease)
    OrderRepository(DEMO).transition(
        sent, E.ACKNOWLEDGE, at=SENT_AT, kalshi_order_id="k-1", reported_count=Decimal(4)
    )
    reconcile(DEMO, account(until=LOST_AT), LOST_AT)
    assert stored(sent).state is S.UNKNOWN
    return sent


def test_neither_shown_nor_held_nor_paid_for_then_ended_and_nothing_reserved(order: Order) -> None:
    report = reconcile(DEMO, account(until=LONG_AFTER), LONG_AFTER)

    assert (stored(order).state, report.is_trusted) == (S.CANCELED, True)
    assert "neither cash nor holdings" in last_step(order).payload["why"]
    assert read_account(DEMO, []).exposure.total == 0


@pytest.mark.parametrize(
    ("theirs", "minutes"),
    [
        ({"until": LONG_AFTER - SECOND}, 0),
        ({"until": None}, 0),
        ({"positions": [held("4")]}, 0),
        ({"positions": None}, 0),
        ({"cash": "9998.40"}, 0),
        ({"cash": None}, 0),
        ({}, (CLOSE - LONG_AFTER) // MINUTE + 1),
    ],
    ids=[
        "too early",
        "lists broke off",
        "held",
        "holdings unread",
        "paid for",
        "cash unread",
        "market closed",
    ],
)
def test_anything_that_may_still_bear_it_out_then_reserved_as_before(
    order: Order, theirs: dict[str, Any], minutes: int
) -> None:
    now = LONG_AFTER + minutes * MINUTE

    reconcile(DEMO, account(**{"until": now, **theirs}), now)

    assert stored(order).state is S.UNKNOWN
    assert read_account(DEMO, []).exposure.total > 0


def test_two_forgotten_and_one_of_them_paid_for_then_neither_is_ended(
    order: Order, market_ids: dict[str, int], lease: Lease
) -> None:
    """Cash does not say whose it was."""
    other = send_to(S.SUBMITTED, market_ids, lease, ticker=BRACKETS[3].ticker)
    OrderRepository(DEMO).transition(
        other, E.ACKNOWLEDGE, at=SENT_AT, kalshi_order_id="k-2", reported_count=Decimal(4)
    )
    for at in (LOST_AT, LONG_AFTER):
        reconcile(DEMO, account(until=at, cash="9998.40"), at)

    assert {stored(one).state for one in (order, other)} == {S.UNKNOWN}


def test_fill_that_comes_all_the_same_then_booked_and_counted(order: Order) -> None:
    reconcile(DEMO, account(until=LONG_AFTER), LONG_AFTER)

    reconcile(
        DEMO,
        account(fills=[filled(count="4", at=LOST_AT)], positions=[held("4")], until=LONG_AFTER),
        LONG_AFTER,
    )

    assert (stored(order).state, stored(order).filled_count) == (S.CANCELED, Decimal(4))
    assert read_account(DEMO, []).exposure.total == Decimal("1.60")


def test_order_that_is_listed_all_the_same_then_not_ended_for_its_fills_are_missing(order: Order) -> None:
    reconcile(DEMO, account(orders=[listed(order, filled="4")], until=LONG_AFTER, cash=None), LONG_AFTER)

    assert stored(order).state is S.RESTING
