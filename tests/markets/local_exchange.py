"""The network edge: an HTTP server on loopback that answers what a test told it to."""

import json
import threading
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

ROOT = "/trade-api/v2"


class Request(NamedTuple):
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    method: str = "GET"
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Reply(NamedTuple):
    status: int = 200
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()


Script = Callable[[Request], Reply]


def json_reply(payload: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(payload).encode())


class _Server(ThreadingHTTPServer):
    request_queue_size = 64  # A reader of ten cities connects more often at once than the usual five.


class LocalExchange:
    """Replies are queued per path (below the API root), or per "METHOD path"; the last one of a queue repeats.

    Unknown paths answer 404.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._scripts: dict[str, deque[Script]] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.base_url = f"http://127.0.0.1:{self._server.server_port}{ROOT}"

    def on(self, path: str, *replies: Reply | Script) -> None:
        queue = self._scripts.setdefault(path, deque())
        queue.extend(_constant(reply) if isinstance(reply, Reply) else reply for reply in replies)

    def replace(self, path: str, *replies: Reply | Script) -> None:
        """Forget what was told of `path`; without replies it becomes unknown."""
        self._scripts.pop(path, None)
        if replies:
            self.on(path, *replies)

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def answer(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            queue = self._scripts.get(f"{request.method} {request.path}") or self._scripts.get(request.path)
            if not queue:
                return Reply(404, b"404 page not found")
            script = queue.popleft() if len(queue) > 1 else queue[0]
        return script(request)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _constant(reply: Reply) -> Script:
    return lambda _: reply


def _handler(exchange: LocalExchange) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path, headers = url.path.removeprefix(ROOT), dict(self.headers.items())
            reply = exchange.answer(Request(path, parse_qs(url.query), headers, self.command, body))
            if reply.status == 0:  # A reply that never comes: the connection just ends.
                self.close_connection = True
                return
            self.send_response_only(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_POST = do_DELETE = do_GET

        def log_message(self, *args: Any, **kwargs: Any) -> None:
            """Quiet."""

    return Handler
