"""A `Date` header made to harm: the order it answers keeps its outcome, and no request after it dies of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime

import pytest

from markets.clients.kalshi.conversation import Conversation
from markets.clients.kalshi.orders import KalshiOrders
from markets.clients.kalshi.signing import Signer
from markets.domain.order_outcomes import Accepted, AuthFault, AuthRefused
from tests.markets.clients.order_makers import PLACE, new_order, wire_created, wire_error
from tests.markets.clients.raw_server import RawServer, raw_server, says
from tests.markets.makers import NOW

DATES = [
    "Mon, 01 Jan 2026 00:00:00 +99999999999999999999",
    "Mon, 01 Jan 20266666666666666666666 00:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "Mon, 01 Jan 0001 00:00:00 +2359",
    "Mon, 01 Jan 2026 00:00:00 +2400",
    "Mon, 99 Jan 2026 99:99:99 GMT",
    "x" * 60_000,
]


@contextmanager
def _orders_at(server: RawServer, signer: Signer) -> Iterator[KalshiOrders]:
    conversation = Conversation(server.base_url, signer, now=lambda: NOW)
    yield KalshiOrders(conversation, now=lambda: NOW)
    conversation.close()


def _dated(status: int, body: object, date: str) -> bytes:
    whole = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nDate: {date}\r\nConnection: close\r\nContent-Length: {len(whole)}\r\n\r\n"
    return head.encode() + whole


@pytest.mark.parametrize("date", DATES)
def test_accepted_order_when_its_date_is_absurd_is_accepted(date: str, signer: Signer) -> None:
    with raw_server(says(_dated(201, wire_created(), date))) as server, _orders_at(server, signer) as orders:
        assert isinstance(orders.place(new_order()), Accepted)
        assert isinstance(orders.place(new_order()), Accepted)  # Nor does it stop the next one.


@pytest.mark.parametrize("date", DATES)
def test_request_after_a_refused_clock_with_an_absurd_date_is_sent_all_the_same(
    date: str, signer: Signer
) -> None:
    refusal = _dated(401, wire_error("header_timestamp_expired"), date)
    with raw_server(says(refusal)) as server, _orders_at(server, signer) as orders:
        for outcome in (orders.place(new_order()), orders.cancel_order(PLACE)):
            assert isinstance(outcome, AuthRefused)
            assert outcome.fault is AuthFault.CLOCK
    assert len(server.heads) == 2


@pytest.mark.parametrize(("ahead_h", "is_measured"), [(-24, True), (23, True), (25, False), (-25, False)])
def test_clock_is_measured_within_a_day_and_no_further(
    ahead_h: int, is_measured: bool, signer: Signer
) -> None:
    date = format_datetime(NOW + timedelta(hours=ahead_h), usegmt=True)
    with raw_server(says(_dated(200, {}, date))) as server:
        conversation = Conversation(server.base_url, signer, now=lambda: NOW)
        conversation.exchange("GET", "/x", timeout_s=5)
        assert conversation.skew_s == (ahead_h * 3600 if is_measured else None)
        assert conversation.resync() is is_measured
        conversation.close()
