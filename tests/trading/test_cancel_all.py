"""Cancel-all that the exchange refuses: what is asked for one by one, and when it may say that nothing rests."""

import pytest

from tests.trading.makers import BRACKETS
from tests.trading.meanwhile import moved_meanwhile
from tests.trading.scripted_account import ScriptedAccount, account, listed
from tests.trading.sent_orders import AT, DEMO, MINUTE, resting_in, send_to, steps_of, stored
from trading.domain.order_states import OrderEvent
from trading.domain.types import Order, OrderState
from trading.oms.cancel_all import CancelAllReport, cancel_all
from trading.oms.exchange import CancelDesk
from trading.oms.lease import take_lease
from trading.oms.reconcile import reconcile
from trading.oms.venues.base import Rejected, TakenOut
from trading.repositories.orders import Lease, OrderRepository

pytestmark = pytest.mark.django_db


class WithoutCancelAll:
    """Takes out what it is asked for by name, and nothing at one blow."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    def cancel_all(self) -> Rejected:
        return Rejected(code="FORBIDDEN", message="not for this key")

    def cancel(self, order: Order) -> TakenOut:
        self.asked.append(order.kalshi_order_id)
        return TakenOut(reduced_by=order.count)


class WhileTraded(WithoutCancelAll):
    """A trader lets `other` rest on whenever another one is asked for."""

    def __init__(self, other: Order) -> None:
        super().__init__()
        self._other = other

    def cancel(self, order: Order) -> TakenOut:
        if order.intent_key != self._other.intent_key:
            OrderRepository(DEMO).transition(
                stored(self._other), OrderEvent.RENEW, at=AT, expires_at=AT + MINUTE
            )
        return super().cancel(order)


def sweep(venue: WithoutCancelAll, theirs: ScriptedAccount) -> CancelAllReport:
    return cancel_all(
        DEMO,
        CancelDesk(venue, theirs),
        now=lambda: AT,
        pause=lambda: None,
        actor="ada",
        user_id=None,
        reason="drill",
    )


@pytest.mark.usefixtures("market_ids")
def test_order_placed_by_hand_that_rests_on_then_it_is_not_done() -> None:
    report = sweep(WithoutCancelAll(), account(orders=[listed(name="by-hand")]))

    assert report.reconciled.external_orders == 1
    assert not report.is_done


def test_order_we_lost_sight_of_is_asked_for_by_its_name(market_ids: dict[str, int]) -> None:
    order = send_to(OrderState.RESTING, market_ids, take_lease(DEMO, "host-a/1/1.00"), rests=True)
    reconcile(DEMO, account(), AT)
    assert stored(order).state is OrderState.UNKNOWN
    venue = WithoutCancelAll()

    report = sweep(venue, account())

    assert venue.asked == ["k-1"]
    assert stored(order).state is OrderState.CANCELED
    assert report.is_done


def test_order_that_the_trader_moved_since_it_was_read_is_asked_for_as_it_stands(
    market_ids: dict[str, int], lease: Lease
) -> None:
    first, second = resting_in(BRACKETS[0].ticker, market_ids, lease), resting_in(
        BRACKETS[1].ticker, market_ids, lease
    )
    venue = WhileTraded(second)

    report = sweep(venue, account())

    assert venue.asked == [first.kalshi_order_id, second.kalshi_order_id]
    assert (report.one_by_one, report.is_done) == (2, True)
    assert [stored(order).state for order in (first, second)] == [OrderState.CANCELED] * 2
    assert steps_of(second)[-3:] == ["renew", "ask_cancel", "cancel"]


@pytest.mark.django_db(transaction=True)
def test_order_that_ends_before_it_is_asked_for_is_not_counted(
    market_ids: dict[str, int], lease: Lease
) -> None:
    order = resting_in(BRACKETS[0].ticker, market_ids, lease)
    venue = WithoutCancelAll()

    with moved_meanwhile(order, OrderEvent.CANCEL):
        report = sweep(venue, account())

    assert venue.asked == []
    assert (report.open_before, report.one_by_one, report.is_done) == (1, 0, True)
