"""A dead resolver, addresses that keep silent, a handshake without end: a request ends in time and nothing has left."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from cryptography import x509

from markets.clients.kalshi.conversation import Conversation
from markets.clients.kalshi.deadline import CONNECT_TIMEOUT_S
from markets.clients.kalshi.dialing import FRESH_S, KEPT_ALIVE, dial
from markets.clients.kalshi.errors import Unsent
from markets.clients.kalshi.orders import WRITE_TIMEOUT_S, KalshiOrders
from markets.clients.kalshi.signing import Signer
from markets.domain.order_outcomes import Accepted, CreateOutcome, NotSent, Unknown
from tests.markets.clients.order_makers import new_order, wire_created
from tests.markets.clients.raw_server import raw_server, says, self_signed, stays_silent
from tests.markets.local_exchange import LocalExchange, json_reply
from tests.markets.makers import NOW
from tests.names import Names, Resolver

BUSY_S = 0.5
"""What a machine with much to do adds to a wait."""
HOST = "external-api.demo.kalshi.co"
CREATED = json_reply(wire_created(), 201)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    found = Names()
    monkeypatch.setattr(socket, "getaddrinfo", found)
    yield found
    found.become(Resolver.FAILS)


@pytest.fixture
def orders(exchange: LocalExchange, signer: Signer, names: Names) -> Iterator[KalshiOrders]:
    """The order client of an exchange that is known by name."""
    exchange.on("/portfolio/events/orders", CREATED)
    conversation = Conversation(exchange.base_url.replace("127.0.0.1", "localhost"), signer, now=lambda: NOW)
    yield KalshiOrders(conversation, now=lambda: NOW)
    conversation.close()


@contextmanager
def silent_addresses(count: int) -> Iterator[list[tuple[str, int]]]:
    """Addresses whose host drops what would connect to it: their queues are full and nobody empties them."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            found.append(listener.getsockname())
            for _ in range(2):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
        yield found


def timed(orders: KalshiOrders) -> tuple[CreateOutcome, float]:
    begun = time.monotonic()
    outcome = orders.place(new_order())
    return outcome, time.monotonic() - begun


def test_order_whose_name_lookup_hangs_ends_within_its_three_seconds_unsent(
    orders: KalshiOrders, names: Names, exchange: LocalExchange
) -> None:
    names.become(Resolver.HANGS)

    outcome, took_s = timed(orders)

    assert isinstance(outcome, NotSent)
    assert took_s < WRITE_TIMEOUT_S
    assert not exchange.requests


def test_lookup_that_hangs_is_waited_for_by_all_together_and_no_longer_than_once(
    orders: KalshiOrders, names: Names, exchange: LocalExchange
) -> None:
    names.become(Resolver.HANGS)
    begun = time.monotonic()

    with ThreadPoolExecutor(4) as pool:
        outcomes = [future.result()[0] for future in [pool.submit(timed, orders) for _ in range(8)]]
    last, took_s = timed(orders)

    assert all(isinstance(outcome, NotSent) for outcome in [*outcomes, last])
    assert time.monotonic() - begun < CONNECT_TIMEOUT_S + BUSY_S
    assert took_s < BUSY_S
    assert names.asked == ["localhost"]
    names.become(Resolver.ANSWERS)
    # The lookup that hung ends in a thread of its own; until then there is nothing to wait for.
    while not isinstance(timed(orders)[0], Accepted):
        assert time.monotonic() - begun < 2 * CONNECT_TIMEOUT_S + BUSY_S, "a lookup that ended is waited for"
        time.sleep(0.02)
    assert len(exchange.requests) == 1


def test_name_that_does_not_resolve_is_asked_for_anew_and_one_that_did_is_remembered_for_a_while(
    orders: KalshiOrders, names: Names, exchange: LocalExchange
) -> None:
    names.become(Resolver.FAILS)
    assert isinstance(timed(orders)[0], NotSent)
    names.become(Resolver.ANSWERS)
    assert isinstance(timed(orders)[0], Accepted)
    assert len(names.asked) == 2
    names.become(Resolver.FAILS)

    with ThreadPoolExecutor(4) as pool:  # More connections than the one that is kept.
        outcomes = [future.result()[0] for future in [pool.submit(timed, orders) for _ in range(8)]]

    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert len(names.asked) == 2
    assert FRESH_S <= 60, "what stands behind a name may move"


