"""Answers made to harm: refused in plain words, in bounded time and memory, and never mistaken for an order."""

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import pytest

from markets.clients.kalshi import orders as orders_module
from markets.clients.kalshi.conversation import MAX_BODY_BYTES, Conversation
from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.orders import KalshiOrders
from markets.clients.kalshi.paging import MAX_PAGES
from markets.clients.kalshi.signing import Signer
from markets.clients.kalshi.transport import Transport
from markets.domain.order_outcomes import NotSent, Unknown
from milkbot.core.errors import ConfigError, Malformed, OutsideError, Unreachable
from tests.markets.clients.order_makers import PLACE, new_order
from tests.markets.clients.raw_server import (
    RawServer,
    Talk,
    drips,
    floods,
    head_of,
    raw_server,
    resets,
    says,
    self_signed,
    stays_silent,
)
from tests.markets.local_exchange import LocalExchange, Reply, json_reply
from tests.markets.makers import NOW, wire_market

MEGABYTE = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PATIENCE_S = 0.3
"""What a read is given in these tests; it may take that long for each of its attempts, and little more."""


@contextmanager
def frugal(at_most: int) -> Iterator[None]:
    """The peak of memory taken inside stays below `at_most` bytes."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < at_most, f"took {peak / MEGABYTE:.0f} MB"


@contextmanager
def brief(at_most_s: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < at_most_s


@lru_cache(maxsize=1)
def _bomb() -> bytes:
    """300 MB of blanks in 300 kB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    blanks = b" " * MEGABYTE
    return b"".join(packer.compress(blanks) for _ in range(300)) + packer.flush()


def _read(server: RawServer, read_timeout_s: float = 10.0) -> OutsideError:
    """What a read of the server raises."""
    transport = Transport(server.base_url, sleep=lambda _: None)
    try:
        with pytest.raises(OutsideError) as refusal:
            transport.get_json("/markets", read_timeout_s=read_timeout_s)
    finally:
        transport.close()
    assert refusal.value.source == "kalshi"
    return refusal.value


def _sized(body: bytes, *headers: bytes) -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return HEAD + lines + b"Content-Length: %d\r\n\r\n" % len(body) + body


def test_body_of_50_mb_is_dropped_at_the_cap() -> None:
    begin = HEAD + b"Content-Length: %d\r\n\r\n" % (50 * MEGABYTE)
    with raw_server(floods(begin, b" " * MEGABYTE, 50)) as server, frugal(MAX_BODY_BYTES + 8 * MEGABYTE):
        fault = _read(server)
    assert isinstance(fault, Malformed)
    assert "larger than 20 MB" in str(fault)
    assert server.connections == 1


def test_endless_chunked_body_is_dropped_at_the_cap() -> None:
    begin = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n" % MEGABYTE + b" " * MEGABYTE + b"\r\n"
    with raw_server(floods(begin, chunk, 200)) as server:
        assert "larger than 20 MB" in str(_read(server))


@pytest.mark.parametrize("layers", [1, 2])
def test_gzip_bomb_is_measured_unpacked(layers: int) -> None:
    body = _bomb() if layers == 1 else gzip.compress(_bomb(), 1)
    encoding = b"Content-Encoding: " + b", ".join([b"gzip"] * layers)
    with raw_server(says(_sized(body, encoding))) as server, frugal(MAX_BODY_BYTES + 16 * MEGABYTE), brief(8):
        fault = _read(server)
    assert isinstance(fault, Malformed)
    assert "larger than 20 MB" in str(fault)


def test_body_that_claims_to_be_gzip_and_is_not_is_no_answer() -> None:
    with raw_server(says(_sized(b'{"markets": []}', b"Content-Encoding: gzip"))) as server:
        assert isinstance(_read(server), Unreachable)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_nesting_of_10_000_is_malformed(opening: bytes) -> None:
    with raw_server(says(_sized(b'{"markets": ' + opening * 10_000))) as server, brief(2):
        assert isinstance(_read(server), Malformed)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"9" * 100_000])
def test_number_that_is_none_spoils_the_answer(number: bytes) -> None:
    with raw_server(says(_sized(b'{"markets": [{"volume_fp": ' + number + b"}]}"))) as server, brief(2):
        assert isinstance(_read(server), Malformed)


@pytest.mark.parametrize("value", ["NaN", "1e309", "-0.50", "-1", "1" * 30, "0x1", "½", "1_0"])
@pytest.mark.parametrize("name", ["yes_bid_dollars", "yes_ask_dollars", "volume_fp", "open_interest_fp"])
def test_hostile_number_in_a_market_leaves_that_market_out(
    exchange: LocalExchange, client: KalshiMarketData, name: str, value: str
) -> None:
    good = wire_market("T87", "greater", 87, None)
    exchange.on("/markets", json_reply({"markets": [wire_market() | {name: value}, good], "cursor": ""}))
    assert [snapshot.ticker for snapshot in client.list_markets("KXHIGHCHI")] == [good["ticker"]]


def test_number_beyond_a_float_leaves_that_market_out(
    exchange: LocalExchange, client: KalshiMarketData
) -> None:
    body = json_reply({"markets": [wire_market(volume_fp="@")], "cursor": ""}).body.replace(b'"@"', b"1e309")
    exchange.on("/markets", Reply(200, body))
    assert client.list_markets("KXHIGHCHI") == []


def test_pages_without_end_are_given_up(exchange: LocalExchange, client: KalshiMarketData) -> None:
    exchange.on("/markets", *(json_reply({"markets": [], "cursor": str(n)}) for n in range(MAX_PAGES + 1)))
    with pytest.raises(Malformed, match="more than 50 pages"):
        client.list_markets("KXHIGHCHI")


