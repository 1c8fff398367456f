"""Batches: each order has its own outcome, and doubt about the answer is doubt about every order."""

from decimal import Decimal

import pytest

from markets.clients.kalshi.orders import BATCH_PATH, KalshiOrders
from markets.domain.order_outcomes import Accepted, Canceled, Duplicate, Gone, Rejected, RejectReason, Unknown
from markets.domain.order_request import BadOrder, OrderPlace
from tests.markets.clients.order_makers import AT, PLACE, TICKER, TS_MS, new_order, wire_created
from tests.markets.local_exchange import LocalExchange, Reply, json_reply

D = Decimal


def test_create_batch_gives_every_order_its_own_outcome(
    exchange: LocalExchange, orders: KalshiOrders
) -> None:
    batch = [new_order(client_order_id=name) for name in ("a", "b", "c", "d", "e")]
    exchange.on(
        f"POST {BATCH_PATH}",
        json_reply(
            {
                "orders": [
                    wire_created(client_order_id="b", order_id="second"),
                    wire_created(client_order_id="a", order_id="first"),
                    {"error": {"code": "insufficient_balance"}},
                    {"client_order_id": "d", "error": {"code": "order_already_exists"}},
                    {"client_order_id": "stranger"},
                ]
            },
            201,
        ),
    )
    first, second, third, fourth, fifth = orders.create_batch(batch)
    assert [o.order_id for o in (first, second) if isinstance(o, Accepted)] == ["first", "second"]
    assert isinstance(third, Rejected)
    assert third.reason is RejectReason.INSUFFICIENT_BALANCE
    assert isinstance(fourth, Duplicate)
    assert isinstance(fifth, Unknown)
    assert [order["client_order_id"] for order in exchange.requests[0].json["orders"]] == list("abcde")


def test_create_batch_of_nothing_or_of_twins_is_not_sent(
    exchange: LocalExchange, orders: KalshiOrders
) -> None:
    assert orders.create_batch([]) == ()
    assert orders.cancel_batch([]) == ()
    with pytest.raises(BadOrder, match="share"):
        orders.create_batch([new_order(), new_order(count="3")])
    assert exchange.requests == []


def test_cancel_batch_gives_every_order_its_own_outcome(
    exchange: LocalExchange, orders: KalshiOrders
) -> None:
    places = [OrderPlace("one", TICKER), OrderPlace("two", TICKER, 1), OrderPlace("three", TICKER)]
    exchange.on(
        f"DELETE {BATCH_PATH}",
        json_reply(
            {
                "orders": [
                    {"order_id": "one", "reduced_by": "1.00", "ts_ms": TS_MS},
                    {"order_id": "two", "reduced_by": "0.00", "ts_ms": None, "error": {"code": "not_found"}},
                ]
            }
        ),
    )
    one, two, three = orders.cancel_batch(places)
    assert one == Canceled("one", D(1), AT)
    assert isinstance(two, Gone)
    assert isinstance(three, Unknown)
    assert exchange.requests[0].json == {
        "orders": [
            {"order_id": "one", "market_ticker": TICKER},
            {"order_id": "two", "market_ticker": TICKER, "exchange_index": 1},
            {"order_id": "three", "market_ticker": TICKER},
        ]
    }


@pytest.mark.parametrize("reply", [Reply(503), json_reply({"orders": "all"}, 201), Reply(201, b"[")])
def test_batch_without_a_readable_answer_leaves_every_order_unknown(
    exchange: LocalExchange, orders: KalshiOrders, reply: Reply
) -> None:
    exchange.on(BATCH_PATH, reply)
    outcomes = orders.create_batch([new_order(client_order_id="a"), new_order(client_order_id="b")])
    assert [type(outcome) for outcome in outcomes] == [Unknown, Unknown]
    assert [type(outcome) for outcome in orders.cancel_batch([PLACE])] == [Unknown]
