"""The way between our trader and the sandbox's exchange: the clock of both, our patience, and what passes the door."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final, Protocol, TypeVar

import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from markets.clients.kalshi.conversation import Answer, Conversation, Query

START: Final = datetime(2025, 11, 19, 15, 5, tzinfo=UTC)
"""A Wednesday, five minutes after tomorrow's events opened."""

WAITS_AT_MOST_S: Final = 30.0

Done = TypeVar("Done")


class Settable(Protocol):
    """A clock whose hand is moved by whoever holds it."""

    now: datetime

    def __call__(self) -> datetime: ...


@dataclass
class HandClock:
    """The machine's clock and the world's."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


class HastyConversation(Conversation):
    """The real conversation that never waits longer than `patience_s`: hours of silence in a test of seconds."""

    patience_s: float = 10.0

    def exchange(
        self,
        method: str,
        path: str,
        *,
        timeout_s: float,
        query: Query = (),
        body: bytes | None = None,
        items: int = 1,
        may_leave: Callable[[], bool] = lambda: True,
    ) -> Answer:
        return super().exchange(
            method,
            path,
            timeout_s=min(timeout_s, self.patience_s),
            query=query,
            body=body,
            items=items,
            may_leave=may_leave,
        )


class Front:
    """Before the sandbox: notes every request and dates every answer by the hand clock."""

    def __init__(self, app: ASGIApp, clock: Callable[[], datetime]) -> None:
        self.app = app
        self._clock = clock
        self.asked: list[str] = []
        """Method and path of every request, in the order of arrival."""
        self.before: dict[str, Callable[[], None]] = {}
        """What happens once when the first request arrives whose method and path begin like this."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def do(self, call: Callable[[], Done]) -> Done:
        """`call` where requests are served, so that none comes in between."""
        if self._loop is None or threading.current_thread() is self._thread:
            return call()

        async def done() -> Done:
            return call()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(WAITS_AT_MOST_S)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._loop, self._thread = asyncio.get_running_loop(), threading.current_thread()
        request = f"{scope.get('method', '')} {scope['path'].removeprefix('/trade-api/v2')}"
        self.asked.append(request)
        for start in [start for start in self.before if request.startswith(start)]:
            self.before.pop(start)()
        await self.app(scope, receive, _dated(send, self._clock))

    def count(self, start: str) -> int:
        """How many requests began like this."""
        return sum(request.startswith(start) for request in self.asked)


class _DatedSend:
    """`send` with a `Date` header; the fault layer reaches through it for the transport."""

    def __init__(self, send: Send, clock: Callable[[], datetime]) -> None:
        self.__self__ = getattr(send, "__self__", None)
        self._send = send
        self._clock = clock

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message["headers"]))
            headers["date"] = format_datetime(self._clock(), usegmt=True)
            message = {**message, "headers": headers.raw}
        await self._send(message)


def _dated(send: Send, clock: Callable[[], datetime]) -> Send:
    return _DatedSend(send, clock)


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    config = uvicorn.Config(app, log_level="error", lifespan="off", date_header=False)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
