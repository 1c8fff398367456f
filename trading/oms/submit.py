"""From a committed order to its answer, booked. The steps are apart so that a crash between any two can be told.

1. NEW -> SUBMITTED is committed before anything leaves.
2. Lease and trading switch are held FOR SHARE around "may it still go?" and the one send. A halt updates the switch, and
   whoever turns a gate holds it, so once either is acknowledged no order leaves (design 6.6); a trader that was replaced
   meanwhile sends nothing. The only I/O allowed inside a transaction.
3. The answer is booked: fills, position, cash and state in one transaction. No answer is UNKNOWN, never "rejected".
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, assert_never

from django.db import transaction

from milkbot.logger import logger
from trading.breakers import trip
from trading.controls import hold_switch
from trading.domain.breakers import Trip
from trading.domain.order_states import OrderEvent
from trading.domain.policy import Policy
from trading.domain.resting import expiration, is_too_late
from trading.domain.types import Action, Order, OrderState, Side, TradingState
from trading.oms.booking import book_fills
from trading.oms.lease import hold_lease
from trading.oms.venues.base import Accepted, Answer, NotSent, Rejected, Unknown, Venue
from trading.repositories.books import PositionRepository
from trading.repositories.orders import Lease, OrderRepository, StaleOrder
from trading.repositories.strategy_gates import rests_on_admitted
from weather.domain.releases import NOTHING_DUE, Releases

RESTING_LIFE: Final = Policy().resting_life


def submit(
    order: Order,
    venue: Venue,
    *,
    lease: Lease,
    market_id: int,
    at: datetime,
    releases: Releases = NOTHING_DUE,
) -> Order:
    """Send one NEW order and book what came of it. Returns the order as it ended up.

    What rests expires before anything is due in its market (`releases`), and is withheld when too little is left of it.
    Raises Fenced, with nothing sent, when another trader took over: it ends the order as one a crash left.
    """
    if order.rests_by_itself and is_too_late(at, releases):
        return withhold(order, at=at, why="something fell due in its market before it left")
    order = _mark_sent(order, at, releases)
    answer = _send(order, venue, lease)
    _log_sent(order, answer)
    if answer is None:
        return withhold(order, at=at, why="the switch or a gate forbade it before it left")
    return book_answer(order, answer, market_id=market_id, at=at)


def resend(
    order: Order,
    venue: Venue,
    *,
    lease: Lease,
    market_id: int,
    at: datetime,
    releases: Releases = NOTHING_DUE,
) -> Order:
    """Send an UNKNOWN order once more, under the id it has: it is placed now, or proves to exist (design 6.3).

    A refusal speaks of this request only. The first one may still arrive, so the order stays UNKNOWN. Raises Fenced.
    """
    order = _mark_sent(order, at, releases)
    answer = _send(order, venue, lease)
    _log_sent(order, answer)
    if isinstance(answer, Accepted):
        return book_answer(order, answer, market_id=market_id, at=at)
    heed_breaker(order, answer, at)
    said = (
        answer.model_dump()
        if answer is not None
        else {"why": "the switch or a gate forbade it before it left"}
    )
    return OrderRepository(order.mode).transition(order, OrderEvent.LOSE, at=at, payload=said)


def withhold(order: Order, *, at: datetime, why: str) -> Order:
    """End an order of which nothing left."""
    return OrderRepository(order.mode).transition(order, OrderEvent.CANCEL, at=at, payload={"why": why})


def leave_alone(order: Order, moved: StaleOrder) -> None:
    """Say that an order was left to whoever moved it; the next turn sees it as it stands then."""
    logger.warning("order left alone", extra={"intent_key": order.intent_key, "why": str(moved)})


def _mark_sent(order: Order, at: datetime, releases: Releases) -> Order:
    """Committed before anything leaves. Of an order sent before, the exchange may hold an earlier expiration, and never
    a later one: until ours has passed its absence proves nothing."""
    expires_at = expiration(at, releases, RESTING_LIFE) if order.rests_by_itself else None
    if expires_at is not None and order.expires_at is not None:
        expires_at = max(expires_at, order.expires_at)
    return OrderRepository(order.mode).transition(
        order, OrderEvent.SEND, at=at, sent_at=at, expires_at=expires_at
    )


@transaction.atomic(durable=True)
def _send(order: Order, venue: Venue, lease: Lease) -> Answer | None:
    """The venue's answer; None when the switch forbids it and nothing left."""
    hold_lease(lease)
    return None if is_forbidden(order) else venue.place(order)


