"""The exchange as one ASGI application, mounted at `/trade-api/v2`."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.exchange.types import Refusal
from sandbox.kalshi.auth import SIGNER, Gatekeeper
from sandbox.kalshi.costs import Budget, Budgets, cost_of
from sandbox.kalshi.customer import Customer
from sandbox.kalshi.errors import (
    ApiError,
    api_error_response,
    http_error_response,
    refusal_response,
    too_many_requests,
)
from sandbox.kalshi.exchange import ExchangeStatus
from sandbox.kalshi.further import Further
from sandbox.kalshi.historical import Historical
from sandbox.kalshi.legacy import legacy_routes
from sandbox.kalshi.market_data import MarketData
from sandbox.kalshi.orders import Orders
from sandbox.kalshi.portfolio import Portfolio
from sandbox.kalshi.venue import Venue

ROOT = "/trade-api/v2"


def exchange_app(venue: Venue, gatekeeper: Gatekeeper, budgets: Budgets) -> Starlette:
    """Market data, orders and accounts of the exchange behind `venue`."""
    routes = [
        *ExchangeStatus(venue).routes(),
        *Further(venue).routes(),
        *MarketData(venue).routes(),
        *Historical(venue).routes(),
        *Portfolio(venue).routes(),
        *Customer(venue, gatekeeper, budgets).routes(),
        *Orders(venue, budgets).routes(),
        *legacy_routes(),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(_Door, venue=venue, gatekeeper=gatekeeper, budgets=budgets)],
        exception_handlers={
            ApiError: api_error_response,
            Refusal: refusal_response,
            HTTPException: http_error_response,
        },
    )
    app.router.redirect_slashes = False  # the exchange knows no path with one more slash
    return app


class _Door:
    """Refuses a wrong signature on every route, also on public ones that need none, and who asks too much."""

    def __init__(self, app: ASGIApp, venue: Venue, gatekeeper: Gatekeeper, budgets: Budgets) -> None:
        self._app = app
        self._venue = venue
        self._gatekeeper = gatekeeper
        self._budgets = budgets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            try:
                self._enter(request)
            except ApiError as error:
                response = await api_error_response(request, error)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _enter(self, request: Request) -> None:
        wall = self._venue.stage.wall()
        account = self._gatekeeper.identify(request, wall)
        request.scope[SIGNER] = account
        # A batch is billed by its items, which only its handler counts.
        if account is None or request.url.path.endswith("/batched"):
            return
        budget: Budget = "read" if request.method == "GET" else "write"
        if not self._budgets.pays(account.member, budget, cost_of(request.method, request.url.path), wall):
            raise too_many_requests()
