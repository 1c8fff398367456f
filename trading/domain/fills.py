"""What fills do to the order they belong to: pure, whatever state the order is in."""

from decimal import Decimal
from typing import NamedTuple

from milkbot.core.money import ZERO
from trading.domain.order_states import OrderEvent, next_state
from trading.domain.types import Fill, Order


class Taken(NamedTuple):
    """The order after its fills, the event of each, and by how many contracts more was filled than ordered."""

    order: Order
    events: tuple[OrderEvent, ...]
    excess: Decimal


def take_fills(order: Order, *fills: Fill) -> Taken:
    """Contracts beyond what was ordered are ours all the same: they count as filled, and the excess is told.

    Raises IllegalTransition for a step the order table lacks.
    """
    state, filled, name, excess = order.state, order.filled_count, order.kalshi_order_id, ZERO
    events = []
    for fill in fills:
        filled += fill.count
        events.append(OrderEvent.FILL_ALL if filled >= order.count else OrderEvent.FILL_PART)
        state = next_state(state, events[-1])
        excess += max(filled - order.count, ZERO)
        filled = min(filled, order.count)
        name = fill.kalshi_order_id or name
    after = order.model_copy(update={"state": state, "filled_count": filled, "kalshi_order_id": name})
    return Taken(after, tuple(events), excess)
