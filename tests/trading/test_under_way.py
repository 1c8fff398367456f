"""What a halt cannot call back is told by number and time, and for no longer than a request can live."""

from datetime import datetime
from typing import Any

import pytest

from milkbot.core.config import TradingMode
from tests.trading.sent_orders import AT, DEMO, SECOND, SENT_AT, send_to
from tests.trading.test_working_orders import ScriptedVenue
from trading.domain.evidence import REQUEST_LIFE
from trading.domain.types import Order, OrderState
from trading.oms.venues.base import NotSent, Rejected, Unknown
from trading.oms.working import renew
from trading.repositories.orders import Lease
from trading.under_way import UnderWay, sends_under_way

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", [OrderState.SUBMITTED, OrderState.UNKNOWN])
def test_order_without_an_answer_is_told_for_as_long_as_its_request_can_live(
    market_ids: dict[str, int], lease: Lease, state: OrderState
) -> None:
    send_to(state, market_ids, lease)
    until = SENT_AT + REQUEST_LIFE

    assert sends_under_way(DEMO, AT) == UnderWay(1, until)
    assert sends_under_way(DEMO, until - SECOND) == UnderWay(1, until)
    assert sends_under_way(DEMO, until) is None
    assert f"until {until:%H:%M:%S} UTC" in str(UnderWay(1, until))


@pytest.mark.parametrize(
    "state", [OrderState.NEW, OrderState.RESTING, OrderState.CANCELED, OrderState.REJECTED]
)
def test_order_that_is_answered_or_never_left_is_not_under_way(
    market_ids: dict[str, int], lease: Lease, state: OrderState
) -> None:
    send_to(state, market_ids, lease, rests=True)
    assert sends_under_way(DEMO, AT) is None


def test_order_of_another_mode_is_not_ours_to_tell(market_ids: dict[str, int], lease: Lease) -> None:
    send_to(OrderState.SUBMITTED, market_ids, lease)
    assert sends_under_way(TradingMode.LIVE, AT) is None
    assert sends_under_way(TradingMode.SHADOW, AT) is None


@pytest.mark.parametrize(
    ("answer", "renewals"),
    [(Unknown(why="timeout"), 1), (None, 0), (NotSent(why="dns"), 0), (Rejected(code="market_closed"), 0)],
)
def test_renewal_is_told_until_it_is_answered_or_can_no_longer_be_taken(
    market_ids: dict[str, int], lease: Lease, answer: Any, renewals: int
) -> None:
    resting = send_to(OrderState.RESTING, market_ids, lease, rests=True)
    told = []

    class Asking(ScriptedVenue):
        """Looks while the renewal is under way, as a halt would that finds its trader standing still."""

        def renew(self, order: Order, expires_at: datetime) -> Any:
            told.append(sends_under_way(DEMO, AT))
            return answer

    renew(resting, Asking(), lease=lease, at=AT)

    until = AT + REQUEST_LIFE
    assert told == [UnderWay(0, until, 1)]
    assert sends_under_way(DEMO, AT) == (UnderWay(0, until, 1) if renewals else None)
    assert sends_under_way(DEMO, until) is None


def test_what_is_told_names_orders_and_renewals_alike() -> None:
    assert str(UnderWay(2, AT, 1)).startswith("2 orders and 1 renewals were under way")
    assert str(UnderWay(0, AT, 3)).startswith("3 renewals were under way")
