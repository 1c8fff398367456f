"""The resolver of this machine in a test's hands: names lead where the test says, hang as with a dead server, or fail."""

import ipaddress
import socket
import threading
from collections.abc import Sequence
from enum import Enum
from typing import Any, Final

REAL: Final = socket.getaddrinfo
LONGEST_S: Final = 20.0
"""What the C library takes to give up at its defaults: two rounds of 5 s, each with two servers."""


class Resolver(Enum):
    """How it behaves."""

    ANSWERS = 0
    HANGS = 1
    """As when no server answers: nothing for long, then EAI_AGAIN."""
    FAILS = 2
    """SERVFAIL, told at once."""


class Names:
    """Give it to `monkeypatch.setattr(socket, "getaddrinfo", ...)`. Addresses are no names and need no server."""

    def __init__(self, addresses: Sequence[str | tuple[str, int]] = ("127.0.0.1",)) -> None:
        self.addresses = addresses
        """Where every name leads; an address with a port leads to that port."""
        self.asked: list[str] = []
        self._state = Resolver.ANSWERS
        self._changed = threading.Event()

    def become(self, state: Resolver) -> None:
        """From now on; a question that hangs ends when this changes."""
        self._state, changed = state, self._changed
        self._changed = threading.Event()
        changed.set()

    def __call__(self, host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if host is None or _is_address(host):
            return REAL(host, port, *more, **named)
        self.asked.append(host)
        if self._state is Resolver.HANGS:
            self._changed.wait(LONGEST_S)
        if self._state is not Resolver.ANSWERS:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        told = [(where, port) if isinstance(where, str) else where for where in self.addresses]
        return [found for address, at in told for found in REAL(address, at, type=socket.SOCK_STREAM)]


def _is_address(host: Any) -> bool:
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host)
    except ValueError:
        return False
    return True