def test_slow_lookup_takes_its_time_from_the_answer_s(signer: Signer, names: Names) -> None:
    names.become(Resolver.HANGS)
    with raw_server(stays_silent) as server:
        conversation = Conversation(
            server.base_url.replace("127.0.0.1", "localhost"), signer, now=lambda: NOW
        )
        back = threading.Timer(WRITE_TIMEOUT_S / 3, names.become, [Resolver.ANSWERS])
        back.start()
        outcome, took_s = timed(KalshiOrders(conversation, now=lambda: NOW))
        conversation.close()
        back.join()

    assert isinstance(outcome, Unknown)
    assert took_s < WRITE_TIMEOUT_S + BUSY_S


@pytest.mark.parametrize("silent", [1, 4])
def test_addresses_that_keep_silent_leave_time_for_the_one_that_answers(
    orders: KalshiOrders, names: Names, exchange: LocalExchange, silent: int
) -> None:
    with silent_addresses(silent) as addresses:
        names.addresses = [*addresses, "127.0.0.1"]
        outcome, took_s = timed(orders)

    assert isinstance(outcome, Accepted)
    assert took_s < WRITE_TIMEOUT_S


def test_addresses_that_all_keep_silent_share_the_time_of_one(
    orders: KalshiOrders, names: Names, exchange: LocalExchange
) -> None:
    with silent_addresses(4) as addresses:
        names.addresses = addresses
        outcome, took_s = timed(orders)
    assert isinstance(outcome, NotSent)
    assert took_s < WRITE_TIMEOUT_S
    names.addresses = ["127.0.0.1"]

    assert isinstance(timed(orders)[0], Accepted), "addresses that nobody answers at are asked for anew"


def test_handshake_that_never_ends_sends_no_order(signer: Signer) -> None:
    with raw_server(stays_silent) as server:
        conversation = Conversation(server.base_url.replace("http:", "https:"), signer)
        outcome, took_s = timed(KalshiOrders(conversation, now=lambda: NOW))
        conversation.close()

    assert isinstance(outcome, NotSent)
    assert took_s < WRITE_TIMEOUT_S


@pytest.mark.parametrize("certified", [HOST, "another.host.example"])
def test_certificate_must_be_that_of_the_name_whatever_the_address(
    certified: str, names: Names, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = self_signed(tmp_path, x509.DNSName(certified))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "server.pem"))
    with raw_server(says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), tls=tls) as server:
        names.addresses = [("127.0.0.1", int(server.base_url.split(":")[2].split("/")[0]))]
        conversation = Conversation(f"https://{HOST}/trade-api/v2", signer, now=lambda: NOW)
        if certified == HOST:
            answer = conversation.exchange("GET", "/exchange/status", timeout_s=3)
            assert answer.status == 200
        else:
            with pytest.raises(Unsent, match="certificate"):
                conversation.exchange("GET", "/exchange/status", timeout_s=3)
        conversation.close()
    assert names.asked == [HOST]


def test_connection_asks_after_a_peer_that_says_nothing_before_the_next_turn_needs_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        with dial(addresses, time.monotonic() + 1, KEPT_ALIVE) as connection:
            assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            idle_s, every_s, times = (
                connection.getsockopt(socket.IPPROTO_TCP, option)
                for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            )
    assert idle_s + every_s * times < 30


def test_lookup_that_hangs_keeps_no_process_from_ending(orders: KalshiOrders, names: Names) -> None:
    names.become(Resolver.HANGS)
    timed(orders)

    lookups = [thread for thread in threading.enumerate() if thread.name == "lookup localhost"]
    assert lookups
    assert all(lookup.daemon for lookup in lookups)
