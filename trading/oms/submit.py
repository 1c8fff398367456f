"""From a committed order to its answer, booked. The steps are apart so that a crash between any two can be told.

1. NEW -> SUBMITTED is committed before anything leaves.
2. Lease and trading switch are held FOR SHARE around "may it still go?" and the one send. A halt updates the switch, so
   once it is acknowledged no order leaves (design 6.6); a trader that was replaced meanwhile sends nothing. The only
   I/O allowed inside a transaction.
3. The answer is booked: fills, position, cash and state in one transaction. No answer is UNKNOWN, never "rejected".
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction

from milkbot.logger import logger
from trading.controls import hold_switch
from trading.domain.order_states import OrderEvent
from trading.domain.types import Action, Order, OrderState, Side, TradingState
from trading.oms.lease import hold_lease
from trading.oms.venues.base import Accepted, Answer, Rejected, Unknown, Venue
from trading.repositories.books import FillRepository, PositionRepository
from trading.repositories.orders import Lease, OrderRepository


def submit(order: Order, venue: Venue, *, lease: Lease, market_id: int, at: datetime) -> Order:
    """Send one NEW order and book what came of it. Returns the order as it ended up.

    Raises Fenced, with nothing sent, when another trader took over: it ends the order as one a crash left.
    """
    orders = OrderRepository(order.mode)
    order = orders.transition(order, OrderEvent.SEND, at=at)
    answer = _send(order, venue, lease)
    if answer is None:
        return orders.transition(
            order, OrderEvent.CANCEL, at=at, payload={"why": "the switch forbade it before it left"}
        )
    return book_answer(order, answer, market_id=market_id, at=at)


@transaction.atomic(durable=True)
def _send(order: Order, venue: Venue, lease: Lease) -> Answer | None:
    """The venue's answer; None when the switch forbids it and nothing left."""
    hold_lease(lease)
    state = hold_switch(order.mode)
    if state is TradingState.HALTED or (state is TradingState.REDUCING and not _only_reduces(order)):
        return None
    return venue.place(order)


def _only_reduces(order: Order) -> bool:
    """Whether the account holds all that the order sells."""
    position = PositionRepository(order.mode).get(order.market_ticker)
    if order.action is not Action.SELL or position is None:
        return False
    held = position.count if order.side is Side.YES else -position.count
    return held >= order.remaining_count


@transaction.atomic
def book_answer(order: Order, answer: Answer, *, market_id: int, at: datetime) -> Order:
    """Fills, position, cash and state of one answer, all or nothing."""
    orders = OrderRepository(order.mode)
    if isinstance(answer, Rejected):
        return orders.transition(order, OrderEvent.REJECT, at=at, payload=answer.model_dump())
    if isinstance(answer, Unknown):
        return orders.transition(order, OrderEvent.LOSE, at=at, payload=answer.model_dump())
    order = _book_fills(order, answer, market_id, at)
    if order.state is OrderState.FILLED:
        return order
    if not answer.rests:
        return orders.transition(
            order, OrderEvent.CANCEL, at=at, payload={"why": "immediate order, rest not filled"}
        )
    if order.state is OrderState.PARTIAL:
        return order
    return orders.transition(order, OrderEvent.ACKNOWLEDGE, at=at, kalshi_order_id=answer.kalshi_order_id)


def recover(venue: Venue, orders: Iterable[Order], *, market_ids: Mapping[str, int], at: datetime) -> int:
    """End orders a crash left between two steps; returns how many. NEW never left; SUBMITTED is asked after."""
    ended = 0
    for order in orders:
        repository = OrderRepository(order.mode)
        if order.state is OrderState.NEW:
            repository.transition(
                order, OrderEvent.CANCEL, at=at, payload={"why": "found unsent after a restart"}
            )
        else:
            book_answer(order, venue.find(order), market_id=market_ids[order.market_ticker], at=at)
        logger.warning("order recovered", extra={"intent_key": order.intent_key, "was": order.state.value})
        ended += 1
    return ended


def _book_fills(order: Order, answer: Accepted, market_id: int, at: datetime) -> Order:
    orders, fills = OrderRepository(order.mode), FillRepository(order.mode)
    for fill in answer.fills:
        if not fills.book(fill, market_id):
            continue
        filled = order.filled_count + fill.count
        event = OrderEvent.FILL_ALL if filled == order.count else OrderEvent.FILL_PART
        order = orders.transition(
            order,
            event,
            at=at,
            filled_count=filled,
            kalshi_order_id=answer.kalshi_order_id,
            payload={"fill_id": fill.fill_id, "count": fill.count, "yes_price": fill.yes_price},
        )
    return order
