"""Who may trade, and whether: the lease with its fencing number, and the operator's switch."""

import socket
import subprocess
import sys
import threading
from datetime import timedelta

import psutil
import pytest
from django.db import connection, connections

from milkbot.core.config import TradingMode
from milkbot.embedded.process import wait_until
from tests.trading.makers import BRACKETS, NOW, make_fill, make_intent
from tests.trading.stored import store_markets
from trading.controls import ensure_controls, get_trading_state, set_trading_state
from trading.domain.types import Action, Order, OrderState, TradingState
from trading.models import OperatorActionRow, TraderLeaseRow
from trading.oms.lease import LeaseHeld, holder_name, release_lease, take_lease
from trading.oms.submit import submit
from trading.oms.venues.base import Accepted, Answer
from trading.repositories.books import FillRepository
from trading.repositories.orders import Fenced, Lease, OrderRepository

pytestmark = pytest.mark.django_db

SHADOW = TradingMode.SHADOW
TICKER = BRACKETS[2].ticker
TTL = timedelta(seconds=90)


@pytest.fixture
def lease() -> Lease:
    return take_lease(SHADOW, "host-a/1/1.00", TTL)


def test_lease_is_refused_to_a_second_holder_and_renewed_for_the_first(lease: Lease) -> None:
    with pytest.raises(LeaseHeld, match=r"host-a/1/1\.00 trades in SHADOW"):
        take_lease(SHADOW, "host-b/2/2.00", TTL)

    assert take_lease(SHADOW, "host-a/1/1.00", TTL) == lease


def test_lease_that_ran_out_goes_to_the_next_with_a_higher_number() -> None:
    first = take_lease(SHADOW, "host-a/1/1.00", timedelta(seconds=-1))
    second = take_lease(SHADOW, "host-b/2/2.00", TTL)

    assert second.fencing == first.fencing + 1


def test_lease_taken_back_by_its_own_late_holder_has_a_higher_number_too() -> None:
    first = take_lease(SHADOW, "host-a/1/1.00", timedelta(seconds=-1))

    assert take_lease(SHADOW, "host-a/1/1.00", TTL).fencing == first.fencing + 1


def test_lease_of_a_dead_process_on_this_host_is_taken_over_at_once() -> None:
    host, pid, started = holder_name().split("/")
    take_lease(SHADOW, f"{host}/{pid}/{float(started) - 100:.2f}", TTL)  # the same pid, another process

    assert take_lease(SHADOW, holder_name(), TTL).fencing == 2


def test_lease_of_a_process_that_was_killed_and_never_collected_is_taken_over_at_once() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    killed = psutil.Process(process.pid)
    take_lease(SHADOW, f"{socket.gethostname()}/{killed.pid}/{killed.create_time():.2f}", TTL)
    with pytest.raises(LeaseHeld):
        take_lease(SHADOW, holder_name(), TTL)

    killed.kill()
    assert wait_until(lambda: killed.status() == psutil.STATUS_ZOMBIE, timeout_s=10)

    assert take_lease(SHADOW, holder_name(), TTL).fencing == 2
    process.communicate()


def test_lease_of_a_living_process_on_this_host_is_respected() -> None:
    take_lease(SHADOW, holder_name(), TTL)

    with pytest.raises(LeaseHeld):
        take_lease(SHADOW, "host-b/2/2.00", TTL)


def test_release_lets_the_next_one_in_with_a_higher_number_and_a_stale_release_does_nothing(
    lease: Lease,
) -> None:
    release_lease(lease._replace(fencing=lease.fencing - 1))
    with pytest.raises(LeaseHeld):
        take_lease(SHADOW, "host-b/2/2.00", TTL)
    release_lease(lease)
    assert take_lease(SHADOW, "host-b/2/2.00", TTL).fencing == lease.fencing + 1


def test_switch_without_a_row_is_halted_and_turning_it_is_recorded() -> None:
    assert get_trading_state(SHADOW) is TradingState.HALTED
    ensure_controls(SHADOW, NOW)
    assert get_trading_state(SHADOW) is TradingState.ACTIVE

    before = set_trading_state(
        mode=SHADOW, state=TradingState.REDUCING, actor="op", user_id=None, reason="thin books", now=NOW
    )

    assert before is TradingState.ACTIVE
    assert get_trading_state(SHADOW) is TradingState.REDUCING
    action = OperatorActionRow.objects.get()
    assert (action.reason, action.before, action.after) == (
        "thin books",
        {"state": "ACTIVE"},
        {"state": "REDUCING"},
    )


