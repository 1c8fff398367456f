"""What a signed customer may read about keys and limits, and how fresh an account's reads are."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.kalshi.account_records import api_key_json
from sandbox.kalshi.auth import Gatekeeper, signer
from sandbox.kalshi.costs import Budgets, endpoint_costs_json
from sandbox.kalshi.handlers import asynchronous
from sandbox.kalshi.venue import Venue
from sandbox.kalshi.wire import timestamp


class Customer:
    """The handlers."""

    def __init__(self, venue: Venue, gatekeeper: Gatekeeper, budgets: Budgets) -> None:
        self._venue = venue
        self._budgets = budgets
        self._gatekeeper = gatekeeper

    def routes(self) -> list[Route]:
        """Paths below the API's root."""
        table = {
            "/api_keys": self.api_keys,
            "/account/limits": self.limits,
            "/account/endpoint_costs": self.endpoint_costs,
            "/exchange/user_data_timestamp": self.user_data_timestamp,
        }
        return [Route(path, asynchronous(handler), methods=["GET"]) for path, handler in table.items()]

    def api_keys(self, request: Request) -> JSONResponse:
        """Every key of the signer's account."""
        keys = self._gatekeeper.keys_of(signer(request).member)
        return JSONResponse({"api_keys": [api_key_json(key) for key in keys]})

    def limits(self, request: Request) -> JSONResponse:
        """The tier's token buckets."""
        signer(request)
        return JSONResponse(self._budgets.as_json())

    def endpoint_costs(self, _request: Request) -> JSONResponse:
        """What does not cost the default."""
        return JSONResponse(endpoint_costs_json())

    def user_data_timestamp(self, _request: Request) -> JSONResponse:
        """How far account data have caught up."""
        return JSONResponse({"as_of_time": timestamp(self._venue.as_of())})
