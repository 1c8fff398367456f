"""From a host's name to a connected socket before a deadline, however long the resolver or an address keeps silent.

The C library gives a lookup no time limit and a connection one for each address; nothing can end a lookup that hangs.
"""

import socket
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Any, Final

from milkbot.core import clock

FRESH_S: Final = 60.0
"""How long an answer is used again: what stands behind a name of the exchange may move at any time."""

KEPT_ALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
        if hasattr(socket, name)
    ),
)
"""Socket options: of a peer that vanished without a word the system learns within 25 s, before the next turn."""

Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
"""As socket.getaddrinfo tells it."""


class _Lookup(threading.Thread):
    """One question to the resolver. A daemon: a process that ends waits for no answer."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(name=f"lookup {host}", daemon=True)
        self.begun_at = clock.monotonic()
        self.answer: Future[Sequence[Address]] = Future()
        self._asked = (host, port)

    def run(self) -> None:
        try:
            self.answer.set_result(socket.getaddrinfo(*self._asked, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 - whatever it was, it is told to those who wait.
            self.answer.set_exception(error)

    def is_of_use(self) -> bool:
        """Whether its answer is fresh, or still to come. In a forked process nobody is left to give it."""
        if self.answer.done():
            return self.answer.exception() is None and clock.monotonic() - self.begun_at < FRESH_S
        return self.is_alive()


class Resolver:
    """Looks names up, each once at a time. Safe to use from several threads.

    `patience_s` is what a lookup is given from its beginning: once it has hung for that long nobody waits for it any
    more, so that a dead resolver costs its callers one wait together instead of one each.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._lookups: dict[tuple[str, int], _Lookup] = {}

    def addresses(self, host: str, port: int, ends_at: float) -> Sequence[Address]:
        """Where `host` is to be found, at least one. Raises TimeoutError at `ends_at` (monotonic), or OSError."""
        with self._lock:
            lookup = self._lookups.get((host, port))
            if lookup is None or not lookup.is_of_use():
                lookup = self._lookups[host, port] = _Lookup(host, port)
                lookup.start()
        left_s = min(ends_at, lookup.begun_at + self._patience_s) - clock.monotonic()
        return lookup.answer.result(max(left_s, 0.0))

    def forget(self, host: str, port: int) -> None:
        """Ask anew next time: nobody was to be reached there."""
        with self._lock:
            self._lookups.pop((host, port), None)


def dial(
    addresses: Sequence[Address], ends_at: float, options: Iterable[Sequence[Any]] = ()
) -> socket.socket:
    """A socket connected to the first of the addresses that answers; its timeout is what is left until `ends_at`.

    Each address has its share of the time, so that one that keeps silent leaves some to the others. Raises the last
    one's OSError, TimeoutError for silence.
    """
    failed: OSError = TimeoutError("no time is left to connect")
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        left_s = ends_at - clock.monotonic()
        if left_s <= 0:
            break
        connection = socket.socket(family, kind, protocol)
        try:
            for option in options:
                connection.setsockopt(*option)
            connection.settimeout(left_s / (len(addresses) - number))
            connection.connect(address)
            connection.settimeout(max(ends_at - clock.monotonic(), _SOON_S))
        except OSError as error:
            failed = error
            connection.close()
        else:
            return connection
    raise failed


_SOON_S: Final = 0.001
"""Instead of 0, which would mean not to wait at all."""
