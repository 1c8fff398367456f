"""Texts that can be neither stored nor sent: refused in rows, replaced in messages, never an order's name."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.clients.kalshi.decoding import decode_object
from markets.clients.kalshi.errors import error_of, read_error
from markets.clients.kalshi.orders import ORDERS_PATH, KalshiOrders
from markets.clients.kalshi.portfolio import KalshiPortfolio
from markets.clients.kalshi.signing import Signer
from markets.clients.kalshi.transport import Transport
from markets.domain.order_outcomes import Rejected, Unknown
from milkbot.core.errors import Malformed
from tests.markets.clients.order_makers import new_order, wire_created
from tests.markets.clients.test_portfolio import wire_fill, wire_order
from tests.markets.local_exchange import LocalExchange, Reply, json_reply
from tests.markets.makers import NOW

UNWRITABLE = ["a\x00b", "\x1b[2J", "\ud800", "a\udfffb", "\x08"]
ODD_IDS = [*UNWRITABLE, "a.b/../c", "a b", "é", "x" * 65, "?market_ticker=Y"]


@pytest.mark.parametrize("text", UNWRITABLE)
@pytest.mark.parametrize("name", ["fill_id", "order_id", "ticker"])
def test_fill_with_an_unwritable_name_is_left_out_and_reported(
    exchange: LocalExchange, signer: Signer, name: str, text: str
) -> None:
    rows = [wire_fill() | {name: text}, wire_fill("good")]
    exchange.on("/portfolio/fills", json_reply({"fills": rows, "cursor": ""}))
    transport = Transport(exchange.base_url, signer, now=lambda: NOW)
    found = KalshiPortfolio(transport).get_fills()
    transport.close()
    assert [fill.fill_id for fill in found] == ["good"]
    assert [fault.code for fault in found.faults] == ["MALFORMED"]
    _assert_writable(" ".join(fault.ticker + fault.text for fault in found.faults))


@pytest.mark.parametrize("text", UNWRITABLE)
def test_order_with_an_unwritable_client_id_is_left_out(
    exchange: LocalExchange, signer: Signer, text: str
) -> None:
    rows = [wire_order("bad", client_order_id=text), wire_order("good")]
    exchange.on("/portfolio/orders", json_reply({"orders": rows, "cursor": ""}))
    transport = Transport(exchange.base_url, signer, now=lambda: NOW)
    found = KalshiPortfolio(transport).get_orders()
    transport.close()
    assert [order.order_id for order in found] == ["good"]


@pytest.mark.parametrize("order_id", ODD_IDS)
def test_listed_order_whose_id_cannot_be_asked_for_is_left_out_and_reported(
    exchange: LocalExchange, signer: Signer, order_id: str
) -> None:
    rows = [wire_order(order_id), wire_order("good")]
    exchange.on("/portfolio/orders", json_reply({"orders": rows, "cursor": ""}))
    transport = Transport(exchange.base_url, signer, now=lambda: NOW)
    found = KalshiPortfolio(transport).get_orders()
    transport.close()
    assert [order.order_id for order in found] == ["good"]
    assert not found.is_complete


@pytest.mark.parametrize("order_id", ODD_IDS)
def test_created_order_whose_id_cannot_be_asked_for_is_unknown(
    exchange: LocalExchange, orders: KalshiOrders, order_id: str
) -> None:
    exchange.on(ORDERS_PATH, json_reply(wire_created(order_id=order_id), 201))
    outcome = orders.place(new_order())
    assert isinstance(outcome, Unknown)
    _assert_writable(outcome.why)


@pytest.mark.parametrize("text", UNWRITABLE)
def test_refusal_in_unwritable_words_can_be_stored(
    exchange: LocalExchange, orders: KalshiOrders, text: str
) -> None:
    refusal = {"error": {"code": "invalid_order", "message": text, "details": f"why: {text}"}}
    exchange.on(ORDERS_PATH, json_reply(refusal, 400), json_reply({"error": {"code": text}}, 400))
    for _ in range(2):
        outcome = orders.place(new_order())
        assert isinstance(outcome, Rejected)
        _assert_writable(outcome.message + (outcome.code or ""))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_answer_in_another_encoding_is_malformed(encoding: str) -> None:
    with pytest.raises(Malformed):
        decode_object('{"ticker": "x"}'.encode(encoding), "page")


def test_half_a_pair_written_as_bytes_is_malformed() -> None:
    with pytest.raises(Malformed):
        decode_object(b'{"ticker": "\xed\xa0\x80"}', "page")


def test_whole_pairs_and_escaped_backslashes_are_texts_like_others() -> None:
    body = {"a": "\U0001f600", "b": "\\u0000", "c": "line\nline\ttab", "d": ["°"]}
    assert decode_object(json.dumps(body).encode(), "page") == body


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.just("k"), inner)))
def test_decoded_texts_are_whole_and_writable_or_no_texts_at_all(value: Any) -> None:
    decoded = decode_object(json.dumps({"k": value}).encode(), "page")
    for text in _texts_in(decoded):
        _assert_writable(text)


@given(st.text(st.characters(exclude_categories=[])))
def test_error_texts_are_always_writable(text: str) -> None:
    for error in (
        error_of({"error": {"code": text, "message": text}}),
        read_error(json.dumps({"error": text}).encode()),
        read_error(text.encode("utf-8", "surrogatepass")),
    ):
        _assert_writable(error.text + (error.code or ""))


def test_unreadable_reply_is_quoted_writably(exchange: LocalExchange, orders: KalshiOrders) -> None:
    exchange.on(ORDERS_PATH, Reply(400, b"\x00\xff\x1b[2J"))
    outcome = orders.place(new_order())
    assert isinstance(outcome, Rejected)
    _assert_writable(outcome.message)


def _texts_in(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for member in value.values() for text in _texts_in(member)]
    if isinstance(value, list):
        return [text for member in value for text in _texts_in(member)]
    return [value] if isinstance(value, str) else []


def _assert_writable(text: str) -> None:
    """PostgreSQL takes no NUL, UTF-8 no half of a pair, and a terminal should get no other control character."""
    text.encode()
    assert not any(ord(character) < 32 and character not in "\t\n\r" for character in text)
