"""The sandbox behind a real server on loopback, in a thread of this process, so that its hand clock stays in reach."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from sandbox.kalshi.stream.heartbeat import HeartbeatProtocol

DEADLINE_S = 20


class HttpClient:
    """Talks to a server as `tests.sandbox.stages.Client` talks to an application."""

    def __init__(self, origin: str) -> None:
        self._client = httpx.Client(base_url=origin, timeout=DEADLINE_S)

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        """One request; `given` is what httpx takes."""
        return self._client.request(method, path, **given)

    def get(self, path: str, **given: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        """POST."""
        return self.request("POST", path, **given)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()


@contextmanager
def served(app: ASGIApp, *, ping_every_s: float = 10.0) -> Iterator[str]:
    """The origin, such as `http://127.0.0.1:40001`, while the application is served there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(
            app, log_level="error", lifespan="off", ws=HeartbeatProtocol, ws_ping_interval=ping_every_s
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(DEADLINE_S)
