"""The exchange as one ASGI application, mounted at `/trade-api/v2`."""

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.accounts import Account
from sandbox.kalshi.auth import Gatekeeper
from sandbox.kalshi.errors import ApiError, api_error_response, http_error_response
from sandbox.kalshi.exchange import Exchange
from sandbox.kalshi.historical import Historical
from sandbox.kalshi.market_data import MarketData
from sandbox.kalshi.portfolio import Portfolio
from sandbox.stage import Stage

ROOT = "/trade-api/v2"


def exchange_app(stage: Stage, accounts: Iterable[Account]) -> Starlette:
    """Market data over the stage's world, and the accounts' readable parts."""
    gatekeeper = Gatekeeper(accounts)
    routes = [
        *Exchange(stage).routes(),
        *MarketData(stage).routes(),
        *Historical(stage).routes(),
        *Portfolio(stage, gatekeeper).routes(),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(_SignatureCheck, stage=stage, gatekeeper=gatekeeper)],
        exception_handlers={ApiError: api_error_response, HTTPException: http_error_response},
    )


class _SignatureCheck:
    """Refuses a wrong signature on every route, also on public ones that need none."""

    def __init__(self, app: ASGIApp, stage: Stage, gatekeeper: Gatekeeper) -> None:
        self._app = app
        self._stage = stage
        self._gatekeeper = gatekeeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            try:
                self._gatekeeper.identify(request, self._stage.wall())
            except ApiError as error:
                response = await api_error_response(request, error)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)
