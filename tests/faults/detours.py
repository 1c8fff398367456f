"""The same trader on another way to the exchange: by its name, or through a relay that can fall silent."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from markets.clients.kalshi.transport import SLOW_S
from tests.faults.bench import MODE, Bench, connected, no_pause
from tests.faults.watched import WatchedVenue


def on_another_way(
    bench: Bench, base_url: str, pause: Callable[[float], None] = no_pause, slow_s: float = SLOW_S
) -> Bench:
    """The trader's weather does not come that way: it was stored by another process."""
    ours = connected(base_url, bench.account, bench.clock, pause, slow_s)
    watched = WatchedVenue(ours.exchange.venue, MODE)
    return replace(
        bench,
        sources=replace(ours.sources, weather=bench.sources.weather),
        kalshi=ours.kalshi,
        transport=ours.transport,
        exchange=replace(ours.exchange, venue=watched),
        watched=watched,
    )


@dataclass(eq=False)
class _Relayed:
    """One connection: ours, and the one to the exchange that stands for it."""

    ours: socket.socket
    theirs: socket.socket
    is_silent: bool = False


class Relay:
    """Between trader and exchange. What it says nothing on any more stays open: neither end is told."""

    def __init__(self, listener: socket.socket, exchange: tuple[str, int]) -> None:
        self.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.swallows_answer_to: bytes | None = None
        """A request that begins like this is passed on, and its connection falls silent."""
        self.fell_silent = 0
        self._listener = listener
        self._exchange = exchange
        self._relayed: list[_Relayed] = []

    def fall_silent(self) -> None:
        """On every connection there is; new ones are served."""
        for relayed in self._relayed:
            self._silence(relayed)

    def serve(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                ours, _ = self._listener.accept()
                relayed = _Relayed(ours, socket.create_connection(self._exchange))
                self._relayed.append(relayed)
                for pump in (self._ask, self._answer):
                    threading.Thread(target=pump, args=(relayed,), daemon=True).start()

    def close(self) -> None:
        # Shut down first: a thread that waits in accept or recv does not notice a close.
        for one in (self._listener, *(end for both in self._relayed for end in (both.ours, both.theirs))):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _ask(self, relayed: _Relayed) -> None:
        with suppress(OSError):
            while said := relayed.ours.recv(65536):
                if relayed.is_silent:
                    return
                if self.swallows_answer_to is not None and said.startswith(self.swallows_answer_to):
                    self._silence(relayed)
                relayed.theirs.sendall(said)
            relayed.theirs.shutdown(socket.SHUT_RDWR)

    def _answer(self, relayed: _Relayed) -> None:
        with suppress(OSError):
            while said := relayed.theirs.recv(65536):
                if not relayed.is_silent:
                    relayed.ours.sendall(said)
            if not relayed.is_silent:
                relayed.ours.shutdown(socket.SHUT_RDWR)

    def _silence(self, relayed: _Relayed) -> None:
        self.fell_silent += not relayed.is_silent
        relayed.is_silent = True


@contextmanager
def relay_to(base_url: str) -> Iterator[Relay]:
    """A relay before the exchange until the block ends."""
    parts = urlsplit(base_url)
    assert parts.hostname is not None
    assert parts.port is not None
    relay = Relay(socket.create_server(("127.0.0.1", 0)), (parts.hostname, parts.port))
    thread = threading.Thread(target=relay.serve)
    thread.start()
    try:
        yield relay
    finally:
        relay.close()
        thread.join(10)