def test_switch_without_a_reason_stays() -> None:
    ensure_controls(SHADOW, NOW)

    with pytest.raises(ValueError, match="say why"):
        set_trading_state(
            mode=SHADOW, state=TradingState.HALTED, actor="op", user_id=None, reason=" ", now=NOW
        )
    assert get_trading_state(SHADOW) is TradingState.ACTIVE


def test_ensure_controls_publishes_only_the_mode_that_runs() -> None:
    ensure_controls(SHADOW, NOW)
    ensure_controls(TradingMode.DEMO, NOW)

    with connection.cursor() as cursor:
        cursor.execute("SELECT mode FROM controls WHERE is_published")
        assert cursor.fetchall() == [("DEMO",)]


@pytest.mark.django_db(transaction=True)
def test_a_halt_waits_for_the_send_under_way_and_then_holds(lease: Lease) -> None:
    """The acknowledged halt comes after the send ended, so nothing can leave later."""
    ensure_controls(SHADOW, NOW)
    market_ids = store_markets()
    (order,) = OrderRepository(SHADOW).create([make_intent()], market_ids, lease=lease)
    sending, halted = threading.Event(), threading.Event()
    seen: list[str] = []

    def halt() -> None:
        sending.wait(5)
        set_trading_state(
            mode=SHADOW, state=TradingState.HALTED, actor="op", user_id=None, reason="now", now=NOW
        )
        seen.append("halt acknowledged")
        halted.set()
        connections.close_all()

    class Slow:
        def place(self, order: Order) -> Answer:
            sending.set()
            assert not halted.wait(0.3), "the halt was acknowledged while an order was leaving"
            seen.append("order left")
            return Accepted()

        def find(self, order: Order) -> Answer:
            raise AssertionError

    operator = threading.Thread(target=halt)
    operator.start()
    submit(order, Slow(), lease=lease, market_id=market_ids[TICKER], at=NOW)
    operator.join(5)

    assert seen == ["order left", "halt acknowledged"]


class Counting:
    """A venue that counts what reaches it."""

    def __init__(self) -> None:
        self.sent = 0

    def place(self, order: Order) -> Answer:
        self.sent += 1
        return Accepted()

    def find(self, order: Order) -> Answer:
        raise AssertionError


def set_reducing() -> None:
    set_trading_state(
        mode=SHADOW, state=TradingState.REDUCING, actor="op", user_id=None, reason="test", now=NOW
    )


def test_an_entry_committed_before_the_switch_turned_to_reducing_does_not_leave(lease: Lease) -> None:
    ensure_controls(SHADOW, NOW)
    market_ids, venue = store_markets(), Counting()
    (order,) = OrderRepository(SHADOW).create([make_intent()], market_ids, lease=lease)
    set_reducing()

    ended = submit(order, venue, lease=lease, market_id=market_ids[TICKER], at=NOW)

    assert (ended.state, venue.sent) == (OrderState.CANCELED, 0)


@pytest.mark.parametrize(("held", "sent"), [("10", 1), ("9", 0)])
def test_an_exit_leaves_while_reducing_only_if_all_of_it_is_held(lease: Lease, held: str, sent: int) -> None:
    ensure_controls(SHADOW, NOW)
    market_ids, venue = store_markets(), Counting()
    FillRepository(SHADOW).book(make_fill(count=held), market_ids[TICKER])
    wish = make_intent(action=Action.SELL, count="10")
    (order,) = OrderRepository(SHADOW).create([wish], market_ids, lease=lease)
    set_reducing()

    submit(order, venue, lease=lease, market_id=market_ids[TICKER], at=NOW)

    assert venue.sent == sent


def test_an_order_does_not_leave_under_a_lease_that_moved_on(lease: Lease) -> None:
    ensure_controls(SHADOW, NOW)
    market_ids, venue = store_markets(), Counting()
    (order,) = OrderRepository(SHADOW).create([make_intent()], market_ids, lease=lease)
    TraderLeaseRow.objects.filter(mode=SHADOW).update(holder="host-b/2/2.00", fencing=lease.fencing + 1)

    with pytest.raises(Fenced):
        submit(order, venue, lease=lease, market_id=market_ids[TICKER], at=NOW)
    assert venue.sent == 0
