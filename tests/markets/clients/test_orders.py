"""What the order client sends, and that it sends it once."""

import json
import socket
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from markets.clients.kalshi.conversation import Conversation
from markets.clients.kalshi.errors import Unsent
from markets.clients.kalshi.orders import ORDERS_PATH, KalshiOrders
from markets.clients.kalshi.signing import Signer
from markets.domain.order_outcomes import (
    Accepted,
    AllCanceled,
    Amended,
    AuthFault,
    AuthRefused,
    Canceled,
    Decreased,
    Duplicate,
    NotSent,
    Rejected,
    RejectReason,
    Unknown,
)
from markets.domain.order_request import (
    Amendment,
    BadOrder,
    OrderPlace,
    OrderTerms,
    SelfTradePrevention,
    TimeInForce,
)
from markets.domain.sides import Action, BookSide, Side
from tests.markets.clients.order_makers import (
    AT,
    CLIENT_ID,
    ORDER_ID,
    PLACE,
    TICKER,
    TS_MS,
    new_order,
    wire_created,
    wire_error,
)
from tests.markets.local_exchange import LocalExchange, Reply, json_reply
from tests.markets.makers import NOW

D = Decimal
CREATE = f"POST {ORDERS_PATH}"
CANCEL = f"DELETE {ORDERS_PATH}/{ORDER_ID}"
AMEND = f"POST {ORDERS_PATH}/{ORDER_ID}/amend"
DECREASE = f"POST {ORDERS_PATH}/{ORDER_ID}/decrease"


@pytest.mark.story("3.3", 1)
@pytest.mark.story("3.3", 4)
def test_create_order_returns_the_order_id_and_what_filled(
    exchange: LocalExchange, orders: KalshiOrders
) -> None:
    exchange.on(CREATE, json_reply(wire_created(), 201))
    outcome = orders.create_order(TICKER, Side.YES, D(10), D("0.56"), CLIENT_ID)
    assert outcome == Accepted(
        order_id=ORDER_ID,
        client_order_id=CLIENT_ID,
        filled=D("2.50"),
        remaining=D("7.50"),
        average_price=D("0.55"),
        average_fee=D("0.0175"),
        at=AT,
    )
    assert outcome.fees == D("0.04375")


@pytest.mark.story("3.3", 4)
@pytest.mark.story("3.3", 5)
def test_create_order_sends_fixed_point_strings_signed_under_its_client_order_id(
    exchange: LocalExchange, orders: KalshiOrders, signer: Signer
) -> None:
    exchange.on(CREATE, json_reply(wire_created(), 201))
    orders.create_order(TICKER, Side.YES, D(10), D("0.56"), CLIENT_ID)
    (request,) = exchange.requests
    assert request.body == (
        b'{"ticker":"KXHIGHCHI-26SEP15-B84.5","client_order_id":"4a75a66e-ca85-4187-93cd-aac5e01ad982",'
        b'"side":"bid","count":"10.00","price":"0.5600","time_in_force":"good_till_canceled",'
        b'"self_trade_prevention_type":"taker_at_cross","post_only":false,"reduce_only":false,'
        b'"cancel_order_on_pause":false}'
    )
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Accept-Language"] == "en"
    sent = {name.upper(): value for name, value in request.headers.items()}
    signed = signer.headers("POST", f"/trade-api/v2{ORDERS_PATH}", int(NOW.timestamp() * 1000))
    assert dict(signed).items() <= sent.items()


@pytest.mark.story("3.3", 4)
@pytest.mark.parametrize(
    ("side", "action", "price", "book_side", "yes_price"),
    [
        (Side.YES, Action.BUY, "0.56", "bid", "0.5600"),
        (Side.YES, Action.SELL, "0.56", "ask", "0.5600"),
        (Side.NO, Action.BUY, "0.30", "ask", "0.7000"),
        (Side.NO, Action.SELL, "0.30", "bid", "0.7000"),
    ],
)
def test_create_order_states_each_wish_on_the_yes_book(
    exchange: LocalExchange, orders: KalshiOrders, side: Side, action: Action, price: str, book_side: str, yes_price: str
) -> None:  # fmt: skip
    exchange.on(CREATE, Reply(503))
    orders.create_order(TICKER, side, D(1), D(price), CLIENT_ID, action=action)
    sent = exchange.requests[0].json
    assert (sent["side"], sent["price"]) == (book_side, yes_price)


