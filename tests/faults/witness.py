"""What the exchange itself sees of its traders: every request on the way of orders, from when to when, and whose.

Whose it is comes from the operating system: the process that holds the other end of the connection.
"""

from contextlib import suppress
from datetime import datetime
from typing import Final, NamedTuple

import psutil
from starlette.types import ASGIApp, Receive, Scope, Send

from milkbot.core import clock

_ROOT: Final = "/trade-api/v2/portfolio/"
_TRADING: Final = tuple(_ROOT + part for part in ("fills", "orders", "positions", "balance", "events/orders"))
"""What nobody but a turn asks for: settlements are the slow loop's."""


class Call(NamedTuple):
    """One request, by the machine's clock. `process` is None when nobody was found at the other end."""

    request: str
    begun_at: datetime
    ended_at: datetime
    process: int | None


class Witness:
    """Before the sandbox: notes the requests of turns, of whatever process this one has started."""

    def __init__(self, app: ASGIApp) -> None:
        self.calls: list[Call] = []
        """Requests of turns, in the order in which they ended."""
        self._app = app
        self._owners: dict[int, int] = {}
        """Who was last seen to hold a port."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(_TRADING):
            await self._app(scope, receive, send)
            return
        begun_at, process = clock.wall_now(), self._owner(scope["client"][1])
        try:
            await self._app(scope, receive, send)
        finally:
            request = f"{scope['method']} {scope['path']}"
            self.calls.append(Call(request, begun_at, clock.wall_now(), process))

    def _owner(self, port: int) -> int | None:
        """Whose `port` is now: it may have been another's before."""
        if _holds(self._owners.get(port), port):
            return self._owners[port]
        for child in psutil.Process().children(recursive=True):
            if _holds(child.pid, port):
                self._owners[port] = child.pid
                return child.pid
        return None


def _holds(pid: int | None, port: int) -> bool:
    """Whether the process lives and one of its connections begins at `port`."""
    with suppress(psutil.NoSuchProcess):
        return pid is not None and any(
            end.laddr.port == port for end in psutil.Process(pid).net_connections("tcp4")
        )
    return False
