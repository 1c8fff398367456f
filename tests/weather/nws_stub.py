"""A tiny api.weather.gov on loopback: scripted answers by path, and a record of what was asked."""

import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JSON_TYPE = "application/geo+json"


@dataclass(frozen=True)
class Answer:
    """One scripted answer. `body` is JSON unless it is bytes; `delay_s` holds the answer back."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0
    hang_up: bool = False

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class NwsStub:
    """Answers of a path are given in turn, the last one for ever; an unknown path is a 404 problem."""

    url: str = ""
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    _scripts: defaultdict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def on(self, path: str, *answers: Answer) -> None:
        self._scripts[path] = deque(answers)

    def asked(self, prefix: str = "/") -> list[str]:
        return [path for path, _ in self.requests if path.startswith(prefix)]

    def headers_of(self, index: int) -> dict[str, str]:
        return self.requests[index][1]

    def answer(self, path: str, headers: dict[str, str]) -> Answer:
        with self._lock:
            self.requests.append((path, headers))
            script = self._scripts.get(path.partition("?")[0])
            if not script:
                return Answer(404, {"type": "https://api.weather.gov/problems/NotFound", "status": 404})
            return script[0] if len(script) == 1 else script.popleft()


@contextmanager
def serving() -> Iterator[NwsStub]:
    stub = NwsStub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = stub.answer(self.path, {name.lower(): value for name, value in self.headers.items()})
            if answer.delay_s:
                time.sleep(answer.delay_s)
            if answer.hang_up:
                self.close_connection = True
                return
            content = b"" if answer.status == 304 else answer.content()
            self.send_response(answer.status)
            for name, value in ({"Content-Type": JSON_TYPE} | answer.headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            with suppress(ConnectionError):  # a client that timed out has left
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Silence: a test that fails prints what it needs."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
