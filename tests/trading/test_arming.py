"""LIVE trades only while a person's permission stands."""

import threading
from datetime import timedelta

import pytest
from django.contrib.postgres.functions import TransactionNow
from django.db import connection, connections

from milkbot.core.config import TradingMode
from tests.factories import admit_strategies
from tests.trading.makers import BRACKETS, NOW, make_intent
from tests.trading.stored import store_markets
from trading.arming import LONGEST, arm_live, disarm_live, standing_arming
from trading.controls import ensure_controls, get_effective_state, hold_switch, set_trading_state
from trading.domain.types import Order, OrderState, TradingState
from trading.models import LiveArmingRow, OperatorActionRow
from trading.oms.lease import take_lease
from trading.oms.submit import submit
from trading.oms.venues.base import Accepted, Answer
from trading.repositories.orders import Lease, OrderRepository

pytestmark = pytest.mark.django_db

LIVE = TradingMode.LIVE
TICKER = BRACKETS[2].ticker
HOUR = timedelta(hours=1)


@pytest.fixture
def lease() -> Lease:
    """The switch stands at ACTIVE, a strategy has passed its gate and we may trade; only the arming is missing."""
    admit_strategies("forecast_edge")
    ensure_controls(LIVE, NOW)
    return take_lease(LIVE, "host-a/1/1.00", timedelta(seconds=90))


class Counting:
    """A venue that counts what reaches it."""

    def __init__(self) -> None:
        self.sent = 0

    def place(self, order: Order) -> Answer:
        self.sent += 1
        return Accepted(rests=True)

    def find(self, order: Order) -> Answer:
        raise AssertionError


def arm(duration: timedelta = HOUR) -> None:
    arm_live(duration, actor="ada", user_id=None, reason="first day")


def disarm() -> int:
    return disarm_live(actor="ada", user_id=None, reason="enough")


def send_one(lease: Lease, venue: Counting) -> Order:
    market_ids = store_markets()
    (order,) = OrderRepository(LIVE).create([make_intent(mode=LIVE)], market_ids, lease=lease)
    return submit(order, venue, lease=lease, market_id=market_ids[TICKER], at=NOW)


@pytest.mark.story("4.10", 3)
def test_live_without_an_arming_sends_nothing_though_the_switch_is_active(lease: Lease) -> None:
    venue = Counting()

    ended = send_one(lease, venue)

    assert get_effective_state(LIVE) is TradingState.HALTED
    assert (ended.state, venue.sent) == (OrderState.CANCELED, 0)


@pytest.mark.story("4.10", 3)
def test_live_while_armed_sends(lease: Lease) -> None:
    arm()
    venue = Counting()

    ended = send_one(lease, venue)

    assert get_effective_state(LIVE) is TradingState.ACTIVE
    assert (ended.state, venue.sent) == (OrderState.RESTING, 1)


def test_arming_that_ran_out_is_none(lease: Lease) -> None:
    LiveArmingRow.objects.create(
        armed_at=TransactionNow() - 2 * HOUR,
        armed_by="ada",
        reason="this morning",
        expires_at=TransactionNow() - timedelta(seconds=1),
    )

    assert standing_arming() is None
    assert get_effective_state(LIVE) is hold_switch(LIVE) is TradingState.HALTED


def test_halt_holds_while_armed(lease: Lease) -> None:
    arm()
    set_trading_state(
        mode=LIVE, state=TradingState.HALTED, actor="ada", user_id=None, reason="storm", now=NOW
    )

    assert get_effective_state(LIVE) is hold_switch(LIVE) is TradingState.HALTED


def test_disarming_takes_back_every_arming_that_stands(lease: Lease) -> None:
    arm()
    arm(2 * HOUR)

    assert disarm() == 2
    assert get_effective_state(LIVE) is hold_switch(LIVE) is TradingState.HALTED
    assert disarm() == 0


@pytest.mark.parametrize("mode", [TradingMode.SHADOW, TradingMode.DEMO])
def test_other_modes_need_no_arming(mode: TradingMode) -> None:
    ensure_controls(mode, NOW)

    assert get_effective_state(mode) is hold_switch(mode) is TradingState.ACTIVE


@pytest.mark.parametrize(
    ("duration", "reason"),
    [(timedelta(0), "why not"), (-HOUR, "why not"), (LONGEST + timedelta(seconds=1), "why not"), (HOUR, " ")],
)
def test_arming_without_a_reason_or_a_sensible_end_is_refused(duration: timedelta, reason: str) -> None:
    with pytest.raises(ValueError, match=r"hours at a time|say why"):
        arm_live(duration, actor="ada", user_id=None, reason=reason)
    assert not LiveArmingRow.objects.exists()


def test_arming_and_disarming_say_who_why_and_until_when() -> None:
    admit_strategies("forecast_edge")
    until = arm_live(HOUR, actor="ada", user_id=None, reason="first day")
    disarm()

    armed, disarmed = OperatorActionRow.objects.order_by("pk")
    assert (armed.action, armed.actor, armed.reason) == ("arm_live", "ada", "first day")
    assert armed.after == {"expires_at": until.isoformat()}
    assert (disarmed.action, disarmed.before) == ("disarm_live", {"armings": 1})
    row = LiveArmingRow.objects.get()
    assert row.expires_at - row.armed_at == HOUR
    assert row.disarmed_by == "ada"


@pytest.mark.django_db(transaction=True)
def test_a_disarming_waits_for_the_send_under_way_and_then_nothing_leaves(lease: Lease) -> None:
    arm()
    sending, done = threading.Event(), threading.Event()
    seen: list[str] = []

    def take_back() -> None:
        sending.wait(5)
        disarm()
        seen.append("disarmed")
        done.set()
        connections.close_all()

    class Slow(Counting):
        def place(self, order: Order) -> Answer:
            sending.set()
            assert not done.wait(0.3), "the disarming was acknowledged while an order was leaving"
            seen.append("order left")
            return super().place(order)

    operator = threading.Thread(target=take_back)
    operator.start()
    send_one(lease, Slow())
    operator.join(5)

    assert seen == ["order left", "disarmed"]
    assert hold_switch(LIVE) is TradingState.HALTED


@pytest.mark.django_db(transaction=True)
def test_a_send_that_waited_for_a_disarming_under_way_finds_none(lease: Lease) -> None:
    """The other order: the disarming is not committed yet when the sender asks."""
    arm()
    taken_back, asked = threading.Event(), threading.Event()
    found: list[TradingState] = []

    def send() -> None:
        taken_back.wait(5)
        asked.set()
        found.append(hold_switch(LIVE))
        connections.close_all()

    sender = threading.Thread(target=send)
    sender.start()
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE live_armings SET disarmed_at = now(), disarmed_by = 'ada'")
        taken_back.set()
        asked.wait(5)
        sender.join(0.3)
        assert not found, "the sender did not wait"
        cursor.execute("COMMIT")
    sender.join(5)

    assert found == [TradingState.HALTED]
