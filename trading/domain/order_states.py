"""The life of an order as a table: (state, event) -> state. What is not in the table cannot happen.

UNKNOWN means we do not know whether the exchange has it: exposure stays reserved until evidence ends it. A cancelled
order may have filled in part, and a late fill may still arrive for it, so CANCELED keeps accepting fills.
"""

from enum import StrEnum

from milkbot.core.errors import MilkbotError
from trading.domain.types import OrderState as S


class OrderEvent(StrEnum):
    SEND = "send"
    """Committed as sent; the request leaves next."""
    ACKNOWLEDGE = "acknowledge"
    """Accepted and resting, nothing filled yet."""
    FILL_PART = "fill_part"
    FILL_ALL = "fill_all"
    CANCEL = "cancel"
    """Ended by us, by its expiration, or as the rest of an immediate order."""
    REJECT = "reject"
    """A definite no: it never rested."""
    LOSE = "lose"
    """Timeout, reset, 5xx, unreadable or contradicting answer."""
    RENEW = "renew"
    """A later expiration was asked for; it stands in our books before it is asked, so that it can only be too late."""
    END_RENEWAL = "end_renewal"
    """A renewal was answered or never left: nothing of it is under way any more."""
    ASK_CANCEL = "ask_cancel"
    """We asked the exchange to take it out of the book; what came of it is told by evidence."""
    SETTLE = "settle"


class IllegalTransition(MilkbotError):
    """The table has no such step; the books were left as they were."""


E = OrderEvent
TRANSITIONS: dict[tuple[S, E], S] = {
    (S.NEW, E.SEND): S.SUBMITTED,
    # Refused by our own switch or found unsent after a crash: it never left.
    (S.NEW, E.CANCEL): S.CANCELED,
    # It left after all: these books are a copy from before it was sent.
    (S.NEW, E.ACKNOWLEDGE): S.RESTING,
    (S.NEW, E.FILL_PART): S.PARTIAL,
    (S.NEW, E.FILL_ALL): S.FILLED,
    (S.SUBMITTED, E.ACKNOWLEDGE): S.RESTING,
    (S.SUBMITTED, E.FILL_PART): S.PARTIAL,
    (S.SUBMITTED, E.FILL_ALL): S.FILLED,
    (S.SUBMITTED, E.CANCEL): S.CANCELED,
    (S.SUBMITTED, E.REJECT): S.REJECTED,
    (S.SUBMITTED, E.LOSE): S.UNKNOWN,
    (S.UNKNOWN, E.ACKNOWLEDGE): S.RESTING,
    (S.UNKNOWN, E.FILL_PART): S.PARTIAL,
    (S.UNKNOWN, E.FILL_ALL): S.FILLED,
    (S.UNKNOWN, E.CANCEL): S.CANCELED,
    (S.UNKNOWN, E.LOSE): S.UNKNOWN,
    # Asked for again under the same id: it is placed now or proves to exist.
    (S.UNKNOWN, E.SEND): S.SUBMITTED,
    (S.UNKNOWN, E.ASK_CANCEL): S.UNKNOWN,
    (S.RESTING, E.RENEW): S.RESTING,
    (S.RESTING, E.END_RENEWAL): S.RESTING,
    (S.RESTING, E.ASK_CANCEL): S.RESTING,
    (S.RESTING, E.FILL_PART): S.PARTIAL,
    (S.RESTING, E.FILL_ALL): S.FILLED,
    (S.RESTING, E.CANCEL): S.CANCELED,
    # A cancel or amend whose answer was lost: it may rest, be gone, or have filled.
    (S.RESTING, E.LOSE): S.UNKNOWN,
    (S.PARTIAL, E.ACKNOWLEDGE): S.PARTIAL,
    (S.PARTIAL, E.RENEW): S.PARTIAL,
    (S.PARTIAL, E.END_RENEWAL): S.PARTIAL,
    (S.PARTIAL, E.ASK_CANCEL): S.PARTIAL,
    (S.PARTIAL, E.FILL_PART): S.PARTIAL,
    (S.PARTIAL, E.FILL_ALL): S.FILLED,
    (S.PARTIAL, E.CANCEL): S.CANCELED,
    (S.PARTIAL, E.LOSE): S.UNKNOWN,
    # It rests after all: a request that arrived late, or an end we were told and that did not last.
    (S.CANCELED, E.ACKNOWLEDGE): S.RESTING,
    (S.REJECTED, E.ACKNOWLEDGE): S.RESTING,
    # The fill raced our cancel and was reported after it.
    (S.CANCELED, E.FILL_PART): S.CANCELED,
    (S.CANCELED, E.FILL_ALL): S.FILLED,
    # The exchange took its no back: the contracts are ours.
    (S.REJECTED, E.FILL_PART): S.PARTIAL,
    (S.REJECTED, E.FILL_ALL): S.FILLED,
    # More than was ordered: the contracts are ours all the same, and everything stops.
    (S.FILLED, E.FILL_ALL): S.FILLED,
    (S.CLOSED, E.FILL_PART): S.CLOSED,
    (S.CLOSED, E.FILL_ALL): S.CLOSED,
    (S.FILLED, E.SETTLE): S.CLOSED,
    (S.CANCELED, E.SETTLE): S.CLOSED,
    (S.REJECTED, E.SETTLE): S.CLOSED,
}


def next_state(state: S, event: OrderEvent) -> S:
    """The state after `event`. Raises IllegalTransition("RESTING -> send")."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(f"{state} -> {event}") from None
