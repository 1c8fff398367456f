"""A halt at any instant of a send: once it is acknowledged, nothing leaves."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import SimpleQueue

import pytest
from django.db import connections

from tests.trading.makers import NOW, make_intent
from tests.trading.sent_orders import DEMO
from tests.trading.stored import store_markets
from trading.controls import ensure_controls, set_trading_state
from trading.cycle import submit_round
from trading.domain.order_states import OrderEvent
from trading.domain.types import Intent, Order, OrderState, TradingState
from trading.oms.lease import take_lease
from trading.oms.pace import Pace
from trading.oms.venues.base import Accepted, Answer, NotSent, TakenOut
from trading.oms.working import renew
from trading.repositories.orders import Lease, OrderRepository

LONGER_THAN_A_SEND = 1.5
"""Halts come before, within and after it, however fast the machine is."""


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


@dataclass
class Sender:
    """A trader with one order in the book. Each way out gets everything ready and returns what lets something leave."""

    lease: Lease
    market_ids: dict[str, int]
    venue: Recording = field(default_factory=Recording)
    number: int = 0

    def __post_init__(self) -> None:
        (self.resting,) = self._create(make_intent(mode=DEMO))
        self.resting = self._moved(self.resting, OrderEvent.SEND, OrderEvent.ACKNOWLEDGE)

    def sends(self) -> Callable[[], object]:
        return self._round(self._new())

    def renews(self) -> Callable[[], object]:
        self.number += 1
        at = NOW + timedelta(seconds=self.number)

        def leave() -> None:
            self.resting = renew(self.resting, self.venue, lease=self.lease, at=at)

        return leave

    def asks_again(self) -> Callable[[], object]:
        """For an order of whose first request nothing was heard."""
        return self._round(self._moved(self._new(), OrderEvent.SEND, OrderEvent.LOSE))

    def _round(self, order: Order) -> Callable[[], object]:
        pace = Pace(lambda: NOW)
        return lambda: submit_round(
            [order], self.venue, lease=self.lease, market_ids=self.market_ids, pace=pace
        )

    def _new(self) -> Order:
        self.number += 1
        return self._create(make_intent(mode=DEMO, generation=self.number))[0]

    def _create(self, intent: Intent) -> tuple[Order, ...]:
        return OrderRepository(DEMO).create([intent], self.market_ids, lease=self.lease)

    def _moved(self, order: Order, *events: OrderEvent) -> Order:
        for event in events:
            order = OrderRepository(DEMO).transition(order, event, at=NOW, sent_at=NOW)
        return order


WAYS_OUT = (Sender.sends, Sender.renews, Sender.asks_again)
"""All that may increase exposure leaves by one of these."""


def takes_s(leave: Callable[[], object]) -> float:
    begun = time.perf_counter()
    leave()
    return time.perf_counter() - begun


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
    sender = Sender(lease, market_ids)
    delays: SimpleQueue[float | None] = SimpleQueue()
    acknowledged: SimpleQueue[float] = SimpleQueue()
    operator = threading.Thread(target=halts, args=(delays, acknowledged))
    operator.start()
    left, late = Counter[str](), 0
    try:
        for number in range(1, instants + 1):
            turn(TradingState.ACTIVE)
            way_out = WAYS_OUT[number % len(WAYS_OUT)]
            longest_s = LONGER_THAN_A_SEND * takes_s(way_out(sender))
            sender.venue, leave = Recording(), way_out(sender)
            delays.put(draw.uniform(0, longest_s))
            leave()
            at = acknowledged.get(timeout=30)
            left[way_out.__name__] += len(sender.venue.left_at)
            late += sum(moment > at for moment in sender.venue.left_at)
    finally:
        delays.put(None)
        operator.join(30)
    with capsys.disabled():
        print(f"\n{instants:,} halts, seed {drawn}: ahead of theirs were {dict(left)}")  # noqa: T201
    assert late == 0
    assert set(left) == {way_out.__name__ for way_out in WAYS_OUT}
    assert all(
        0 < count < instants // len(WAYS_OUT) for count in left.values()
    ), "halts came before and after each"
    assert not OrderRepository(DEMO).in_states([OrderState.NEW, OrderState.SUBMITTED])
