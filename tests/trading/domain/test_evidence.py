"""The evidence table: what proves that an order exists, has ended, or never came to be, and what proves nothing."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.makers import NOW, make_order
from trading.domain.evidence import FORGOTTEN_AFTER, REQUEST_LIFE, Shown, Sighting, Verdict, gone_after, judge
from trading.domain.types import Order, OrderState, TimeInForce

TEN = Decimal(10)
NONE = Decimal(0)
EXPIRES = NOW + timedelta(minutes=3)
MUCH_LATER = NOW + timedelta(hours=1)
FORGOTTEN = NOW + REQUEST_LIFE + FORGOTTEN_AFTER


def sent(
    state: OrderState = OrderState.UNKNOWN, *, immediate: bool = False, reported: Decimal = NONE
) -> Order:
    return make_order(count="10").model_copy(
        update={
            "state": state,
            "sent_at": NOW,
            "time_in_force": TimeInForce.IOC if immediate else TimeInForce.GTC,
            "expires_at": None if immediate else EXPIRES,
            "reported_count": reported,
        }
    )


def shown(*, rests: bool, filled: str = "0") -> Shown:
    return Shown("order-1", rests, Decimal(filled))


@pytest.mark.parametrize(
    ("order", "sighting", "verdict"),
    [
        pytest.param(sent(), Sighting(shown(rests=True), NONE, None), Verdict.RESTS, id="listed as resting"),
        pytest.param(
            sent(), Sighting(shown(rests=True, filled="4"), NONE, NOW), Verdict.RESTS, id="fills still unread"
        ),
        pytest.param(
            sent(),
            Sighting(shown(rests=False, filled="4"), NONE, NOW),
            Verdict.WAIT,
            id="ended, fills still unread",
        ),
        pytest.param(
            sent(),
            Sighting(shown(rests=False, filled="4"), NONE, MUCH_LATER),
            Verdict.LOST_SIGHT,
            id="ended, fills missing from readings that reach beyond",
        ),
        pytest.param(
            sent(),
            Sighting(shown(rests=False, filled="4"), Decimal(4), NOW),
            Verdict.ENDED,
            id="ended, fills booked",
        ),
        pytest.param(
            sent(), Sighting(shown(rests=False), NONE, NOW), Verdict.ENDED, id="ended without fills"
        ),
        pytest.param(
            sent(), Sighting(None, TEN, None), Verdict.ENDED, id="every contract booked, list unread"
        ),
        pytest.param(
            sent(), Sighting(None, Decimal("10.01"), None), Verdict.OVERFILLED, id="more booked than ordered"
        ),
        pytest.param(
            sent(),
            Sighting(shown(rests=False, filled="11"), NONE, None),
            Verdict.OVERFILLED,
            id="more reported than ordered",
        ),
        pytest.param(
            sent(),
            Sighting(Shown("order-1", False, Decimal(54), Decimal(54)), NONE, NOW),
            Verdict.WAIT,
            id="placed for more than we meant, and filled",
        ),
        pytest.param(
            sent(),
            Sighting(Shown("order-1", False, Decimal(55), Decimal(54)), NONE, NOW),
            Verdict.OVERFILLED,
            id="more reported than it was placed for, which is more than we meant",
        ),
        pytest.param(
            sent(),
            Sighting(Shown("order-1", False, Decimal(11), Decimal(9)), NONE, NOW),
            Verdict.OVERFILLED,
            id="placed for less than we meant, more reported than that",
        ),
        pytest.param(sent(), Sighting(None, NONE, NOW), Verdict.WAIT, id="not shown, may still arrive"),
        pytest.param(
            sent(), Sighting(None, NONE, EXPIRES), Verdict.WAIT, id="readings reach its expiration only"
        ),
        pytest.param(
            sent(),
            Sighting(None, NONE, EXPIRES + timedelta(microseconds=1)),
            Verdict.NEVER_ARRIVED,
            id="readings reach beyond its expiration",
        ),
        pytest.param(
            sent(), Sighting(None, NONE, None), Verdict.WAIT, id="not shown in a reading that broke off"
        ),
        pytest.param(
            sent(immediate=True),
            Sighting(None, NONE, NOW + REQUEST_LIFE),
            Verdict.WAIT,
            id="immediate, its signature may still be good",
        ),
        pytest.param(
            sent(immediate=True),
            Sighting(None, NONE, NOW + REQUEST_LIFE + timedelta(seconds=1)),
            Verdict.NEVER_ARRIVED,
            id="immediate, its signature is dead",
        ),
        pytest.param(
            sent(OrderState.RESTING), Sighting(None, NONE, NOW), Verdict.LOST_SIGHT, id="rested, is not shown"
        ),
        pytest.param(
            sent(OrderState.PARTIAL),
            Sighting(None, Decimal(4), MUCH_LATER),
            Verdict.ENDED,
            id="rested, expired, not shown any more",
        ),
        pytest.param(
            sent(reported=Decimal(4)),
            Sighting(None, Decimal(3), NOW),
            Verdict.WAIT,
            id="the answer reported a fill that has not been read yet",
        ),
        pytest.param(
            sent(reported=Decimal(4)),
            Sighting(None, Decimal(3), MUCH_LATER),
            Verdict.LOST_SIGHT,
            id="the answer reported a fill that complete readings lack",
        ),
        pytest.param(
            sent(immediate=True, reported=Decimal(4)),
            Sighting(None, NONE, FORGOTTEN, is_refuted=True),
            Verdict.LOST_SIGHT,
            id="the reported fill is refuted by the account, not for long enough",
        ),
        pytest.param(
            sent(immediate=True, reported=Decimal(4)),
            Sighting(None, NONE, FORGOTTEN + timedelta(microseconds=1), is_refuted=True),
            Verdict.ENDED,
            id="the reported fill is refuted by the account, long after it could be late",
        ),
        pytest.param(
            sent(immediate=True, reported=Decimal(4)),
            Sighting(shown(rests=False, filled="4"), NONE, MUCH_LATER, is_refuted=True),
            Verdict.LOST_SIGHT,
            id="the account refutes a fill that the order list still tells of",
        ),
        pytest.param(
            sent(reported=Decimal(4)),
            Sighting(None, NONE, None, is_refuted=True),
            Verdict.WAIT,
            id="refuted by an account whose lists broke off",
        ),
    ],
)
def test_evidence_gives_its_verdict(order: Order, sighting: Sighting, verdict: Verdict) -> None:
    assert judge(order, sighting).verdict is verdict


@given(
    state=st.sampled_from([OrderState.SUBMITTED, OrderState.UNKNOWN, OrderState.RESTING, OrderState.PARTIAL]),
    immediate=st.booleans(),
    seconds=st.integers(-3600, 60),
)
def test_absence_before_the_request_is_dead_never_ends_an_order(
    state: OrderState, immediate: bool, seconds: int
) -> None:
    sighting = Sighting(None, NONE, NOW + timedelta(seconds=seconds))

    assert judge(sent(state, immediate=immediate), sighting).verdict in (Verdict.WAIT, Verdict.LOST_SIGHT)


def test_order_that_rests_without_an_expiration_is_never_gone() -> None:
    order = sent().model_copy(update={"expires_at": None})

    assert gone_after(order) is None
    assert judge(order, Sighting(None, NONE, MUCH_LATER)).verdict is Verdict.WAIT