def is_forbidden(order: Order) -> bool:
    """Whether the switch or the gates, held from here until the transaction ends, keep `order` from leaving or resting
    on. A gate is shut for an order once all the strategies it rests on are withdrawn."""
    state = hold_switch(order.mode)
    if state is TradingState.HALTED:
        return True
    if state is TradingState.ACTIVE and rests_on_admitted(order.mode, order.intent_key):
        return False
    return not _only_reduces(order)


def _log_sent(order: Order, answer: Answer | None) -> None:
    """One line per order, with the mode it went out in."""
    extra = {
        "mode": order.mode.value,
        "intent_key": order.intent_key,
        "book_side": order.book_side.value,
        "count": str(order.count),
        "yes_price": str(order.limit_price),
        "answer": type(answer).__name__,
    }
    logger.info("order held back" if answer is None else "order sent", extra=extra)


def _only_reduces(order: Order) -> bool:
    """Whether the account holds all that the order sells."""
    position = PositionRepository(order.mode).get(order.market_ticker)
    if order.action is not Action.SELL or position is None:
        return False
    held = position.count if order.side is Side.YES else -position.count
    return held >= order.remaining_count


def book_answer(order: Order, answer: Answer, *, market_id: int, at: datetime) -> Order:
    """Fills, position, cash and state of one answer, all or nothing; a breaker it trips stays so whatever becomes of it.

    Raises StaleOrder for an order that somebody else moved: the account tells what came of it.
    """
    heed_breaker(order, answer, at)
    return _book(order, answer, market_id, at)


def heed_breaker(order: Order, answer: Answer | None, at: datetime) -> bool:
    """Trip the breaker of a refusal that every other request would meet; whether `answer` is one. None is no answer."""
    if not isinstance(answer, Rejected) or answer.breaker is None:
        return False
    trip(order.mode, Trip(answer.breaker, answer.message or answer.code), at)
    return True


@transaction.atomic
def _book(order: Order, answer: Answer, market_id: int, at: datetime) -> Order:
    orders = OrderRepository(order.mode)
    match answer:
        case Rejected():
            # What only came at the wrong moment may be sent anew, and says nothing against our orders as such.
            event = OrderEvent.CANCEL if answer.passes else OrderEvent.REJECT
            return orders.transition(order, event, at=at, payload=answer.model_dump())
        case NotSent():
            return orders.transition(order, OrderEvent.CANCEL, at=at, payload=answer.model_dump())
        case Unknown():
            return orders.transition(order, OrderEvent.LOSE, at=at, payload=answer.model_dump())
        case Accepted():
            return _book_accepted(order, answer, market_id, at)
    assert_never(answer)


def _book_accepted(order: Order, answer: Accepted, market_id: int, at: datetime) -> Order:
    """A told fill is booked at once. A merely reported one keeps the order open until the fill itself is read."""
    orders = OrderRepository(order.mode)
    booked = book_fills(order.mode, answer.fills, {order.market_ticker: market_id}, at)
    seen, order = order, booked.orders.get(order.client_order_id, order)
    if order.state is OrderState.FILLED or order.version != seen.version + len(booked.fills):
        # Nothing is left to fill, or somebody else moved it meanwhile: what filled is booked, its end is theirs.
        return order
    if answer.rests or answer.reported_count > order.filled_count:
        return orders.transition(
            order,
            OrderEvent.ACKNOWLEDGE,
            at=at,
            kalshi_order_id=answer.kalshi_order_id,
            reported_count=answer.reported_count,
        )
    return orders.transition(
        order,
        OrderEvent.CANCEL,
        at=at,
        kalshi_order_id=answer.kalshi_order_id,
        payload={"why": "immediate order, rest not filled"},
    )


def recover(venue: Venue, orders: Iterable[Order], *, market_ids: Mapping[str, int], at: datetime) -> int:
    """End orders a crash left between two steps; returns how many. NEW never left; SUBMITTED is asked after.

    One that somebody else moves meanwhile is left to them.
    """
    ended = 0
    for order in orders:
        try:
            if order.state is OrderState.NEW:
                withhold(order, at=at, why="found unsent after a restart")
            else:
                book_answer(order, venue.find(order), market_id=market_ids[order.market_ticker], at=at)
        except StaleOrder as moved:
            leave_alone(order, moved)
            continue
        logger.warning("order recovered", extra={"intent_key": order.intent_key, "was": order.state.value})
        ended += 1
    return ended
