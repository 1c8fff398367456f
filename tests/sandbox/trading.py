"""A sandbox exchange in this process with members who sign their requests and a hand clock."""

import json
from base64 import b64encode
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from sandbox.accounts import Account, PrivateKey
from sandbox.assembly import sandbox_app
from sandbox.kalshi.costs import Tier
from sandbox.kalshi.state_file import StateFile
from sandbox.recorded import RecordedDay
from tests.sandbox.stages import Client, Wall, stage_at

ROOT = "/trade-api/v2"
ORDERS = "/portfolio/events/orders"
TICKER = "KXHIGHCHI-26MAY19-B74.5"
LAG = timedelta(seconds=0.6)


@cache
def private_key(path: Path) -> PrivateKey:
    """The key in a file; checking an RSA key takes 50 ms, so each is read once."""
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey)
    return key


def signed_headers(account: Account, method: str, path: str, at: datetime) -> dict[str, str]:
    """The three headers over `path`, which has no query."""
    timestamp = str(round(at.timestamp() * 1000))
    text = f"{timestamp}{method}{path}".encode()
    key = private_key(account.private_key_path)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        signature = key.sign(text)
    else:
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        signature = key.sign(text, pss, hashes.SHA256())
    return {
        "KALSHI-ACCESS-KEY": account.key_id,
        "KALSHI-ACCESS-TIMESTAMP": timestamp,
        "KALSHI-ACCESS-SIGNATURE": b64encode(signature).decode(),
    }


class Caller(Protocol):
    """Sends requests to the sandbox, in this process or over a socket."""

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        """One request; `given` is what httpx takes."""
        ...

    def get(self, path: str, **given: Any) -> httpx.Response:
        """GET."""
        ...

    def post(self, path: str, **given: Any) -> httpx.Response:
        """POST."""
        ...


class Member:
    """One account's signed calls; paths are below the API's root and may have a query."""

    def __init__(self, client: Caller, account: Account, wall: Wall) -> None:
        self.account = account
        self._client = client
        self._wall = wall
        self._numbers = count(1)

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """One call; `body` is sent as JSON when given."""
        whole = f"{ROOT}{path}"
        headers = signed_headers(self.account, method, whole.partition("?")[0], self._wall.now)
        content = None if body is None else json.dumps(body)
        return self._client.request(method, whole, headers=headers, content=content)

    def get(self, path: str) -> Any:
        """The decoded body of a read that must succeed."""
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def order(self, **changes: Any) -> dict[str, Any]:
        """A create body: one contract bid at a cent, under an id of its own."""
        usual = {
            "ticker": TICKER,
            "client_order_id": f"{self.account.name}-{next(self._numbers)}",
            "side": "bid",
            "count": "1.00",
            "price": "0.0100",
            "time_in_force": "good_till_canceled",
            "self_trade_prevention_type": "taker_at_cross",
        }
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def send(self, **changes: Any) -> httpx.Response:
        """A create call."""
        return self.call("POST", ORDERS, self.order(**changes))

    def place(self, **changes: Any) -> dict[str, Any]:
        """The answer to a create that must succeed."""
        answer = self.send(**changes)
        assert answer.status_code == 201, answer.text
        placed: dict[str, Any] = answer.json()
        return placed


class Trading:
    """An exchange at world time `at`: its market frozen with `depth` contracts a side, a member for each account."""

    def __init__(
        self,
        day: RecordedDay,
        at: datetime,
        accounts: tuple[Account, ...],
        *,
        state: StateFile | None = None,
        tier: Tier | None = None,
        depth: Decimal = Decimal(10),
    ) -> None:
        self.stage = stage_at(day, at, depth)
        self.wall = self.stage.wall
        assert isinstance(self.wall, Wall)
        self.app = sandbox_app(self.stage, accounts, lambda: None, state=state, tier=tier)
        self._accounts = accounts
        self.client: Caller
        self.members: list[Member]
        self.call_through(Client(self.app))
        self.control(do="freeze")

    def call_through(self, client: Caller) -> None:
        """From now on controls and members' calls go this way."""
        assert isinstance(self.wall, Wall)
        wall = self.wall
        self.client = client
        self.members = [Member(client, account, wall) for account in self._accounts]

    def control(self, **order: Any) -> Any:
        """A control that must succeed; its answer."""
        answer = self.client.post("/control", json=order)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait(self, duration: timedelta = LAG) -> None:
        """Let time pass, by default until reads show what has just been done."""
        assert isinstance(self.wall, Wall)
        self.wall.now += duration
