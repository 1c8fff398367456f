"""Carries out what was decided about resting orders: cancels first, then renewals."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import transaction

from milkbot.logger import logger
from trading.domain.order_states import OrderEvent
from trading.domain.resting import expiration, is_too_late
from trading.domain.types import Order, OrderState
from trading.domain.working import Review, Step
from trading.oms.lease import hold_lease
from trading.oms.pace import Pace
from trading.oms.submit import RESTING_LIFE, heed_breaker, is_forbidden, leave_alone
from trading.oms.venues.base import Cancels, NotSent, Rejected, RestingVenue, TakenOut, Unknown
from trading.repositories.orders import Lease, OrderRepository, StaleOrder
from weather.domain.releases import NOTHING_DUE, Releases

_IN_BOOK: Final = (OrderState.RESTING, OrderState.PARTIAL)
CANCELLABLE: Final = (OrderState.UNKNOWN, *_IN_BOOK)
"""States in which the exchange may be asked to take an order out. Of one that is SUBMITTED the answer is awaited."""


def carry_out(
    reviews: Iterable[tuple[Order, Review]], venue: RestingVenue, *, lease: Lease, pace: Pace
) -> dict[Step, int]:
    """Cancel and renew as reviewed; how many of each were asked for. An order somebody else moved is left to them.

    When the turn is over the rest is left to the next one, and to the orders' own expirations.
    """
    asked = dict.fromkeys(Step, 0)
    by_urgency = sorted(reviews, key=lambda pair: pair[1].step is not Step.CANCEL)
    for order, review in by_urgency:
        if pace.is_over():
            break
        at = pace.clock()
        asked[review.step] += 1
        try:
            if review.step is Step.CANCEL:
                cancel(order, venue, at=at, why=f"{review.gate.code}: {review.gate.detail}")
            elif review.step is Step.RENEW:
                renew(order, venue, lease=lease, at=at, releases=review.releases)
        except StaleOrder as moved:
            leave_alone(order, moved)
    return asked


def cancel(order: Order, venue: Cancels, *, at: datetime, why: str, actor: str = "system") -> Order:
    """Ask the exchange to take an order out of the book. Passes whatever the switch or the lease say.

    The order ends in our books only when all it filled is booked; otherwise reconciliation ends it by evidence. Raises
    StaleOrder, with nothing asked, for an order that somebody else moved.
    """
    repository = OrderRepository(order.mode)
    order = repository.transition(order, OrderEvent.ASK_CANCEL, at=at, actor=actor, payload={"why": why})
    answer = venue.cancel(order)
    if isinstance(answer, TakenOut):
        return _end(order, answer, at=at, why=why, actor=actor)
    _heed(order, answer, "cancel", at)
    return order


@transaction.atomic
def _end(order: Order, answer: TakenOut, *, at: datetime, why: str, actor: str) -> Order:
    """The order as it stands now, ended if all it filled is booked: it may have been moved while the exchange was asked."""
    repository = OrderRepository(order.mode)
    order = repository.lock([order.client_order_id])[order.client_order_id]
    filled = order.count - answer.reduced_by
    if order.state in CANCELLABLE and filled == order.filled_count:
        payload = {"why": why, **answer.model_dump()}
        return repository.transition(order, OrderEvent.CANCEL, at=at, actor=actor, payload=payload)
    logger.info(
        "cancelled while it filled or moved",
        extra={"intent_key": order.intent_key, "state": order.state.value, "filled": str(filled)},
    )
    return order


def _heed(order: Order, answer: Rejected | NotSent | Unknown, asked: str, at: datetime) -> None:
    """A refusal that meets every request trips its breaker; of any other answer the account tells what came."""
    if heed_breaker(order, answer, at):
        return
    logger.warning(
        f"{asked} without a clear answer",
        extra={"intent_key": order.intent_key, "answer": answer.model_dump(mode="json")},
    )


def renew(
    order: Order, venue: RestingVenue, *, lease: Lease, at: datetime, releases: Releases = NOTHING_DUE
) -> Order:
    """Let an order rest anew, until something is due in its market. Like a new order it needs the lease and the switch.

    The later expiration is committed before it is asked for: should the answer be lost, ours can only be too late. Of a
    renewal that never left, the expiration before it stands again.
    """
    before, expires_at = order.expires_at, expiration(at, releases, RESTING_LIFE)
    if is_too_late(at, releases) or (before is not None and expires_at <= before):
        return order  # something fell due since it was looked at, and the order ends before it
    order = OrderRepository(order.mode).transition(order, OrderEvent.RENEW, at=at, expires_at=expires_at)
    answer = _send_renewal(order, venue, lease, expires_at)
    if answer is not None:
        # Outside the send's transaction: a breaker turns the switch that is held there.
        _heed(order, answer, "renewal", at)
    if isinstance(answer, Unknown):
        return order
    return _end_renewal(order, answer, before, at)


@transaction.atomic
def _end_renewal(
    order: Order, answer: Rejected | NotSent | None, before: datetime | None, at: datetime
) -> Order:
    """Nothing of it is under way any more. An order that left the book or was renewed again meanwhile is left alone."""
    repository = OrderRepository(order.mode)
    now = repository.lock([order.client_order_id])[order.client_order_id]
    if now.state not in _IN_BOOK or now.expires_at != order.expires_at:
        return now
    stands = before if isinstance(answer, NotSent) else None
    told = {} if answer is None else answer.model_dump(mode="json")
    return repository.transition(now, OrderEvent.END_RENEWAL, at=at, payload=told, expires_at=stands)


@transaction.atomic(durable=True)
def _send_renewal(
    order: Order, venue: RestingVenue, lease: Lease, expires_at: datetime
) -> Rejected | NotSent | Unknown | None:
    """What went wrong; None when it was renewed."""
    hold_lease(lease)
    if is_forbidden(order):
        return NotSent(why="the switch or a gate forbade it before it left")
    return venue.renew(order, expires_at)
