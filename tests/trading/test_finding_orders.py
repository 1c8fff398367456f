"""How orders are found again: by the exchange's name or the id they carry, and held as whoever held them before left them."""

import threading
from uuid import UUID

import pytest
from django.db import connections, transaction

from milkbot.core.config import TradingMode
from tests.trading.makers import NOW, make_intent
from tests.trading.meanwhile import WAITS_S, own_process, waits_for_a_lock
from tests.trading.stored import store_markets
from trading.controls import ensure_controls
from trading.domain.order_states import OrderEvent
from trading.domain.types import Order, OrderState
from trading.oms.lease import take_lease
from trading.repositories.orders import OrderRepository

DEMO = TradingMode.DEMO


@pytest.fixture
def repository() -> OrderRepository:
    return OrderRepository(DEMO)


def placed(repository: OrderRepository, count: int) -> list[Order]:
    ensure_controls(DEMO, NOW)
    intents = [make_intent(mode=DEMO, generation=number) for number in range(count)]
    return list(repository.create(intents, store_markets(), lease=take_lease(DEMO, "host-a/1/1.00")))


def named(repository: OrderRepository, order: Order, name: str) -> Order:
    sent = repository.transition(order, OrderEvent.SEND, at=NOW, sent_at=NOW)
    return repository.transition(sent, OrderEvent.ACKNOWLEDGE, at=NOW, kalshi_order_id=name)


@pytest.mark.django_db
def test_order_is_found_by_its_name_or_by_the_id_it_carries_and_by_nothing_else(
    repository: OrderRepository,
) -> None:
    first, second, third = placed(repository, 3)
    first = named(repository, first, "k-1")

    found = repository.by_exchange_names(
        {
            "k-1": "",
            "k-2": str(second.client_order_id),
            "k-2 again": str(second.client_order_id),
            "by hand": "",
            "not an id": "spring-17",
            "another's": str(UUID(int=7)),
        }
    )

    assert found == {"k-1": first, "k-2": second, "k-2 again": second}
    assert third not in found.values()
    assert OrderRepository(TradingMode.LIVE).by_exchange_names({"k-1": ""}) == {}


@pytest.mark.django_db
def test_name_that_is_known_goes_before_the_id_that_comes_with_it(repository: OrderRepository) -> None:
    first, second = placed(repository, 2)
    first = named(repository, first, "k-1")

    assert repository.by_exchange_names({"k-1": str(second.client_order_id)}) == {"k-1": first}


@pytest.mark.django_db(transaction=True)
def test_lock_that_had_to_wait_reads_what_the_holder_did(repository: OrderRepository) -> None:
    (order,) = placed(repository, 1)
    ours = own_process()
    held, had_to_wait = threading.Event(), threading.Event()

    def hold_and_send() -> None:
        with transaction.atomic():
            (mine,) = repository.lock([order.client_order_id]).values()
            held.set()
            if waits_for_a_lock(ours):
                had_to_wait.set()
            repository.transition(mine, OrderEvent.SEND, at=NOW, sent_at=NOW)
        connections.close_all()

    holder = threading.Thread(target=hold_and_send)
    holder.start()
    assert held.wait(WAITS_S)
    with transaction.atomic():
        found = repository.lock([order.client_order_id])[order.client_order_id]
    holder.join(WAITS_S)

    assert had_to_wait.is_set()
    assert (found.state, found.sent_at) == (OrderState.SUBMITTED, NOW)
