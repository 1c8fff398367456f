"""Orders of DEMO brought to any state by the steps that lead there, as rows."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from milkbot.core.config import TradingMode
from tests.trading.makers import NOW, make_intent
from trading.domain.order_states import OrderEvent as E
from trading.domain.types import Order
from trading.domain.types import OrderState as S
from trading.models import OrderEventRow, OrderRow
from trading.repositories.orders import Lease, OrderRepository

DEMO: Final = TradingMode.DEMO
SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
SENT_AT: Final = NOW + SECOND
"""After the account was opened at NOW: what lies before is in the opening balance."""
AT: Final = NOW + 3 * SECOND
PATHS: Final[Mapping[S, tuple[E, ...]]] = {
    S.NEW: (),
    S.SUBMITTED: (E.SEND,),
    S.UNKNOWN: (E.SEND, E.LOSE),
    S.RESTING: (E.SEND, E.ACKNOWLEDGE),
    S.CANCELED: (E.SEND, E.ACKNOWLEDGE, E.CANCEL),
    S.REJECTED: (E.SEND, E.REJECT),
    S.CLOSED: (E.SEND, E.ACKNOWLEDGE, E.CANCEL, E.SETTLE),
}


def send_to(
    state: S, market_ids: Mapping[str, int], lease: Lease, *, rests: bool = False, **intent: Any
) -> Order:
    """An order that came to `state`; immediate unless it `rests`, named k-1 once acknowledged."""
    repository = OrderRepository(DEMO)
    wish = make_intent(mode=DEMO, decided_at=NOW, **intent).model_copy(update={"post_only": rests})
    (order,) = repository.create([wish], market_ids, lease=lease)
    expires_at = SENT_AT + 4 * MINUTE if rests else None
    for event in PATHS[state]:
        name = "k-1" if event is E.ACKNOWLEDGE else None
        order = repository.transition(
            order, event, at=SENT_AT, sent_at=SENT_AT, expires_at=expires_at, kalshi_order_id=name
        )
    return order


def resting_in(ticker: str, market_ids: Mapping[str, int], lease: Lease) -> Order:
    """An order that rests in a market, named k- and the market's ticker."""
    order = send_to(S.SUBMITTED, market_ids, lease, rests=True, ticker=ticker)
    name = f"k-{ticker}"
    return OrderRepository(DEMO).transition(order, E.ACKNOWLEDGE, at=AT, kalshi_order_id=name)


def stored(order: Order) -> Order:
    """The order as its row has it now."""
    (found,) = OrderRepository(order.mode).by_intent_keys([order.intent_key])
    return found


def last_step(order: Order) -> OrderEventRow:
    return OrderEventRow.objects.filter(order__client_order_id=order.client_order_id).latest("version")


def steps_of(order: Order) -> list[str]:
    """The names of its events, in order."""
    events = OrderEventRow.objects.filter(order__client_order_id=order.client_order_id)
    return list(events.order_by("version").values_list("event", flat=True))


def version_of(order: Order) -> int:
    return OrderRow.objects.get(client_order_id=order.client_order_id).version
