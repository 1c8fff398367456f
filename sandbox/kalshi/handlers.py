"""How handlers run."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse


def asynchronous(handler: Callable[[Request], JSONResponse]) -> Callable[[Request], Awaitable[JSONResponse]]:
    """On the event loop instead of a thread: handlers only compute, and the stage need not be locked."""

    async def answer(request: Request) -> JSONResponse:
        return handler(request)

    return answer
