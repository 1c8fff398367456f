"""What a halt cannot call back is told by number and time, and for no longer than a request can live."""

import pytest

from milkbot.core.config import TradingMode
from tests.trading.sent_orders import AT, DEMO, SECOND, SENT_AT, send_to
from trading.domain.evidence import REQUEST_LIFE
from trading.domain.types import OrderState
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
