"""What a fill does to the order it belongs to: pure, whatever state the order is in."""

from decimal import Decimal
from typing import NamedTuple

from trading.domain.order_states import OrderEvent, next_state
from trading.domain.types import Fill, Order


class Taken(NamedTuple):
    """The order after a fill, the event that moved it, and by how many contracts more was filled than ordered."""

    order: Order
    event: OrderEvent
    excess: Decimal


def take_fill(order: Order, fill: Fill) -> Taken:
    """Contracts beyond what was ordered are ours all the same: they count as filled, and the excess is told.

    Raises IllegalTransition for a step the order table lacks.
    """
    filled = order.filled_count + fill.count
    event = OrderEvent.FILL_ALL if filled >= order.count else OrderEvent.FILL_PART
    after = order.model_copy(
        update={
            "state": next_state(order.state, event),
            "filled_count": min(filled, order.count),
            "kalshi_order_id": fill.kalshi_order_id or order.kalshi_order_id,
        }
    )
    return Taken(after, event, max(filled - order.count, Decimal(0)))
