"""A halt at any instant of a send: once it is acknowledged, nothing leaves."""

import random
import threading
import time
from datetime import datetime, timedelta
from queue import SimpleQueue

import pytest
from django.db import connections

from tests.trading.makers import BRACKETS, NOW, make_intent
from tests.trading.sent_orders import DEMO
from tests.trading.stored import store_markets
from trading.controls import ensure_controls, set_trading_state
from trading.domain.order_states import OrderEvent
from trading.domain.types import Order, OrderState, TradingState
from trading.oms.lease import take_lease
from trading.oms.submit import submit
from trading.oms.venues.base import Accepted, Answer, NotSent, TakenOut
from trading.oms.working import renew
from trading.repositories.orders import Lease, OrderRepository

LONGEST_S = 0.02
"""Longer than a send takes, so that halts come before, within and after it."""
TICKER = BRACKETS[2].ticker


class Recording:
    """A venue that notes when something left, and takes a little while over it."""

    def __init__(self) -> None:
        self.left_at: list[float] = []

    def place(self, order: Order) -> Answer:
        self._leave()
        return Accepted()

    def find(self, order: Order) -> Answer:
        raise AssertionError

    def cancel(self, order: Order) -> TakenOut | NotSent:
        raise AssertionError

    def renew(self, order: Order, expires_at: datetime) -> None:
        self._leave()

    def _leave(self) -> None:
        until = time.perf_counter() + 0.001
        while time.perf_counter() < until:
            pass
        self.left_at.append(time.perf_counter())


def turn(state: TradingState) -> None:
    set_trading_state(mode=DEMO, state=state, actor="ann", user_id=None, reason="drawn", now=NOW)


def halts(delays: "SimpleQueue[float | None]", acknowledged: "SimpleQueue[float]") -> None:
    """The operator's own connection: a halt after each delay told, until None."""
    try:
        while (delay := delays.get()) is not None:
            until = time.perf_counter() + delay
            while time.perf_counter() < until:
                pass
            turn(TradingState.HALTED)
            acknowledged.put(time.perf_counter())
    finally:
        connections.close_all()


def send(number: int, resting: Order, venue: Recording, lease: Lease, market_id: int) -> Order:
    """A new order, or every third time a renewal; the resting order as it stands after it."""
    if number % 3 == 0:
        return renew(resting, venue, lease=lease, at=NOW + timedelta(seconds=number))
    intent = make_intent(mode=DEMO, generation=number)
    (order,) = OrderRepository(DEMO).create([intent], {TICKER: market_id}, lease=lease)
    submit(order, venue, lease=lease, market_id=market_id, at=NOW)
    return resting


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("instants", [100, pytest.param(1_000, marks=pytest.mark.slow)])
def test_halt_at_random_instants_then_nothing_leaves_after_its_acknowledgement(
    instants: int, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = random.SystemRandom().randrange(2**32)
    draw = random.Random(drawn)
    ensure_controls(DEMO, NOW)
    market_ids = store_markets()
    lease = take_lease(DEMO, "host-a/1/1.00", timedelta(hours=1))
    repository = OrderRepository(DEMO)
    (resting,) = repository.create([make_intent(mode=DEMO)], market_ids, lease=lease)
    for event in (OrderEvent.SEND, OrderEvent.ACKNOWLEDGE):
        resting = repository.transition(resting, event, at=NOW, sent_at=NOW)
    delays: SimpleQueue[float | None] = SimpleQueue()
    acknowledged: SimpleQueue[float] = SimpleQueue()
    operator = threading.Thread(target=halts, args=(delays, acknowledged))
    operator.start()
    left, late = 0, 0
    try:
        for number in range(1, instants + 1):
            turn(TradingState.ACTIVE)
            venue = Recording()
            delays.put(draw.uniform(0, LONGEST_S))
            resting = send(number, resting, venue, lease, market_ids[TICKER])
            at = acknowledged.get(timeout=30)
            left += len(venue.left_at)
            late += sum(moment > at for moment in venue.left_at)
    finally:
        delays.put(None)
        operator.join(30)
    with capsys.disabled():
        print(f"\n{instants:,} halts, seed {drawn}: {left} sends were ahead of theirs")  # noqa: T201
    assert late == 0
    assert 0 < left < instants, "halts must have come both before and after a send"
    assert not OrderRepository(DEMO).in_states([OrderState.NEW, OrderState.SUBMITTED])
