"""What became of an order we sent: the evidence table of the order path (design 6.3), as a pure function.

Absence alone proves nothing: reads lag behind the matching engine, lists come back empty by error, and a request may
arrive long after we gave up on it. So an order that is not shown stays ours until it can no longer arrive nor rest,
and complete readings reach beyond that moment.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from trading.domain.types import Order, OrderState

LEAVES_WITHIN: Final = timedelta(seconds=10)
"""Of the moment an order was marked as sent or renewed. A trader paused for longer may have been replaced or halted meanwhile,
and its order written off once a request sent in time would have died."""
REQUEST_LIFE: Final = timedelta(seconds=60)
"""A signed request dies with its timestamp: the exchange was seen to refuse one 30 s old (kalshi-api.md 1). Doubled."""

FORGOTTEN_AFTER: Final = timedelta(minutes=10)
"""From when an order can neither arrive nor rest, before the account as a whole may speak against what was said of its
fills: far beyond any lag of a list, and within the term after which a person is asked."""


class Shown(NamedTuple):
    """The order as the exchange's own list has it. Counts are contracts; `size` is how many it was placed for there."""

    kalshi_order_id: str
    rests: bool
    fill_count: Decimal
    size: Decimal | None = None


class Sighting(NamedTuple):
    """What one reading of the account knows of one order.

    `booked_count` adds up the fills we have stored. `complete_until` is the instant up to which order list and fills
    were complete; None when either could not be read to its end. `is_refuted`: the same reading's cash, and what it holds
    of the order's market, are those of our books without any fill that has not been read.
    """

    shown: Shown | None
    booked_count: Decimal
    complete_until: datetime | None
    is_refuted: bool = False


class Verdict(StrEnum):
    WAIT = "wait"
    """Nothing is proven: exposure stays reserved."""
    RESTS = "rests"
    ENDED = "ended"
    """Over at the exchange, and every contract it filled is in our books."""
    LOST_SIGHT = "lost_sight"
    """The exchange's words contradict one another: it was resting and is not shown, or filled and the fills are not.
    It may be gone, or a list may be wrong."""
    NEVER_ARRIVED = "never_arrived"
    """It can no longer arrive, and complete readings beyond that moment do not show it."""
    OVERFILLED = "overfilled"
    """More has filled than was ordered: stop everything."""


class Finding(NamedTuple):
    """A verdict and, in words, what it rests on."""

    verdict: Verdict
    why: str


def judge(order: Order, sighting: Sighting) -> Finding:
    """The verdict on an order that has been sent and has not ended in our books."""
    shown = sighting.shown
    filled = max(sighting.booked_count, shown.fill_count if shown else order.reported_count)
    # One placed for more than we meant, by books we have lost or by a person, has not overfilled: its terms differ.
    ordered = max(order.count, shown.size) if shown and shown.size is not None else order.count
    if filled > ordered:
        return Finding(Verdict.OVERFILLED, f"{filled} filled of {ordered} ordered")
    if sighting.booked_count == order.count:
        return Finding(Verdict.ENDED, "every contract is booked")
    if shown is None:
        return _absent(order, sighting)
    if shown.rests:
        return Finding(Verdict.RESTS, f"the exchange lists it as {shown.kalshi_order_id}")
    if sighting.booked_count < shown.fill_count:
        return _unread(order, sighting, shown.fill_count)
    return Finding(Verdict.ENDED, f"ended at the exchange with {shown.fill_count} filled")


def gone_after(order: Order) -> datetime | None:
    """From when on the order can neither arrive nor rest; None while it can rest for ever."""
    if order.sent_at is None:
        return order.created_at
    arrives_until = order.sent_at + REQUEST_LIFE
    if order.rests_by_itself:
        return max(arrives_until, order.expires_at) if order.expires_at else None
    return arrives_until


def _absent(order: Order, sighting: Sighting) -> Finding:
    gone, complete = gone_after(order), sighting.complete_until
    if sighting.booked_count < order.reported_count:
        return _unread(order, sighting, order.reported_count)
    if gone is not None and complete is not None and complete > gone:
        return Finding(
            Verdict.NEVER_ARRIVED if not sighting.booked_count else Verdict.ENDED,
            f"not shown in complete readings up to {complete:%H:%M:%S}, gone since {gone:%H:%M:%S}",
        )
    if order.state in (OrderState.RESTING, OrderState.PARTIAL) and complete is not None:
        return Finding(Verdict.LOST_SIGHT, "acknowledged once, not shown now")
    return Finding(Verdict.WAIT, "not shown, and it could still arrive or be shown late")


def _unread(order: Order, sighting: Sighting, reported: Decimal) -> Finding:
    """Fills the exchange spoke of and has not shown. Complete lists that reach beyond its end would hold them."""
    said = f"{sighting.booked_count} of {reported} reported contracts have been read"
    gone, complete = gone_after(order), sighting.complete_until
    if gone is None or complete is None or complete <= gone:
        return Finding(Verdict.WAIT, said)
    said = f"{said}, though complete readings reach {complete:%H:%M:%S}"
    # What is not shown, not held and not paid for never was, or was undone: the exchange lost it.
    if sighting.shown is None and sighting.is_refuted and complete > gone + FORGOTTEN_AFTER:
        return Finding(Verdict.ENDED, f"{said}; neither cash nor holdings of the market know of them")
    return Finding(Verdict.LOST_SIGHT, said)
