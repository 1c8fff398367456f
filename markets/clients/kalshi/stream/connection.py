"""One open feed: text in, text out. Nothing of the WebSocket library leaves, and only our own errors do."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from markets.clients.kalshi.errors import SOURCE, error_from_answer
from milkbot.core.config import LOOPBACK_HOSTS
from milkbot.core.errors import Malformed, OutsideError, Unreachable

MAX_FRAME_BYTES: Final = 1024 * 1024
"""Unpacked. A full book of a cent grid is 4 kB."""
OPEN_TIMEOUT_S: Final = 5.0
PING_EVERY_S: Final = 10.0
PONG_WITHIN_S: Final = 10.0
CLOSE_TIMEOUT_S: Final = 1.0


class Connection(Protocol):
    """What a conversation needs. Both raise Unreachable once the connection is gone."""

    async def send(self, text: str) -> None: ...

    async def receive(self) -> str | bytes: ...


Dial = Callable[[str, Mapping[str, str]], AbstractAsyncContextManager[Connection]]
"""Opens the feed at a URL with the handshake's headers. Raises Unreachable, Refused or Malformed."""


@asynccontextmanager
async def dial(url: str, headers: Mapping[str, str]) -> AsyncIterator[Connection]:
    """An open connection; pings are answered, and silence on our own ends it. Raises as `Dial` says."""
    is_local = urlsplit(url).hostname in LOOPBACK_HOSTS
    try:
        opened = await _Handshake(
            url,
            additional_headers=dict(headers),
            user_agent_header="milkbot",
            proxy=None if is_local else True,
            open_timeout=OPEN_TIMEOUT_S,
            ping_interval=PING_EVERY_S,
            ping_timeout=PONG_WITHIN_S,
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=MAX_FRAME_BYTES,
        )
    except InvalidStatus as error:
        raise _no(error.response.status_code, bytes(error.response.body or b"")) from None
    except (OSError, WebSocketException) as error:
        raise Unreachable(SOURCE, f"the feed could not be opened ({type(error).__name__})") from None
    try:
        yield _Opened(opened)
    finally:
        await opened.close()


class _Handshake(connect):
    """Goes nowhere else: a redirect would carry the signature along."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class _Opened:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        try:
            await self._connection.send(text)
        except ConnectionClosed as error:
            raise _gone(error) from None

    async def receive(self) -> str | bytes:
        try:
            return await self._connection.recv()
        except ConnectionClosed as error:
            raise _gone(error) from None


def _no(status: int, body: bytes) -> OutsideError:
    if status < 400:
        return Malformed(SOURCE, f"the feed answered HTTP {status} instead of opening")
    return error_from_answer(status, body, "the feed")


def _gone(error: ConnectionClosed) -> Unreachable:
    code = error.rcvd.code if error.rcvd else error.sent.code if error.sent else None
    return Unreachable(SOURCE, f"the feed ended ({'without a word' if code is None else f'code {code}'})")
