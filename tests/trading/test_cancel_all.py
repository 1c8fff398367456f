"""Cancel-all that the exchange refuses: what is asked for one by one, and when it may say that nothing rests."""

import pytest

from tests.trading.scripted_account import ScriptedAccount, account, listed
from tests.trading.sent_orders import AT, DEMO, send_to, stored
from trading.domain.types import Order, OrderState
from trading.oms.cancel_all import CancelAllReport, cancel_all
from trading.oms.exchange import CancelDesk
from trading.oms.lease import take_lease
from trading.oms.reconcile import reconcile
from trading.oms.venues.base import Rejected, TakenOut

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
