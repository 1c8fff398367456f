"""Gives connecting one deadline, the answer another, and a request a last look before it leaves.

A connect timeout alone leaves the name's lookup unbounded and starts anew with every address; a read timeout starts anew
with every byte, so a dripping peer never ends. Whether a request may still go is asked when its connection stands.
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
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from markets.clients.kalshi.dialing import KEPT_ALIVE, Resolver, dial
from milkbot.core import clock

CONNECT_TIMEOUT_S: Final = 3.0
"""Of finding the name, connecting to its addresses and shaking hands, all together."""


class DeadlineAdapter(HTTPAdapter):
    """The connect timeout of a request bounds lookup, addresses and handshake together, its read timeout the whole answer,
    status line to last byte. Nothing is ever sent twice."""

    def __init__(self, connections: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        options = [*HTTPConnection.default_socket_options, *KEPT_ALIVE]
        super().init_poolmanager(*args, **kwargs, socket_options=options)
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
    resolver: Resolver
    """Its pool's."""

    def request(self, method: str, url: str, body: Any = None, *args: Any, **named: Any) -> None:
        """Connects first; a guarded body is asked then, and leaves together with the head."""
        if self.sock is None:
            self.connect()
        else:
            # What the answer before it left over is no time to send in.
            self.sock.settimeout(self.timeout)
        if isinstance(body, GuardedBody):
            body.last_look()
            body = body.getvalue()
        super().request(method, url, body, *args, **named)

    def _new_conn(self) -> socket.socket:
        """Connected before the connect timeout is over, which the handshake has the rest of."""
        host, port = self._dns_host, self.port
        ends_at = clock.monotonic() + float(self.timeout or CONNECT_TIMEOUT_S)
        try:
            addresses = self.resolver.addresses(host, port, ends_at)
        except TimeoutError as late:
            raise ConnectTimeoutError(self, f"the lookup of {host} hangs") from late
        except socket.gaierror as fault:
            raise NameResolutionError(self.host, self, fault) from fault
        except OSError as fault:
            raise NewConnectionError(self, f"the lookup of {host} failed: {fault}") from fault
        try:
            return dial(addresses, ends_at, self.socket_options or ())
        except OSError as fault:
            self.resolver.forget(host, port)
            if isinstance(fault, TimeoutError):
                raise ConnectTimeoutError(self, f"no address of {host} answers") from fault
            raise NewConnectionError(self, f"no connection to {host}: {fault}") from fault


class _TimedHttps(HTTPSConnection, _TimedHttp):
    pass


class _Resolving:
    """A pool whose connections look names up together."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.resolver = Resolver(CONNECT_TIMEOUT_S)

    def _new_conn(self) -> Any:
        connection: Any = super()._new_conn()  # type: ignore[misc]
        connection.resolver = self.resolver
        return connection


class _HttpPool(_Resolving, HTTPConnectionPool):
    ConnectionCls = _TimedHttp


class _HttpsPool(_Resolving, HTTPSConnectionPool):
    ConnectionCls = _TimedHttps


_POOLS: Final[dict[str, type]] = {"http": _HttpPool, "https": _HttpsPool}


def _time(manager: PoolManager) -> PoolManager:
    manager.pool_classes_by_scheme = _POOLS
    return manager
