"""The answer to an order is lost, late or wrong: the order is neither doubled nor forgotten."""

import time
from datetime import timedelta
from decimal import Decimal

import pytest

from markets.domain.order_outcomes import Rejected
from markets.domain.order_request import NewOrder, OrderTerms, TimeInForce
from markets.domain.sides import BookSide
from milkbot.embedded.process import wait_until
from sandbox.fault_middleware import FaultMiddleware
from tests.faults.bench import Bench
from tests.faults.books import PLACE, is_recovered, orders, some_slow, state_of, states, takers
from trading.domain.evidence import REQUEST_LIFE
from trading.domain.types import OrderState

ARRIVED: dict[str, dict[str, object]] = {
    "answer lost": {"kind": "drop_after"},
    "answer cut off": {"kind": "truncated"},
    "500 though accepted": {"kind": "5xx_after", "status": 500},
    "502 though accepted": {"kind": "5xx_after", "status": 502},
    "503 though accepted": {"kind": "5xx_after", "status": 503},
    "504 though accepted": {"kind": "5xx_after", "status": 504},
    "201 with an error body": {"kind": "error_body"},
    "echo of another order": {"kind": "wrong_echo"},
}
QUICK = {
    "answer lost",
    "503 though accepted",
    "201 with an error body",
    "echo of another order",
    "request lost",
}
"""What every run tries; the others come to the same and are slow only for their number."""
NEVER_ARRIVED = {
    "request lost": {"kind": "drop_before"},
    "connection reset": {"kind": "reset"},
    "500 before the engine": {"kind": "5xx"},
    "a proxy's page": {"kind": "html"},
}


@pytest.mark.story("4.7", 2)
@pytest.mark.story("9.4", 2)
@pytest.mark.parametrize("name", some_slow(ARRIVED, ARRIVED.keys() - QUICK))
def test_order_whose_answer_is_useless_is_found_and_never_sent_as_another(bench: Bench, name: str) -> None:
    bench.control(do="fault", match=PLACE, **ARRIVED[name])
    bench.cycle()
    sent = set(orders().values_list("intent__intent_key", flat=True))
    assert states() == {OrderState.UNKNOWN: len(sent)}, "a useless answer is never taken for a no"
    bench.heal()

    bench.recover(1)

    assert is_recovered()
    assert bench.complaints() == []
    assert set(bench.watched.placed) >= sent
    found = orders().filter(intent__intent_key__in=sent)
    assert all(row.kalshi_order_id for row in found), "every one of them had arrived"


@pytest.mark.parametrize("name", some_slow(NEVER_ARRIVED, NEVER_ARRIVED.keys() - QUICK))
def test_order_that_never_arrived_reserves_until_that_is_proven_and_is_then_sent_anew(
    bench: Bench, name: str
) -> None:
    bench.control(do="fault", match=PLACE, **NEVER_ARRIVED[name])
    bench.cycle()
    count = orders().count()
    bench.heal()
    bench.control(do="fault", match=PLACE, kind="5xx")  # nothing may replace them before they are proven dead
    bench.turns(1, REQUEST_LIFE - timedelta(seconds=1))
    assert states()[OrderState.UNKNOWN] == count, "absence before that proves nothing"
    bench.heal()

    bench.recover(8)

    assert is_recovered()
    assert bench.complaints() == []
    assert bench.member.orders, "what was still wanted was sent in the end"


def test_order_that_never_arrived_is_placed_under_its_own_id_while_it_is_still_wanted(bench: Bench) -> None:
    bench.fault(PLACE, "drop_before")
    bench.cycle()
    lost = {str(row.client_order_id): row.limit_price for row in orders()}
    bench.heal()

    bench.turns(1, timedelta(seconds=20))

    again = {order.client_order_id: order.price for order in bench.member.orders.values()}
    assert again.items() <= lost.items(), "nothing else was sent, and nothing at another price"
    assert again, "what was still wanted at its price was asked for again"
    bench.recover(7)
    assert is_recovered()
    assert bench.complaints() == []


