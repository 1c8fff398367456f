"""Gives an HTTP answer one deadline, and a request a last look before it leaves.

A read timeout alone starts anew with every byte, so a dripping peer never ends. And nothing bounds how long a name takes to
resolve: whether a request may still go is asked when its connection stands.
"""

import http
import http.client
import io
import socket
from collections.abc import Callable
from typing import Any, Final

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from milkbot.core import clock


class DeadlineAdapter(HTTPAdapter):
    """The read timeout of a request bounds its whole answer, status line to last byte. Nothing is ever sent twice."""

    def __init__(self, connections: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _time(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        return _time(super().proxy_manager_for(*args, **kwargs))


class GuardedBody(io.BytesIO):
    """The body of a request; `last_look` is called before its first byte leaves, and stops it by raising."""

    def __init__(self, content: bytes, last_look: Callable[[], None]) -> None:
        super().__init__(content)
        self.last_look = last_look


class _TimedReader(io.RawIOBase):
    """Reads from a socket until the deadline set at its making."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, now: Callable[[], float]) -> None:
        self._raw = raw
        self._sock = sock
        self._now = now
        allowed_s = sock.gettimeout()
        self._ends_at = None if allowed_s is None else now() + allowed_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._ends_at is not None:
            left_s = self._ends_at - self._now()
            if left_s <= 0:
                raise TimeoutError("the answer took too long to arrive")
            self._sock.settimeout(left_s)
        return self._raw.readinto(buffer)  # type: ignore[no-any-return, attr-defined, unused-ignore]

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedAnswer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw: Any = self.fp.detach()  # type: ignore[attr-defined, unused-ignore]
        self.fp = io.BufferedReader(_TimedReader(raw, sock, clock.monotonic))

    def begin(self) -> None:
        """Reads on past every interim answer. http.client knows 100 alone; after another 1xx the real answer would be
        left on the connection and be read as that of the next request."""
        super().begin()
        while self.status < http.HTTPStatus.OK:
            self.headers: Any = None  # Else `begin` believes that it has begun.
            super().begin()


class _TimedHttp(HTTPConnection):
    response_class = _TimedAnswer

    def request(self, method: str, url: str, body: Any = None, *args: Any, **named: Any) -> None:
        """Connects first; a guarded body is asked then, and leaves together with the head."""
        if isinstance(body, GuardedBody):
            if self.sock is None:
                self.connect()
            body.last_look()
            body = body.getvalue()
        super().request(method, url, body, *args, **named)


class _TimedHttps(HTTPSConnection, _TimedHttp):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _TimedHttp


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _TimedHttps


_POOLS: Final = {"http": _HttpPool, "https": _HttpsPool}


def _time(manager: PoolManager) -> PoolManager:
    manager.pool_classes_by_scheme = _POOLS
    return manager
