"""A key, and an order client that talks to the local exchange with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from markets.clients.kalshi.conversation import Conversation
from markets.clients.kalshi.orders import KalshiOrders
from markets.clients.kalshi.signing import DEMO_HOSTS, Signer
from tests.markets.local_exchange import LocalExchange
from tests.markets.makers import NOW


@pytest.fixture
def key_path(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    path.write_bytes(
        Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path


@pytest.fixture
def signer(key_path: Path) -> Signer:
    return Signer("key-1", key_path, DEMO_HOSTS)


@pytest.fixture
def orders(exchange: LocalExchange, signer: Signer) -> Iterator[KalshiOrders]:
    conversation = Conversation(exchange.base_url, signer, now=lambda: NOW)
    yield KalshiOrders(conversation, now=lambda: NOW)
    conversation.close()