def test_place_sends_every_term(exchange: LocalExchange, orders: KalshiOrders) -> None:
    exchange.on(CREATE, json_reply(wire_created(), 201))
    resting = OrderTerms(
        expires_at=NOW + timedelta(minutes=3, milliseconds=700),
        post_only=True,
        cancel_on_pause=True,
        self_trade_prevention=SelfTradePrevention.MAKER,
        exchange_index=0,
    )
    orders.place(new_order(terms=resting))
    immediate = OrderTerms(time_in_force=TimeInForce.IOC, reduce_only=True)
    orders.place(new_order(count="0.05", book_side=BookSide.ASK, yes_price="0.50", terms=immediate))
    first, second = (request.json for request in exchange.requests)
    assert {
        "expiration_time": int(NOW.timestamp()) + 180,
        "post_only": True,
        "cancel_order_on_pause": True,
        "self_trade_prevention_type": "maker",
        "exchange_index": 0,
        "time_in_force": "good_till_canceled",
    }.items() <= first.items()
    assert {
        "side": "ask",
        "count": "0.05",
        "reduce_only": True,
        "time_in_force": "immediate_or_cancel",
    }.items() <= second.items()
    assert "expiration_time" not in second


@pytest.mark.parametrize("expires_in_s", [-60.0, 0.0, 0.9])
def test_place_of_an_order_that_has_expired_is_refused_unsent(
    exchange: LocalExchange, orders: KalshiOrders, expires_in_s: float
) -> None:
    order = new_order(terms=OrderTerms(expires_at=NOW + timedelta(seconds=expires_in_s)))
    with pytest.raises(BadOrder, match="past"):
        orders.place(order)
    with pytest.raises(BadOrder, match="past"):
        orders.create_batch([order])
    assert exchange.requests == []


@pytest.mark.parametrize(
    "reply", [Reply(500, b"{}"), Reply(502, b"<html>bad gateway</html>"), Reply(503), Reply(504), Reply(0)]
)
def test_write_without_a_definite_answer_is_unknown_and_never_sent_again(
    exchange: LocalExchange, orders: KalshiOrders, reply: Reply
) -> None:
    exchange.on(ORDERS_PATH, reply)
    exchange.on(CANCEL, reply)
    assert isinstance(orders.place(new_order()), Unknown)
    assert isinstance(orders.cancel_order(PLACE), Unknown)
    assert isinstance(orders.cancel_all(), Unknown)
    assert [request.method for request in exchange.requests] == ["POST", "DELETE", "DELETE"]


def test_write_to_nobody_is_provably_not_sent(signer: Signer) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = Conversation(f"http://127.0.0.1:{unused.getsockname()[1]}/trade-api/v2", signer)
        orders = KalshiOrders(closed, now=lambda: NOW)
        assert isinstance(orders.place(new_order()), NotSent)
        assert [type(outcome) for outcome in orders.create_batch([new_order()])] == [NotSent]
    closed.close()


@pytest.mark.story("3.3", 3)
@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, wire_error("insufficient_balance"), RejectReason.INSUFFICIENT_BALANCE),
        (400, wire_error("available_balance_too_low"), RejectReason.INSUFFICIENT_BALANCE),
        (400, wire_error("invalid_price"), RejectReason.PRICE),
        (400, wire_error("invalid_order", "post only cross"), RejectReason.POST_ONLY_CROSS),
        (400, {"code": "bad_request", "message": "bad request", "details": "json"}, RejectReason.BAD_REQUEST),
        (400, {"msg": "Parameter validation failed"}, RejectReason.BAD_REQUEST),
        (404, wire_error("not_found"), RejectReason.NO_SUCH_MARKET),
        (404, wire_error("user_not_found"), RejectReason.UNFUNDED_SHARD),
        (409, wire_error("trading_is_paused"), RejectReason.PAUSED),
        (409, wire_error("fill_or_kill_insufficient_resting_volume"), RejectReason.NOT_FILLED),
        (400, wire_error("MARKET_INACTIVE"), RejectReason.MARKET_INACTIVE),
        (429, {"error": "too many requests"}, RejectReason.RATE_LIMITED),
        (422, wire_error("something_new"), RejectReason.OTHER),
    ],
)
def test_create_order_refused_is_a_definite_no_with_its_reason(
    exchange: LocalExchange, orders: KalshiOrders, status: int, body: dict[str, object], reason: RejectReason
) -> None:
    exchange.on(CREATE, json_reply(body, status))
    outcome = orders.place(new_order())
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.status) == (reason, status)
    assert outcome.message
    assert len(exchange.requests) == 1


