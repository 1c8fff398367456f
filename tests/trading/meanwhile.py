"""Another connection that moves an order while this one is at work on it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection, connections, transaction

from tests.trading.sent_orders import AT
from trading.domain.order_states import OrderEvent
from trading.domain.types import Order
from trading.repositories.orders import OrderRepository

WAITS_S: Final = 10


@contextmanager
def moved_meanwhile(order: Order, event: OrderEvent, **learnt: Any) -> Iterator[None]:
    """Somebody's step of `order`, committed once the block waits for it: all it read until then is stale."""
    ours = own_process()
    held, was_awaited = threading.Event(), threading.Event()

    def move() -> None:
        try:
            with transaction.atomic():
                OrderRepository(order.mode).transition(order, event, at=AT, actor="somebody", **learnt)
                held.set()
                if waits_for_a_lock(ours):
                    was_awaited.set()
        finally:
            connections.close_all()

    somebody = threading.Thread(target=move)
    somebody.start()
    assert held.wait(WAITS_S)
    yield
    somebody.join(2 * WAITS_S)
    assert was_awaited.is_set(), "the block never came to the order"


def own_process() -> int:
    """The database's number of this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def waits_for_a_lock(process: int) -> bool:
    """Whether that connection comes to wait for a lock within WAITS_S."""
    until = time.monotonic() + WAITS_S
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted", [process])
            if cursor.fetchone():
                return True
            time.sleep(0.01)
    return False
