"""Carries out the faults in force on every request of the two services."""

import asyncio
import json
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults import FaultSpec
from sandbox.nws.problems import problem_response
from sandbox.spoiled_bodies import SPOILERS
from sandbox.stage import Stage

SPARED_PREFIXES: Final = ("/control", "/healthz")
CONDITIONAL_HEADERS: Final = (b"if-none-match", b"if-modified-since")
NGINX_PAGE: Final = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


class FaultMiddleware:
    """Outermost layer of the sandbox, next to the server; the control panel itself is never faulty."""

    def __init__(self, app: ASGIApp, stage: Stage) -> None:
        self._app = app
        self._stage = stage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(SPARED_PREFIXES):
            await self._app(scope, receive, send)
            return
        faults = self._stage.faults.striking(scope["method"], scope["path"])
        for fault in faults:
            if fault.kind == "delay":
                await asyncio.sleep(fault.seconds)
        kinds = {fault.kind for fault in faults}
        if "reset" in kinds:
            await _cut(send, flush=False)
        elif (replacement := _replacement(faults, scope["path"])) is not None:
            await replacement(scope, receive, send)
        elif kinds - {"delay"}:
            answer = await _answer(self._app, _unconditional(scope), receive)
            await _send_spoiled(answer, kinds, send)
        else:
            await self._app(scope, receive, send)


def _replacement(faults: list[FaultSpec], path: str) -> Response | None:
    """The answer of the first fault that replaces the whole answer."""
    is_weather = path.startswith("/nws")
    for fault in faults:
        if fault.kind == "html":
            return HTMLResponse(NGINX_PAGE, status_code=502)
        if fault.kind == "503_grid_expired":
            detail = "Forecast grid is expired. Please try again later."
            return problem_response(503, "ForecastGridExpired", "Forecast Grid Expired", detail)
        if fault.kind == "429":
            if is_weather:
                return problem_response(
                    429, "RateLimited", "Rate Limit Exceeded", "Retry after a few seconds."
                )
            return JSONResponse({"error": "too many requests"}, status_code=429)
        if fault.kind == "5xx":
            if is_weather:
                return problem_response(
                    500, "UnexpectedProblem", "Unexpected Problem", "An unexpected problem has occurred."
                )
            body = {"error": {"code": "internal_server_error", "message": "internal server error"}}
            return JSONResponse(body, status_code=500)
    return None


async def _cut(send: Send, *, flush: bool) -> None:
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


async def _answer(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """Run the application and collect its answer."""
    start: Message = {}
    body = bytearray()

    async def collect(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    await app(scope, receive, collect)
    return start, bytes(body)


async def _send_spoiled(answer: tuple[Message, bytes], kinds: set[Any], send: Send) -> None:
    start, body = answer
    if "json" in Headers(raw=start["headers"]).get("content-type", "") and start["status"] == 200:
        body = _spoiled(body, kinds)
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["content-length"] = str(len(body))
    for validator in ("etag", "last-modified"):
        del headers[validator]  # they belong to the sound body: a later 304 would keep the spoiled one alive
    await send({"type": "http.response.start", "status": start["status"], "headers": headers.raw})
    if "truncated" in kinds:
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await _cut(send, flush=True)
        return
    await send({"type": "http.response.body", "body": body})


def _spoiled(body: bytes, kinds: set[Any]) -> bytes:
    decoded = json.loads(body)
    for kind, spoil in SPOILERS.items():
        if kind in kinds:
            spoil(decoded)
    return json.dumps(decoded, ensure_ascii=False, separators=(",", ":")).encode()