def test_cursor_that_leads_back_is_given_up(exchange: LocalExchange, client: KalshiMarketData) -> None:
    exchange.on("/markets", *(json_reply({"markets": [], "cursor": c}) for c in ("a", "b", "a")))
    with pytest.raises(Malformed, match="repeats a cursor"):
        client.list_markets("KXHIGHCHI")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_another_host_carries_nothing_there(
    exchange: LocalExchange, signer: Signer, status: int
) -> None:
    """The other host is spoken to in clear, so this is the downgrade as well."""
    with LocalExchange() as elsewhere:
        redirect = Reply(status, b"", (("Location", elsewhere.base_url.replace("127.0.0.1", "localhost")),))
        exchange.on("/markets", redirect)
        exchange.on(orders_module.ORDERS_PATH, redirect)
        transport = Transport(exchange.base_url, signer, now=lambda: NOW)
        with pytest.raises(Malformed, match="redirect"):
            transport.get_json("/markets")
        outcome = KalshiOrders(transport.conversation, now=lambda: NOW).place(new_order())
        assert isinstance(outcome, Unknown)
        assert elsewhere.requests == []
        transport.close()
    assert len(exchange.requests) == 2


def test_conversation_in_clear_is_never_begun_with_another_machine(signer: Signer) -> None:
    with pytest.raises(ConfigError, match="https"):
        Conversation("http://external-api.demo.kalshi.co/trade-api/v2", signer)


def test_certificate_nobody_vouches_for_gets_no_request(tmp_path: Path, signer: Signer) -> None:
    with raw_server(says(_sized(b"{}")), tls=self_signed(tmp_path)) as server:
        fault = _read(server)
        conversation = Conversation(server.base_url, signer)
        outcome = KalshiOrders(conversation, now=lambda: NOW).place(new_order())
        conversation.close()
    assert isinstance(fault, Unreachable)
    assert "certificate" in str(fault)
    assert isinstance(outcome, NotSent)
    assert server.connections > 0
    assert [head for head in server.heads if head] == []


SLOW: dict[str, Talk] = {
    "silence": stays_silent,
    "status line by the byte": drips(b"HTTP/1.1 20", b"0"),
    "headers without end": drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "hints for ever": drips(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
    "continue for ever": drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body by the byte": drips(HEAD + b"Content-Length: 1000000\r\n\r\n", b" "),
    "chunks by the byte": drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
}
BROKEN: dict[str, Talk] = {
    "reset": resets,
    "nothing": says(b""),
    "half a head": says(b"HTTP/1.1 200 OK\r\nConte"),
    "half a body": says(HEAD + b'Content-Length: 500\r\n\r\n{"order_id": "x"'),
    "half a chunk": says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{"),
    "junk": says(b"\x00\xff\x00\xff" * 200),
    "headers beyond number": says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5_000 + b"\r\n"),
    "a header beyond length": says(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n"),
    "two lengths": says(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "),
    "a length that is none": says(HEAD + b"Content-Length: -5\r\n\r\n"),
    # The only one that HTTP finds nothing wrong with: the second request must not go out on a connection about to close.
    "an unknown encoding of text": says(
        _sized(b"{}\xff", b"Content-Type: application/json; charset=klingon", b"Connection: close")
    ),
}


@pytest.mark.parametrize("name", SLOW)
def test_read_that_arrives_too_slowly_ends_in_time(name: str) -> None:
    with raw_server(SLOW[name]) as server, brief(3 * PATIENCE_S + 2):
        assert isinstance(_read(server, PATIENCE_S), Unreachable)
    assert server.connections == 3


@pytest.mark.parametrize("name", SLOW | BROKEN)
def test_write_that_meets_a_hostile_answer_is_unknown_and_was_sent_once(
    name: str, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (
        name in SLOW
    ):  # Who answers at once needs no haste: on a busy machine it would be the client's own end.
        monkeypatch.setattr(orders_module, "WRITE_TIMEOUT_S", PATIENCE_S)
    with raw_server((SLOW | BROKEN)[name]) as server, brief(2 * PATIENCE_S + 3):
        conversation = Conversation(server.base_url, signer)
        orders = KalshiOrders(conversation, now=lambda: NOW)
        assert isinstance(orders.place(new_order()), Unknown)
        assert isinstance(orders.cancel_order(PLACE), Unknown)
        conversation.close()
    assert [head.split(b" ")[0] for head in server.heads] == [b"POST", b"DELETE"]


@pytest.mark.parametrize("name", BROKEN)
def test_read_that_breaks_off_is_no_answer(name: str) -> None:
    with raw_server(BROKEN[name]) as server, brief(4):
        assert isinstance(_read(server), Unreachable | Malformed)


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints", b"199 Odd"])
def test_answer_after_an_interim_one_is_read_by_the_request_it_belongs_to(interim: bytes) -> None:
    """The late answer to A must not be waiting on the connection when B is asked for."""

    def talk(peer: socket.socket, over: threading.Event) -> None:
        for name in (b"A", b"B"):
            peer.sendall(b"HTTP/1.1 %b\r\nLink: </x>\r\n\r\n" % interim * 2)
            over.wait(0.1)
            peer.sendall(_sized(b'{"book": "%b"}' % name))
            if name == b"A":
                head_of(peer)

    with raw_server(talk) as server:
        transport = Transport(server.base_url, sleep=lambda _: None)
        assert [transport.get_json(f"/markets/{name}/orderbook") for name in "AB"] == [
            {"book": "A"},
            {"book": "B"},
        ]
        transport.close()
    assert server.connections == 1


def test_switch_of_protocols_nobody_asked_for_is_no_answer() -> None:
    with raw_server(says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\x00\x01")) as server:
        assert isinstance(_read(server), Unreachable)
