"""The conversation: bounded, retried for reads, and silent about `requests`."""

import email.utils
import itertools
import json
import math
import socket
import time
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tenacity import wait_exponential

from markets.clients.kalshi import conversation as conversation_module
from markets.clients.kalshi.decoding import decode_object
from markets.clients.kalshi.signing import DEMO_HOSTS, Signer
from markets.clients.kalshi.transport import Transport
from milkbot.core.errors import ConfigError, Malformed, Refused, Unreachable
from tests.markets.local_exchange import LocalExchange, Reply, Request, json_reply
from tests.markets.makers import NOW

STATUS = {"exchange_active": True, "trading_active": True}


@pytest.fixture
def transport(exchange: LocalExchange, naps: list[float]) -> Transport:
    return Transport(
        exchange.base_url,
        now=lambda: NOW,
        wait=wait_exponential(multiplier=0.5),
        sleep=naps.append,
    )


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    path = tmp_path / "key.pem"
    path.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return Signer("key-1", path, DEMO_HOSTS)


@pytest.mark.story("3.1", 4)
@pytest.mark.story("3.1", 5)
def test_read_succeeds_at_the_third_attempt_with_growing_pauses(
    exchange: LocalExchange, transport: Transport, naps: list[float]
) -> None:
    exchange.on(
        "/x",
        Reply(503, b"<html>down</html>"),
        Reply(429, b'{"error":"too many requests"}'),
        json_reply(STATUS),
    )
    assert transport.get_json("/x") == STATUS
    assert exchange.paths() == ["/x"] * 3
    assert naps == [0.5, 1.0]


@pytest.mark.story("3.1", 4)
@pytest.mark.parametrize("reply", [Reply(500, b"{}"), Reply(0)])
def test_read_gives_up_after_three_attempts(
    exchange: LocalExchange, transport: Transport, reply: Reply
) -> None:
    exchange.on("/x", reply)
    with pytest.raises(Unreachable) as fault:
        transport.get_json("/x")
    assert fault.value.source == "kalshi"
    assert fault.value.__cause__ is None
    assert exchange.paths() == ["/x"] * 3


@pytest.mark.story("3.1", 4)
def test_read_that_waited_long_for_its_error_is_not_tried_again(exchange: LocalExchange) -> None:
    def slow_error(_: Request) -> Reply:
        time.sleep(0.06)
        return Reply(500, b"{}")

    exchange.on("/x", slow_error)
    transport = Transport(exchange.base_url, now=lambda: NOW, sleep=lambda _: None, slow_s=0.1)
    with pytest.raises(Unreachable):
        transport.get_json("/x")
    assert exchange.paths() == ["/x"] * 2


@pytest.mark.story("3.1", 4)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410])
def test_definite_refusal_is_not_tried_again(
    exchange: LocalExchange, transport: Transport, status: int
) -> None:
    exchange.on("/x", json_reply({"error": {"code": "no"}}, status))
    with pytest.raises(Refused) as refusal:
        transport.get_json("/x")
    assert (refusal.value.status, refusal.value.code) == (status, "no")
    assert exchange.paths() == ["/x"]


def test_no_listener_is_unreachable(naps: list[float]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        closed = Transport(f"http://127.0.0.1:{port}/trade-api/v2", sleep=naps.append)
        with pytest.raises(Unreachable):
            closed.get_json("/x")
    closed.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"[1, 2]",
        b'"text"',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"a": ' + b"9" * 10_000 + b"}",
        b'{"a": "\xff"}',
    ],
)
def test_body_that_is_no_plain_json_object_is_malformed(
    exchange: LocalExchange, transport: Transport, body: bytes
) -> None:
    exchange.on("/x", Reply(200, body))
    with pytest.raises(Malformed):
        transport.get_json("/x")


def test_numbers_in_a_body_stay_exact() -> None:
    assert (
        str(decode_object(b'{"fee_multiplier": 0.1, "n": 85}', "x"))
        == "{'fee_multiplier': Decimal('0.1'), 'n': 85}"
    )


