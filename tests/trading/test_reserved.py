"""Caps count the worst case: whatever may still fill reserves what it may cost, also while nobody knows whether it exists."""

from decimal import Decimal

import pytest

from tests.trading.makers import EVENT, NOW
from tests.trading.sent_orders import AT, DEMO, PATHS, send_to
from tests.trading.stored import store_markets
from trading.domain.order_states import OrderEvent
from trading.domain.policy import Limits
from trading.domain.risk import MarketPlace, allow
from trading.domain.types import Order, OrderState, ReasonCode
from trading.oms.lease import take_lease
from trading.repositories.accounts import read_account
from trading.repositories.books import LedgerRepository
from trading.repositories.orders import OrderRepository

pytestmark = pytest.mark.django_db

MAY_FILL = {
    OrderState.NEW: "4.20",
    OrderState.SUBMITTED: "4.20",
    OrderState.UNKNOWN: "4.20",
    OrderState.RESTING: "4.20",
    # Six of its ten contracts are left.
    OrderState.PARTIAL: "2.52",
}
"""Dollars that an order for ten at 0.40, with fees of two cents each, may still cost."""
CHICAGO = MarketPlace(EVENT, "CHI", "MIDWEST")


def order_in(state: OrderState) -> Order:
    market_ids, lease = store_markets(), take_lease(DEMO, "host-a/1/1.00")
    LedgerRepository(DEMO).open_account(Decimal(1000), NOW)
    if state in PATHS:
        return send_to(state, market_ids, lease, rests=True)
    order = send_to(OrderState.RESTING, market_ids, lease, rests=True)
    event, filled = (
        (OrderEvent.FILL_PART, Decimal(4))
        if state is OrderState.PARTIAL
        else (OrderEvent.FILL_ALL, order.count)
    )
    return OrderRepository(DEMO).transition(order, event, at=AT, filled_count=filled)


@pytest.mark.story("4.4", 1)
@pytest.mark.parametrize("state", OrderState)
def test_order_reserves_in_every_scope_what_it_may_still_cost(state: OrderState) -> None:
    order = order_in(state)
    dollars = Decimal(MAY_FILL.get(state, "0"))

    account = read_account(DEMO, [EVENT])

    assert order.state is state
    assert account.exposure.total == dollars
    assert account.cash == 1000 - dollars
    for by_scope in (account.exposure.by_event, account.exposure.by_city, account.exposure.by_cluster):
        assert sum(by_scope.values(), Decimal(0)) == dollars
    assert account.exposure.markets == ({order.market_ticker} if dollars else frozenset())


@pytest.mark.story("4.4", 1)
@pytest.mark.parametrize("state", [OrderState.SUBMITTED, OrderState.UNKNOWN])
def test_cap_is_full_by_an_order_nobody_answered_for(state: OrderState) -> None:
    order_in(state)
    account = read_account(DEMO, [EVENT])

    left = allow(
        Decimal(10),
        Decimal("0.50"),
        ticker="another",
        place=CHICAGO,
        exposure=account.exposure,
        limits=Limits(per_event=Decimal("4.60")),
        cash=account.cash,
        bankroll=account.bankroll,
    )

    assert (left.count, left.bound_by) == (Decimal(0), ReasonCode.CAP_EVENT)
