"""The exchange's door: from a decision to the bytes of its order, and from the bytes of a page to its markets.

The order meets a server on loopback that answers at once; what is timed ends with its answer, so a little later than
the request's last byte. The peer posts the same bytes with bare `requests`, signed by hand with the same key.
"""

import base64
import json
import random
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.case import Case
from benchmarks.compare import PARSE_PAGE, SEND_ED25519, SEND_RSA
from markets.clients.kalshi.conversation import Conversation
from markets.clients.kalshi.decoding import decode_object
from markets.clients.kalshi.orders import ORDERS_PATH, KalshiOrders
from markets.clients.kalshi.parse import parse_markets
from markets.clients.kalshi.signing import DEMO_HOSTS, Signer
from markets.domain.order_request import NewOrder
from markets.domain.sides import BookSide
from tests.markets.makers import NOW, wire_market
from tests.trading.makers import around, make_account, make_board, make_outlook, make_view
from trading.domain.decide import decide

ROUNDS: Final = 300
PAGE: Final = 1_000
_PATH: Final = f"/trade-api/v2{ORDERS_PATH}"
_ANSWER: Final = (
    b'{"order_id":"2597b999-f887-4195-8bac-c3f97a1f2021","client_order_id":"bench","fill_count":"0.00",'
    b'"remaining_count":"10.00","ts_ms":1789484400123}'
)
_REPLY: Final = b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(_ANSWER) + _ANSWER

Key = RSAPrivateKey | Ed25519PrivateKey


@contextmanager
def exchange_cases(folder: Path) -> Iterator[list[Case]]:
    """Sending with either kind of key, and parsing a page."""
    keys: Mapping[str, Key] = {
        SEND_RSA: generate_private_key(public_exponent=65537, key_size=2048),
        SEND_ED25519: Ed25519PrivateKey.generate(),
    }
    with _answering_server() as base_url:
        yield [*(_send_case(name, key, base_url, folder) for name, key in keys.items()), _parse_case()]


def page_of_markets(count: int) -> dict[str, Any]:
    """`GET /markets` with that many markets as full as the exchange's own, six an event, each with prices of its own."""
    dice = random.Random(1)
    return {"cursor": "", "markets": [_full_market(dice, number) for number in range(count)]}


def _send_case(name: str, key: Key, base_url: str, folder: Path) -> Case:
    path = folder / f"{type(key).__name__}.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    orders = KalshiOrders(Conversation(base_url, Signer("bench", path, DEMO_HOSTS)))
    views = [make_view(board=make_board(), outlook=make_outlook())]
    account, circumstances = make_account(), around()
    order = NewOrder("KXHIGHCHI-26SEP15-B84.5", BookSide.BID, Decimal(10), Decimal("0.56"), "bench")

    def decide_and_send() -> object:
        decide(views, account, circumstances)
        return orders.place(order)

    return Case(
        name,
        "API calls",
        decide_and_send,
        "bare requests.post, signed alike",
        _bare_post(key, base_url),
        rounds=ROUNDS,
    )


def _bare_post(key: Key, base_url: str) -> Callable[[], object]:
    session = requests.Session()
    session.trust_env = False
    body = {
        "ticker": "KXHIGHCHI-26SEP15-B84.5", "client_order_id": "bench", "side": "bid", "count": "10.00",
        "price": "0.5600", "time_in_force": "good_till_canceled", "self_trade_prevention_type": "taker_at_cross",
    }  # fmt: skip

    def post() -> object:
        at_ms = str(int(datetime.now(UTC).timestamp() * 1000))
        text = f"{at_ms}POST{_PATH}".encode()
        signature = key.sign(text) if isinstance(key, Ed25519PrivateKey) else _pss(key, text)
        headers = {
            "KALSHI-ACCESS-KEY": "bench",
            "KALSHI-ACCESS-TIMESTAMP": at_ms,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
        }
        return session.post(base_url + ORDERS_PATH, json=body, headers=headers, timeout=5).json()

    return post


def _pss(key: RSAPrivateKey, text: bytes) -> bytes:
    return key.sign(text, PSS(mgf=MGF1(hashes.SHA256()), salt_length=32), hashes.SHA256())


def _parse_case() -> Case:
    body = json.dumps(page_of_markets(PAGE)).encode()
    return Case(
        PARSE_PAGE,
        "API calls",
        lambda: parse_markets(decode_object(body, "page"), NOW),
        "json.loads of the same bytes",
        lambda: json.loads(body),
        rounds=40,
    )


def _full_market(dice: random.Random, number: int) -> dict[str, Any]:
    bid = dice.randint(1, 97)
    ask = dice.randint(bid + 1, 99)
    sizes = {
        name: f"{dice.randint(1, 500_000) / 100:.2f}"
        for name in ("yes_bid_size_fp", "yes_ask_size_fp", "volume_fp", "volume_24h_fp", "open_interest_fp")
    }
    prices = {
        "yes_bid_dollars": bid, "yes_ask_dollars": ask, "no_bid_dollars": 100 - ask, "no_ask_dollars": 100 - bid,
        "last_price_dollars": bid, "previous_yes_bid_dollars": bid, "previous_yes_ask_dollars": ask,
        "previous_price_dollars": bid, "notional_value_dollars": 100,
    }  # fmt: skip
    quotes = sizes | {name: f"{cents / 100:.4f}" for name, cents in prices.items()}
    low_f = 60 + number % 6 * 2
    return (
        wire_market(
            suffix=f"B{low_f}.5",
            floor=low_f,
            cap=low_f + 1,
            day=date(2026, 9, 2 + number // 6 % 28),
            title="Will the **high temp in Chicago** be 84-85° on Sep 15, 2026?",
            yes_sub_title="84° to 85°",
            no_sub_title="84° to 85°",
            created_time=f"2026-09-14T10:11:{number % 60:02}.383017Z",
            updated_time=f"2026-09-14T10:40:{number % 60:02}.170277Z",
            subtitle="84° to 85°",
            expiration_time="2026-09-22T14:00:00Z",
            settlement_value_dollars=None,
            latest_expiration_time="2026-09-22T14:00:00Z",
            expected_expiration_time="2026-09-16T14:00:00Z",
            occurrence_datetime="2026-09-15T14:00:00Z",
            settlement_timer_seconds=3600,
            can_close_early=True,
            settlement_bounds_type="default",
            exchange_index=0,
            early_close_condition="The Last Trading Time will be 11:59 PM local time on September 15, 2026 regardless of any "
            "data releases or events occurring. Expiration will occur on the sooner of the first 7:00 or 8:00 AM ET following "
            "the release of the data for September 15, 2026, or one week after September 15, 2026.",
            rules_secondary="Not all weather data is the same. While checking a source like AccuWeather or Google Weather may "
            "help guide your decision, the official and final value used to determine this market is the highest temperature "
            "as reported by the source named in the rules above. Preliminary reporting and measurement methods may be subject "
            "to underlying rounding and conversion nuances. Traders should exercise caution when interpreting preliminary data.",
        )
        | quotes
    )


@contextmanager
def _answering_server() -> Iterator[str]:
    """Reads requests off kept-alive connections and answers each at once; no parsing beyond their lengths."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener,), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/trade-api/v2"


def _accept(listener: socket.socket) -> None:
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_answer, args=(peer,), daemon=True).start()


def _answer(peer: socket.socket) -> None:
    with peer, peer.makefile("rb") as requested:
        while line := requested.readline():
            length = 0
            while line.strip():
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
                line = requested.readline()
            requested.read(length)
            peer.sendall(_REPLY)
