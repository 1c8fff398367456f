"""The feed's WebSocket endpoint: a signed handshake, a queue of messages for each connection, and one pump for all."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.accounts import Account
from sandbox.fault_middleware import CUT
from sandbox.kalshi.auth import Gatekeeper, unsigned
from sandbox.kalshi.errors import ApiError, api_error_response
from sandbox.kalshi.stream.commands import PATH
from sandbox.kalshi.stream.hub import Hub
from sandbox.kalshi.stream.session import Session
from sandbox.kalshi.venue import Venue
from sandbox.kalshi.wire import JsonObject, milliseconds

LOOK_EVERY_S: Final = 0.5
MAX_PENDING: Final = 10_000
OVERFLOW: Final = 25

Endpoint = Callable[[WebSocket], Awaitable[None]]


def feed_endpoint(venue: Venue, gatekeeper: Gatekeeper) -> Endpoint:
    """The handler of one connection. The market is looked at only while there is one."""
    pump = _Pump(venue)

    async def feed(socket: WebSocket) -> None:
        try:
            account = gatekeeper.identify(socket, venue.stage.wall())
            if account is None:
                raise unsigned()
        except ApiError as error:
            await socket.send_denial_response(await api_error_response(socket, error))
            return
        await socket.accept()
        await _Connection(socket, account, venue, pump).run()

    return feed


class _Pump:
    """Brings the exchange to the present a few times a second while anybody listens."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.hub = Hub(venue)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, unless it runs."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self.hub.is_watched:
            self._venue.now()
            self.hub.look()
            await asyncio.sleep(LOOK_EVERY_S)


class _Connection:
    """One open socket: commands in, messages out in order, until either side ends it."""

    def __init__(self, socket: WebSocket, account: Account, venue: Venue, pump: _Pump) -> None:
        self._socket = socket
        self._venue = venue
        self._pump = pump
        self._pending: asyncio.Queue[JsonObject] = asyncio.Queue()
        self._session = Session(account.member, pump.hub.board, self._put)

    async def run(self) -> None:
        """Serve until the connection ends."""
        self._venue.now()
        self._pump.hub.join(self._session)
        self._pump.start()
        writer = asyncio.create_task(self._write())
        try:
            while True:
                text = await self._socket.receive_text()
                self._venue.now()
                self._session.hear(text)
        except (WebSocketDisconnect, KeyError):  # a binary frame has no text: end the connection
            pass
        finally:
            self._pump.hub.leave(self._session)
            writer.cancel()

    def _put(self, message: JsonObject) -> None:
        if self._pending.qsize() == MAX_PENDING:
            self._pending.put_nowait({})  # once over the limit, so that this is said only once
            self._session.fail_all(OVERFLOW)
        else:
            self._pending.put_nowait(message)

    async def _write(self) -> None:
        with suppress(
            WebSocketDisconnect, RuntimeError
        ):  # the other side has gone; the reader ends the connection
            await self._write_all()

    async def _write_all(self) -> None:
        faults = self._venue.stage.faults
        while True:
            message = await self._pending.get()
            if not message or ("seq" in message and faults.disturbing("feed_gap", PATH)):
                continue
            if faults.disturbing("feed_drop", PATH):
                await self._socket.scope[CUT]()
                return
            await self._socket.send_json(message | {"sending_ts_ms": milliseconds(self._venue.stage.wall())})
