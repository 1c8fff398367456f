"""Carries out the faults in force on every request of the two services."""

import asyncio
import gzip
import json
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults import FaultSpec
from sandbox.nws.fault_answers import NGINX_PAGE, fault_answer
from sandbox.nws.fault_kinds import EDGE_LAGS, behind
from sandbox.spoiled_bodies import SPOILERS
from sandbox.stage import Stage

ARRIVED_AT: Final = "sandbox.arrived_at"
"""Scope key: when a request that is carried out late came in, an aware datetime."""

CUT: Final = "sandbox.cut"
"""Scope key of a WebSocket: an asynchronous function that ends its connection without a word."""

WEATHER_ROOT: Final = "/nws"
SPARED_PREFIXES: Final = ("/control", "/healthz")
CUT_UNHEARD: Final = frozenset({"reset", "drop_before"})
CONDITIONAL_HEADERS: Final = (b"if-none-match", b"if-modified-since")
SUCCESS: Final = (200, 201)


class FaultMiddleware:
    """Outermost layer of the sandbox, next to the server; the control panel itself is never faulty."""

    def __init__(self, app: ASGIApp, stage: Stage) -> None:
        self._app = app
        self._stage = stage
        self._late: set[asyncio.Task[None]] = set()

    @property
    def has_late(self) -> bool:
        """Whether requests that were cut off wait to be carried out."""
        return bool(self._late)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"].startswith(SPARED_PREFIXES):
            await self._app(scope, receive, send)
            return
        faults = self._stage.faults.striking(scope.get("method", "GET"), scope["path"])
        for fault in faults:
            if fault.kind == "delay":
                await asyncio.sleep(fault.seconds)
        kinds: set[str] = {fault.kind for fault in faults if fault.kind != "delay"}
        scope, kinds = behind(scope, kinds), kinds - EDGE_LAGS.keys()
        if kinds & CUT_UNHEARD:
            await cut(send, flush=False)
        elif (replacement := self._replacement(faults, scope["path"])) is not None:
            await replacement(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app({**scope, CUT: partial(cut, send, flush=False)}, receive, send)
        elif not kinds:
            await self._app(scope, receive, send)
        elif "late" in kinds:
            await self._carry_out_late(max(fault.seconds for fault in faults), scope, receive, send)
        else:
            await self._spoil(faults, kinds, scope, receive, send)

    def _replacement(self, faults: list[FaultSpec], path: str) -> Response | None:
        """The answer of the first fault that replaces the whole answer."""
        if path.startswith(WEATHER_ROOT):
            answers = (fault_answer(fault.kind, self._stage.now()) for fault in faults)
        else:
            answers = (_exchange_answer(fault) for fault in faults)
        return next((answer for answer in answers if answer is not None), None)

    async def _carry_out_late(self, seconds: float, scope: Scope, receive: Receive, send: Send) -> None:
        """Cut the connection now, carry the request out afterwards: as if it had been queued inside the exchange."""
        body = await Request(scope, receive).body()
        delayed = {**scope, ARRIVED_AT: self._stage.wall()}

        async def carry_out() -> None:
            await asyncio.sleep(seconds)
            await _answer(self._app, delayed, body)

        task = asyncio.create_task(carry_out())
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        await cut(send, flush=False)

    async def _spoil(
        self, faults: list[FaultSpec], kinds: set[str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let the service carry the request out and spoil what it answers."""
        request_body = await Request(scope, receive).body()
        start, body = await _answer(self._app, _unconditional(scope), request_body)
        if "drop_after" in kinds:
            await cut(send, flush=False)
            return
        for fault in faults:
            if fault.kind == "5xx_after":
                await _server_error(fault.status)(scope, receive, send)
                return
        if "json" in Headers(raw=start["headers"]).get("content-type", "") and start["status"] in SUCCESS:
            body = _spoiled(body, kinds)
            if "duplicate_page" in kinds:
                body = _with_earlier_rows(body, await _first_page(self._app, scope))
            if "late_rows" in kinds:
                late_s = max(fault.seconds for fault in faults if fault.kind == "late_rows")
                body = _without_late_rows(
                    body, self._stage.at(self._stage.wall()) - timedelta(seconds=late_s)
                )
        if "truncated_gzip" in kinds:
            start, body = _half_packed(start, body)
        await _send_spoiled(start, body, truncated="truncated" in kinds, send=send)


def _exchange_answer(fault: FaultSpec) -> Response | None:
    """The exchange's answer in place of data; None when the fault does not replace it."""
    match fault.kind:
        case "html":
            return HTMLResponse(NGINX_PAGE, status_code=502)
        case "429":
            return JSONResponse({"error": "too many requests"}, status_code=429)
        case "401":
            return _error(401, "authentication_error", "We could not authenticate your request")
        case "410":
            return _error(410, "deprecated_order_endpoint", "Please switch to the new endpoints")
        case "5xx":
            return _server_error(fault.status)
    return None


def _server_error(status: int) -> Response:
    """500 speaks JSON; every other one is a proxy's page, which may stand before an order that was placed."""
    if status == 500:
        return _error(status, "internal_server_error", "internal server error")
    return HTMLResponse(NGINX_PAGE, status_code=status)


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


async def cut(send: Send, *, flush: bool) -> None:
    """End the connection in mid-answer: after what was sent, or at once with a reset."""
    # ASGI has no word for this; the server's own transport hangs on the callable it handed us.
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("connection cut by fault")
    if flush:
        transport.close()
    else:
        transport.abort()
    await asyncio.sleep(0)  # let the server notice, or it would try to answer with its own 500


def _unconditional(scope: Scope) -> Scope:
    """The request without its cache validators: a 304 would hide the spoiled body."""
    headers = [(name, value) for name, value in scope["headers"] if name not in CONDITIONAL_HEADERS]
    return {**scope, "headers": headers}


async def _answer(app: ASGIApp, scope: Scope, body: bytes) -> tuple[Message, bytes]:
    """Run the application on a request with this body and collect its answer."""
    start: Message = {}
    answer = bytearray()

    async def request() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def collect(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        elif message["type"] == "http.response.body":
            answer.extend(message.get("body", b""))

    await app(scope, request, collect)
    return start, bytes(answer)


async def _first_page(app: ASGIApp, scope: Scope) -> Any:
    """What the same question answers without its cursor."""
    query = [(name, value) for name, value in parse_qsl(scope["query_string"].decode()) if name != "cursor"]
    _, body = await _answer(app, {**scope, "query_string": urlencode(query).encode()}, b"")
    return json.loads(body)


def _with_earlier_rows(body: bytes, first_page: Any) -> bytes:
    """The page with the rows of the first one before its own, as when records move while somebody pages."""
    page = json.loads(body)
    for name, rows in page.items():
        if isinstance(rows, list):
            page[name] = first_page.get(name, []) + rows
    return _encoded(page)


def _without_late_rows(body: bytes, after: datetime) -> bytes:
    """The page without the rows created later than `after`, complete by its own word."""
    page = json.loads(body)
    for name, rows in page.items():
        if isinstance(rows, list):
            page[name] = [row for row in rows if datetime.fromisoformat(row["created_time"]) <= after]
    return _encoded(page)


async def _send_spoiled(start: Message, body: bytes, *, truncated: bool, send: Send) -> None:
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["content-length"] = str(len(body))
    for validator in ("etag", "last-modified"):
        del headers[validator]  # they belong to the sound body: a later 304 would keep the spoiled one alive
    await send({"type": "http.response.start", "status": start["status"], "headers": headers.raw})
    if truncated:
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await cut(send, flush=True)
        return
    await send({"type": "http.response.body", "body": body})


def _half_packed(start: Message, body: bytes) -> tuple[Message, bytes]:
    """The first half of the compressed body, announced as if it were all of it."""
    headers = [*start["headers"], (b"content-encoding", b"gzip")]
    packed = gzip.compress(body, mtime=0)
    return {**start, "headers": headers}, packed[: len(packed) // 2]


def _spoiled(body: bytes, kinds: set[str]) -> bytes:
    decoded = json.loads(body)
    for kind, spoil in SPOILERS.items():
        if kind in kinds:
            spoil(decoded)
    return _encoded(decoded)


def _encoded(decoded: Any) -> bytes:
    return json.dumps(decoded, ensure_ascii=False, separators=(",", ":")).encode()