@pytest.mark.story("3.3", 2)
def test_cancel_order_succeeds_and_names_market_and_shard(
    exchange: LocalExchange, orders: KalshiOrders
) -> None:
    exchange.on(CANCEL, json_reply({"order_id": ORDER_ID, "reduced_by": "7.50", "ts_ms": TS_MS}))
    assert orders.cancel_order(PLACE) == Canceled(ORDER_ID, D("7.50"), AT)
    orders.cancel_order(OrderPlace(ORDER_ID, TICKER, exchange_index=2))
    assert [request.query for request in exchange.requests] == [
        {"market_ticker": [TICKER]},
        {"market_ticker": [TICKER], "exchange_index": ["2"]},
    ]
    assert exchange.requests[0].body == b""


def test_cancel_all_is_done_when_the_exchange_says_nothing(
    exchange: LocalExchange, orders: KalshiOrders
) -> None:
    exchange.on(f"DELETE {ORDERS_PATH}", Reply(204, b""), json_reply({}, 200))
    assert orders.cancel_all() == AllCanceled()
    assert isinstance(orders.cancel_all(), Unknown)


def test_amend_order_sends_the_total_and_reads_what_changed(
    exchange: LocalExchange, orders: KalshiOrders
) -> None:
    exchange.on(
        AMEND,
        json_reply({"order_id": ORDER_ID, "client_order_id": "second", "remaining_count": "8.00", "fill_count": "0.00", "ts_ms": TS_MS}),
        json_reply({"order_id": ORDER_ID, "remaining_count": None, "fill_count": None, "ts_ms": TS_MS}),
    )  # fmt: skip
    amendment = Amendment(
        ORDER_ID, TICKER, BookSide.BID, D(8), D("0.57"), CLIENT_ID, "second", NOW + timedelta(minutes=5), 0
    )
    assert orders.amend_order(amendment) == Amended(ORDER_ID, "second", D(0), D(8), None, None, AT)
    assert orders.amend_order(Amendment(ORDER_ID, TICKER, BookSide.ASK, D(8), D("0.57"))) == Amended(
        ORDER_ID, None, None, None, None, None, AT
    )
    first, second = (request.json for request in exchange.requests)
    assert first == {
        "ticker": TICKER, "side": "bid", "price": "0.5700", "count": "8.00", "client_order_id": CLIENT_ID,
        "updated_client_order_id": "second", "expiration_time": int(NOW.timestamp()) + 300, "exchange_index": 0,
    }  # fmt: skip
    assert second == {"ticker": TICKER, "side": "ask", "price": "0.5700", "count": "8.00"}


def test_amend_to_a_client_order_id_in_use_is_a_duplicate(
    exchange: LocalExchange, orders: KalshiOrders
) -> None:
    exchange.on(AMEND, json_reply(wire_error("order_already_exists"), 409))
    amendment = Amendment(ORDER_ID, TICKER, BookSide.BID, D(8), D("0.57"), updated_client_order_id=CLIENT_ID)
    assert orders.amend_order(amendment) == Duplicate(CLIENT_ID, "order already exists")
    with pytest.raises(BadOrder, match="past"):
        orders.amend_order(Amendment(ORDER_ID, TICKER, BookSide.BID, D(8), D("0.57"), expires_at=NOW))


def test_decrease_order_sends_exactly_one_size(exchange: LocalExchange, orders: KalshiOrders) -> None:
    exchange.on(DECREASE, json_reply({"order_id": ORDER_ID, "remaining_count": "4.00", "ts_ms": TS_MS}))
    assert orders.decrease_order(PLACE, reduce_by=D("3.5")) == Decreased(ORDER_ID, D(4), AT)
    orders.decrease_order(PLACE, reduce_to=D(0))
    assert [request.json for request in exchange.requests] == [
        {"reduce_by": "3.50", "market_ticker": TICKER},
        {"reduce_to": "0.00", "market_ticker": TICKER},
    ]
    for sizes in ({}, {"reduce_by": D(1), "reduce_to": D(1)}, {"reduce_by": D(0)}, {"reduce_to": D(-1)}):
        with pytest.raises(BadOrder):
            orders.decrease_order(PLACE, **sizes)
    assert len(exchange.requests) == 2


