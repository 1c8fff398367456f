"""The exchange's answers in the venue's words, over a real socket: what is certain, and what is not."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from markets.clients.kalshi.conversation import Conversation
from markets.clients.kalshi.orders import ORDERS_PATH, KalshiOrders
from tests.markets.clients.order_makers import ORDER_ID, wire_created, wire_error
from tests.markets.local_exchange import LocalExchange, Reply, json_reply
from tests.trading.makers import NOW, make_order
from trading.domain.breakers import Breaker
from trading.domain.types import Action, Order, OrderState, TimeInForce
from trading.oms.venues.base import Accepted, NotSent, Rejected, TakenOut, Unknown
from trading.oms.venues.kalshi import KalshiVenue

EXPIRES = NOW + timedelta(minutes=4)
NAMED = make_order(state=OrderState.RESTING).model_copy(update={"kalshi_order_id": ORDER_ID})
UNNAMED = make_order()
RESTS = UNNAMED.model_copy(
    update={"time_in_force": TimeInForce.GTC, "post_only": True, "expires_at": EXPIRES}
)
REFUSALS = [
    pytest.param(json_reply(wire_error("invalid_price"), 400), Rejected, {"code": "PRICE"}, id="refused"),
    pytest.param(
        json_reply(wire_error("authentication_error"), 401),
        Rejected,
        {"breaker": Breaker.AUTH_REFUSED},
        id="key",
    ),
    pytest.param(
        json_reply(wire_error("header_timestamp_expired"), 401),
        Rejected,
        {"breaker": Breaker.CLOCK_SKEW},
        id="clock",
    ),
    pytest.param(Reply(410, b"gone"), Rejected, {"breaker": Breaker.ENDPOINT_RETIRED}, id="retired"),
    pytest.param(Reply(503, b"<html>"), Unknown, {}, id="server error"),
    pytest.param(Reply(200, b"{"), Unknown, {}, id="unreadable"),
]


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange() as server:
        yield server


@pytest.fixture
def venue(exchange: LocalExchange) -> Iterator[KalshiVenue]:
    conversation = Conversation(exchange.base_url, now=lambda: NOW)
    yield KalshiVenue(KalshiOrders(conversation, now=lambda: NOW))
    conversation.close()


def created(order: Order, **changes: Any) -> Reply:
    body = {"client_order_id": str(order.client_order_id), "average_fill_price": "0.4000"} | changes
    return json_reply(wire_created(**body), 201)


def test_place_when_accepted_then_names_it_and_reports_what_filled(
    exchange: LocalExchange, venue: KalshiVenue
) -> None:
    exchange.on(ORDERS_PATH, created(UNNAMED, remaining_count="0.00"))

    answer = venue.place(UNNAMED)

    assert answer == Accepted(rests=False, kalshi_order_id=ORDER_ID, reported_count=Decimal("2.50"))
    assert "expiration_time" not in exchange.requests[0].json


def test_place_of_a_quote_then_post_only_with_its_expiration(
    exchange: LocalExchange, venue: KalshiVenue
) -> None:
    exchange.on(
        ORDERS_PATH,
        created(
            RESTS, fill_count="0.00", remaining_count="10.00", average_fill_price=None, average_fee_paid=None
        ),
    )

    assert venue.place(RESTS) == Accepted(rests=True, kalshi_order_id=ORDER_ID)
    sent = exchange.requests[0].json
    assert (sent["post_only"], sent["expiration_time"]) == (True, int(EXPIRES.timestamp()))


@pytest.mark.parametrize(
    ("order", "is_capped"),
    [
        (UNNAMED, False),
        (UNNAMED.model_copy(update={"action": Action.SELL}), True),
        # The exchange refuses the cap on what rests: a quote that sells is watched by its review instead.
        (RESTS.model_copy(update={"action": Action.SELL}), False),
    ],
)
def test_place_of_an_immediate_sale_then_it_can_never_open(
    exchange: LocalExchange, venue: KalshiVenue, order: Order, is_capped: bool
) -> None:
    exchange.on(ORDERS_PATH, created(order))

    venue.place(order)

    assert exchange.requests[0].json["reduce_only"] is is_capped


def test_place_when_the_id_exists_then_unknown_and_never_refused(
    exchange: LocalExchange, venue: KalshiVenue
) -> None:
    exchange.on(ORDERS_PATH, json_reply(wire_error("order_already_exists"), 409))

    assert isinstance(venue.place(UNNAMED), Unknown)


@pytest.mark.parametrize(("reply", "kind", "told"), REFUSALS)
@pytest.mark.parametrize("verb", ["place", "cancel", "renew", "cancel_all"])
def test_any_request_when_not_taken_then_says_how_certain_that_is(
    exchange: LocalExchange, venue: KalshiVenue, verb: str, reply: Reply, kind: type, told: dict[str, object]
) -> None:
    for path in (ORDERS_PATH, f"{ORDERS_PATH}/{ORDER_ID}", f"{ORDERS_PATH}/{ORDER_ID}/amend"):
        exchange.on(path, reply)
    calls = {
        "place": lambda: venue.place(UNNAMED),
        "cancel": lambda: venue.cancel(NAMED),
        "renew": lambda: venue.renew(NAMED, EXPIRES),
        "cancel_all": venue.cancel_all,
    }

    answer = calls[verb]()

    assert isinstance(answer, kind)
    assert {name: getattr(answer, name) for name in told} == told
    assert len(exchange.requests) == 1, "no order is ever sent twice"


def test_cancel_when_taken_out_then_says_how_much_no_longer_rests(
    exchange: LocalExchange, venue: KalshiVenue
) -> None:
    exchange.on(
        f"{ORDERS_PATH}/{ORDER_ID}", json_reply({"order_id": ORDER_ID, "reduced_by": "6.00", "ts_ms": 1})
    )

    assert venue.cancel(NAMED) == TakenOut(reduced_by=Decimal(6))


def test_cancel_when_more_was_taken_out_than_was_ordered_then_unknown(
    exchange: LocalExchange, venue: KalshiVenue
) -> None:
    too_much = f"{NAMED.count + Decimal('0.01'):.2f}"
    exchange.on(
        f"{ORDERS_PATH}/{ORDER_ID}", json_reply({"order_id": ORDER_ID, "reduced_by": too_much, "ts_ms": 1})
    )

    assert isinstance(venue.cancel(NAMED), Unknown)


@pytest.mark.parametrize("verb", ["cancel", "renew"])
def test_order_the_exchange_does_not_know_then_unknown_for_it_may_have_filled(
    exchange: LocalExchange, venue: KalshiVenue, verb: str
) -> None:
    for path in (f"{ORDERS_PATH}/{ORDER_ID}", f"{ORDERS_PATH}/{ORDER_ID}/amend"):
        exchange.on(path, json_reply(wire_error("not_found"), 404))

    answer = venue.cancel(NAMED) if verb == "cancel" else venue.renew(NAMED, EXPIRES)

    assert isinstance(answer, Unknown)


def test_order_without_a_name_then_nothing_is_asked(exchange: LocalExchange, venue: KalshiVenue) -> None:
    assert isinstance(venue.cancel(UNNAMED), Unknown)
    assert isinstance(venue.renew(UNNAMED, EXPIRES), Unknown)
    assert isinstance(venue.find(UNNAMED), Unknown)
    assert exchange.requests == []


@pytest.mark.parametrize(
    "changes", [{"kalshi_order_id": "a.b/../c"}, {"kalshi_order_id": ""}, {"market_ticker": "KX 1/../2"}]
)
def test_order_whose_place_cannot_be_named_then_refused_here(
    exchange: LocalExchange, venue: KalshiVenue, changes: dict[str, str]
) -> None:
    order = NAMED.model_copy(update=changes)

    for answer in (venue.cancel(order), venue.renew(order, EXPIRES)):
        assert isinstance(answer, Rejected)
        assert answer.code == "BAD_ORDER"
    assert exchange.requests == []


def test_price_between_two_cents_then_sent_as_it_was_decided(
    exchange: LocalExchange, venue: KalshiVenue
) -> None:
    """The decision took it from the market itself, which may be moved to a finer grid at any time."""
    price = {"limit_price": Decimal("0.4050")}
    exchange.on(f"POST {ORDERS_PATH}", created(UNNAMED))
    exchange.on(f"POST {ORDERS_PATH}/{ORDER_ID}/amend", json_reply(wire_error("not_found"), 404))

    venue.place(UNNAMED.model_copy(update=price))
    venue.renew(NAMED.model_copy(update=price), EXPIRES)

    assert [request.json["price"] for request in exchange.requests] == ["0.4050", "0.4050"]


def test_order_that_must_not_be_sent_then_refused_here(exchange: LocalExchange, venue: KalshiVenue) -> None:
    past = NOW - timedelta(seconds=1)

    assert venue.place(RESTS.model_copy(update={"expires_at": past})) == venue.renew(NAMED, past)
    assert exchange.requests == []


def test_place_when_nobody_listens_then_not_sent() -> None:
    with LocalExchange() as gone:
        address = gone.base_url
    conversation = Conversation(address, now=lambda: NOW)

    assert isinstance(KalshiVenue(KalshiOrders(conversation, now=lambda: NOW)).place(UNNAMED), NotSent)
    conversation.close()


@pytest.mark.parametrize(("age_s", "leaves"), [(10, True), (11, False)])
def test_order_of_a_trader_that_was_paused_is_not_sent(
    exchange: LocalExchange, venue: KalshiVenue, age_s: int, leaves: bool
) -> None:
    marked_at = NOW - timedelta(seconds=age_s)
    order = UNNAMED.model_copy(update={"updated_at": marked_at})
    exchange.on(f"POST {ORDERS_PATH}", created(order))
    named = NAMED.model_copy(update={"updated_at": marked_at})

    assert isinstance(venue.place(order), NotSent) is not leaves
    assert isinstance(venue.renew(named, EXPIRES), NotSent) is not leaves
    assert bool(exchange.requests) is leaves