@pytest.mark.story("4.6", 4)
@pytest.mark.story("4.6", 2)
def test_order_asked_for_again_that_existed_is_found_and_not_doubled(bench: Bench) -> None:
    bench.fault(PLACE, "drop_after")
    bench.cycle()
    count = len(bench.member.orders)
    bench.heal()

    bench.turns(1, timedelta(milliseconds=300))  # the exchange's reads do not show the orders yet

    assert max(bench.watched.placed.values()) == 2, "some were asked for again"
    assert len(bench.member.orders) == count, "and met the first one (409)"
    assert states()[OrderState.UNKNOWN] == count
    bench.recover(1)
    assert is_recovered()
    assert bench.complaints() == []


def test_id_burnt_by_a_killed_order_is_given_up_and_the_wish_sent_as_its_next_generation(
    bench: Bench,
) -> None:
    bench.fault(PLACE, "drop_before")
    bench.cycle()
    bench.heal()
    burnt = list(orders())
    for row in burnt:
        terms = OrderTerms(time_in_force=TimeInForce.FOK)
        too_much = NewOrder(
            row.market.ticker,
            BookSide(row.book_side),
            Decimal(900),
            row.limit_price,
            str(row.client_order_id),
            terms,
        )
        assert isinstance(bench.hand().place(too_much), Rejected)

    bench.recover(10)

    bench_ids = {order.client_order_id for order in bench.member.orders.values()}
    assert bench_ids.isdisjoint(str(row.client_order_id) for row in burnt)
    assert {state_of(row) for row in burnt} == {OrderState.CANCELED}
    assert orders().filter(intent__generation=1).exists()
    assert is_recovered()
    assert bench.complaints() == []


def _wait_for_orders(bench: Bench, count: int) -> None:
    """Until that many late requests have been carried out in the exchange's own time."""
    deadline = time.monotonic() + 10
    while True:
        bench.wait(timedelta(seconds=1))
        shown = bench.transport.get_json("/portfolio/orders")["orders"]
        if len(shown) >= count or time.monotonic() > deadline:
            return
        time.sleep(0.05)


def _wait_for_the_late(bench: Bench) -> None:
    """Until every late request was carried out: one that came when its wish is sent anew would double it, and only the
    promise that the test breaks can prevent that."""
    faulty = bench.front.app
    assert isinstance(faulty, FaultMiddleware)
    assert wait_until(lambda: not bench.front.do(lambda: faulty.has_late), timeout_s=10)


def test_request_that_arrives_after_we_gave_up_is_adopted(bench: Bench) -> None:
    bench.fault(PLACE, "late", seconds=2)
    bench.cycle()
    count = orders().count()
    assert states() == {OrderState.UNKNOWN: count}
    assert bench.member.orders == {}
    bench.heal()

    _wait_for_orders(bench, count)
    bench.recover(1)

    assert len(bench.member.client_ids) >= count
    assert is_recovered()
    assert bench.complaints() == []


def test_request_that_fills_after_it_was_written_off_is_ours_all_the_same(bench: Bench) -> None:
    """Worse than the exchange promises: the signature was accepted long after it should have died."""
    bench.fault(PLACE, "late", seconds=6)
    bench.cycle()
    taker = takers().first()
    assert taker is not None
    bench.heal()
    bench.fault(PLACE, "5xx")
    bench.turns(4)
    taker.refresh_from_db()
    assert taker.state == OrderState.CANCELED, "written off before it arrived"

    assert bench.member.orders == {}
    _wait_for_orders(bench, 1)
    _wait_for_the_late(bench)
    bench.heal()
    bench.recover(8)

    taker.refresh_from_db()
    assert taker.state == OrderState.FILLED
    assert bench.complaints() == []
    assert is_recovered()
