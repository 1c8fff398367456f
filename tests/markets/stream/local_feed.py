"""The network edge: a WebSocket server on loopback that keeps books and tells them as the exchange does, or worse."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

PATH = "/trade-api/ws/v2"
KEY_ID = "11111111-2222-4333-8444-555555555555"
Levels = list[list[str]]


class LocalFeed:
    """One account's feed. Books are {ticker: (yes levels, asks as YES prices)}; `refusals` answer the next handshakes."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.books: dict[str, tuple[Levels, Levels]] = {}
        self.refusals: list[tuple[int, Mapping[str, str]]] = []
        self.handshakes: list[Mapping[str, str]] = []
        self.commands: list[dict[str, Any]] = []
        self.connection: ServerConnection | None = None
        self.is_deaf = False
        self._seq = 0
        self._server: Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"ws://127.0.0.1:{port}{PATH}"

    def write_key(self, path: Path) -> Path:
        """The private key in the form the application loads."""
        encoded = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(encoded)
        return path

    def asked(self, command: str) -> list[dict[str, Any]]:
        """The parameters of every command of that name, or of every update with that action."""
        return [
            given["params"]
            for given in self.commands
            if command in (given["cmd"], given["params"].get("action"))
        ]

    async def say(self, **frame: Any) -> None:
        """Send one frame as it is."""
        await self.send(json.dumps(frame))

    async def send(self, text: str | bytes) -> None:
        assert self.connection is not None
        await self.connection.send(text)

    async def tell_book(self, ticker: str) -> None:
        yes, no = self.books[ticker]
        sides = {name: levels for name, levels in (("yes_dollars_fp", yes), ("no_dollars_fp", no)) if levels}
        msg = {"market_ticker": ticker, "market_id": KEY_ID, **sides}
        await self.say(type="orderbook_snapshot", sid=1, seq=self.next_seq(), msg=msg)

    async def tell_delta(self, ticker: str, side: str, price: str, delta: str) -> None:
        msg = {
            "market_ticker": ticker,
            "market_id": KEY_ID,
            "side": side,
            "price_dollars": price,
            "delta_fp": delta,
        }
        await self.say(type="orderbook_delta", sid=1, seq=self.next_seq(), msg=msg)

    def next_seq(self) -> int:
        self._seq += 1
        return self._seq

    async def __aenter__(self) -> Self:
        self._server = await serve(self._converse, "127.0.0.1", 0, process_request=self._admit)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        headers = request.headers
        self.handshakes.append(dict(headers.raw_items()))
        if self.refusals:
            status, extra = self.refusals.pop(0)
            response = connection.respond(HTTPStatus(status), "no\n")
            for name, value in extra.items():
                response.headers[name] = value
            return response
        text = f"{headers['KALSHI-ACCESS-TIMESTAMP']}GET{PATH}"
        self.key.public_key().verify(base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"]), text.encode())
        return None

    async def _converse(self, connection: ServerConnection) -> None:
        self.connection, self._seq = connection, 0
        async for text in connection:
            command = json.loads(text)
            self.commands.append(command)
            if not self.is_deaf:
                await self._obey(command)

    async def _obey(self, command: dict[str, Any]) -> None:
        params = command["params"]
        tickers = [ticker for ticker in params.get("market_tickers", []) if ticker in self.books]
        if command["cmd"] == "subscribe":
            (channel,) = params["channels"]
            sid = 1 if channel == "orderbook_delta" else 1 + command["id"]
            await self.say(type="subscribed", id=command["id"], msg={"channel": channel, "sid": sid})
            told = tickers if channel == "orderbook_delta" else []
        else:
            is_books = params["sids"] == [1]
            told = tickers if is_books and params["action"] != "delete_markets" else []
            if params["action"] != "get_snapshot":
                numbers = {"seq": self.next_seq()} if is_books else {}
                await self.say(type="ok", id=command["id"], sid=params["sids"][0], **numbers)
        for ticker in told:
            await self.tell_book(ticker)


async def until(is_so: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Return as soon as `is_so`. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not is_so():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(task: Any) -> AsyncIterator[None]:
    """The coroutine runs beside the block and is cancelled after it; if it fails, so does the block."""
    running_task = asyncio.ensure_future(task)
    try:
        yield
    finally:
        ended_by_itself = running_task.done()
        running_task.cancel()
        try:
            await running_task
        except asyncio.CancelledError:
            assert not ended_by_itself
