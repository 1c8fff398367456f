"""Between a client and an ASGI application: every call as it went over the wire."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ROOT: Final = "/trade-api/v2"


class Call(NamedTuple):
    """One request and its answer. `path` is below the API's root; bodies are decoded JSON, None where there is none."""

    method: str
    path: str
    query: Mapping[str, str | list[str]]
    headers: Mapping[str, str]
    body: Any
    status: int
    answer: Any

    @property
    def name(self) -> str:
        return f"{self.method} {self.path} -> {self.status}"

    def is_of(self, method: str, template: str) -> bool:
        """Whether it is a call of a path such as /markets/{ticker}."""
        pattern = re.sub(r"\\{\w+\\}", r"[^/]+", re.escape(template))
        return self.method == method and re.fullmatch(pattern, self.path) is not None


class Recorder:
    """Passes everything on and keeps the calls of the exchange."""

    def __init__(self, app: ASGIApp) -> None:
        self.calls: list[Call] = []
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(ROOT):
            await self._app(scope, receive, send)
            return
        asked, answered = bytearray(), bytearray()
        status = 0

        async def hear() -> Message:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def say(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            answered.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, hear, say)
        self.calls.append(
            Call(
                scope["method"],
                scope["path"].removeprefix(ROOT),
                _query(scope["query_string"].decode()),
                {name.decode().lower(): value.decode() for name, value in scope["headers"]},
                json.loads(asked) if asked else None,
                status,
                json.loads(answered) if answered else None,
            )
        )


def _query(text: str) -> dict[str, str | list[str]]:
    """Parameters by name; one that is repeated is a list."""
    found: dict[str, str | list[str]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        before = found.get(name)
        found[name] = value if before is None else [*([before] if isinstance(before, str) else before), value]
    return found