@pytest.mark.parametrize("location", ["/trade-api/v2/y", "https://example.com/"])
def test_redirect_is_never_followed(exchange: LocalExchange, transport: Transport, location: str) -> None:
    exchange.on("/x", Reply(302, b"", (("Location", location),)))
    with pytest.raises(Malformed, match="redirect"):
        transport.get_json("/x")
    assert exchange.paths() == ["/x"]


def test_body_beyond_the_cap_is_malformed(exchange: LocalExchange, transport: Transport) -> None:
    exchange.on("/x", Reply(200, b" " * (conversation_module.MAX_BODY_BYTES + 1)))
    with pytest.raises(Malformed, match="larger than 20 MB"):
        transport.get_json("/x")


def test_request_asks_for_english_and_keeps_no_cookies(exchange: LocalExchange, transport: Transport) -> None:
    exchange.on("/x", Reply(200, b"{}", (("Set-Cookie", "session=1"),)))
    transport.get_json("/x", [("tickers", "A"), ("tickers", "B")])
    transport.get_json("/x")
    first, second = exchange.requests
    assert first.headers["Accept-Language"] == "en"
    assert first.query == {"tickers": ["A", "B"]}
    assert "Cookie" not in second.headers
    assert not any(name.startswith("Kalshi") for name in map(str.title, first.headers))


def test_signed_request_proves_the_key_for_the_path_below_the_root(
    exchange: LocalExchange, signer: Signer
) -> None:
    exchange.on("/portfolio/balance", json_reply({}))
    signing = Transport(exchange.base_url, signer, now=lambda: NOW)
    signing.get_json("/portfolio/balance", [("subaccount", "1")])
    signing.close()
    sent = {name.upper(): value for name, value in exchange.requests[0].headers.items()}
    at_ms = int(NOW.timestamp() * 1000)
    assert dict(signer.headers("GET", "/trade-api/v2/portfolio/balance", at_ms)).items() <= sent.items()


def test_demo_key_is_never_shown_to_the_live_exchange(signer: Signer) -> None:
    for host in ("external-api.kalshi.com", "api.elections.kalshi.com", "example.com"):
        with pytest.raises(ConfigError, match="demo and live are separate"):
            Transport(f"https://{host}/trade-api/v2", signer)


@pytest.mark.parametrize(
    "url",
    ["http://external-api.kalshi.com/trade-api/v2", "ftp://127.0.0.2/x", "http://localhost.example.com/"],
)
def test_nobody_but_this_machine_is_spoken_to_in_clear(url: str) -> None:
    with pytest.raises(ConfigError, match="https"):
        Transport(url)


@pytest.mark.parametrize("ahead_s", [-30, 0, 12])
def test_skew_is_measured_from_the_date_header(
    exchange: LocalExchange, transport: Transport, ahead_s: int
) -> None:
    stamp = email.utils.format_datetime(NOW + timedelta(seconds=ahead_s), usegmt=True)
    exchange.on("/x", Reply(200, b"{}", (("Date", stamp),)))
    assert transport.skew_s is None
    transport.get_json("/x")
    assert transport.skew_s == ahead_s


def test_server_error_speaks_only_when_asked_to(exchange: LocalExchange, transport: Transport) -> None:
    exchange.on("/x", json_reply({"exchange_active": False}, 503))
    assert transport.get_json("/x", server_errors_speak=True) == {"exchange_active": False}
    with pytest.raises(Unreachable):
        transport.get_json("/x")


def test_answer_that_drips_beyond_its_time_is_unreachable() -> None:
    past = -math.inf
    with pytest.raises(Unreachable, match="too long"):
        list(conversation_module._read_bounded(itertools.repeat(b" "), "/x", past))


def test_recorded_bodies_decode_exactly(recorded_api: Path) -> None:
    for path in sorted(recorded_api.glob("*.json")):
        body = path.read_bytes()
        assert decode_object(body, path.name).keys() == json.loads(body).keys()