def _dated(reply: Reply, at: datetime) -> Reply:
    return reply._replace(headers=(("Date", format_datetime(at, usegmt=True)),))


def test_place_with_a_clock_that_is_off_is_not_sent_but_a_cancel_is(
    exchange: LocalExchange, orders: KalshiOrders
) -> None:
    late = NOW + timedelta(seconds=30)
    exchange.on(CREATE, _dated(json_reply(wire_error("header_timestamp_expired"), 401), late))
    exchange.on(CANCEL, json_reply({"order_id": ORDER_ID, "reduced_by": "1.00"}))
    first = orders.place(new_order())
    assert isinstance(first, AuthRefused)
    assert first.fault is AuthFault.CLOCK
    amendment = Amendment(ORDER_ID, TICKER, BookSide.BID, D(8), D("0.57"))
    for second in (
        orders.place(new_order()),
        orders.amend_order(amendment),
        *orders.create_batch([new_order()]),
    ):
        assert isinstance(second, NotSent)
        assert "+30 s" in second.why
    assert orders.cancel_order(PLACE) == Canceled(ORDER_ID, D(1), None)
    stamps = [int(request.headers["KALSHI-ACCESS-TIMESTAMP"]) for request in exchange.requests]
    assert stamps == [int(NOW.timestamp() * 1000), int(late.timestamp() * 1000)]


def test_recorded_order_requests_are_what_we_send(
    exchange: LocalExchange, orders: KalshiOrders, recorded_api: Path
) -> None:
    """The requests the demo exchange accepted, rebuilt from our own types."""
    checked = 0
    exchange.on(CREATE, Reply(503))
    for path in sorted(recorded_api.glob("orders__*.meta.json")):
        meta = json.loads(path.read_text())
        body = meta["request_body"]
        if meta["status"] != 201 or not meta["path"].endswith(ORDERS_PATH):
            continue
        terms = OrderTerms(
            time_in_force=TimeInForce(body["time_in_force"]),
            self_trade_prevention=SelfTradePrevention(body["self_trade_prevention_type"]),
            post_only=body.get("post_only", False),
        )
        order = new_order(body["count"], body["price"], book_side=BookSide(body["side"]), terms=terms)
        orders.place(order)
        ours = exchange.requests[-1].json | {
            "ticker": body["ticker"], "client_order_id": body["client_order_id"]
        }  # fmt: skip
        assert body.items() <= ours.items()
        checked += 1
    assert checked >= 4


def test_write_that_was_held_up_is_dated_and_then_not_sent(
    exchange: LocalExchange, orders: KalshiOrders
) -> None:
    amendment = Amendment(ORDER_ID, TICKER, BookSide.BID, D(8), D("0.57"))
    too_late = NOW - timedelta(seconds=1)

    for outcome in (
        orders.place(new_order(), leave_by=too_late),
        orders.amend_order(amendment, leave_by=too_late),
    ):
        assert isinstance(outcome, NotSent)
        assert "held up" in outcome.why
    assert not exchange.requests


def test_request_is_dated_before_it_is_asked_whether_it_may_leave(exchange: LocalExchange) -> None:
    """Whoever is paused after the question sends what is as old as its date says."""
    asked: list[str] = []

    def now() -> datetime:
        asked.append("dated")
        return NOW

    def may_leave() -> bool:
        asked.append("asked")
        return False

    conversation = Conversation(exchange.base_url, now=now)
    with pytest.raises(Unsent):
        conversation.exchange("POST", ORDERS_PATH, body=b"{}", timeout_s=1, may_leave=may_leave)
    conversation.close()

    assert asked == ["dated", "asked"]
    assert not exchange.requests


def test_request_whose_names_were_resolved_too_late_is_not_sent(
    exchange: LocalExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question comes when the connection stands."""
    resolve, resolved = socket.getaddrinfo, []

    def slowly(*arguments: Any, **named: Any) -> Any:
        resolved.append(arguments[0])
        return resolve(*arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    conversation = Conversation(exchange.base_url, now=lambda: NOW)
    with pytest.raises(Unsent, match="held up"):
        conversation.exchange("POST", ORDERS_PATH, body=b"{}", timeout_s=1, may_leave=lambda: not resolved)
    conversation.close()

    assert resolved
    assert not exchange.requests
