"""The order calls (V2): create, cancel, cancel everything, amend, decrease, and batches. All need a key that may trade."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.accounts import Account
from sandbox.exchange.types import Canceled, Refusal
from sandbox.kalshi.account_records import amended_json, canceled_json, decreased_json, placed_json
from sandbox.kalshi.auth import trader
from sandbox.kalshi.commands import Amend, Cancel, CancelAll, Create, Decrease
from sandbox.kalshi.costs import Budgets, cost_of
from sandbox.kalshi.errors import ApiError, coded, refusal, too_many_requests
from sandbox.kalshi.order_bodies import (
    AMEND,
    CANCEL,
    CREATE,
    DECREASE,
    amend_request,
    check_reachable,
    decrease_request,
    order_request,
)
from sandbox.kalshi.query import Query
from sandbox.kalshi.request_body import decoded_body, list_of
from sandbox.kalshi.venue import Venue
from sandbox.kalshi.wire import JsonObject, count_fp

ORDERS = "/portfolio/events/orders"

Handler = Callable[[Request], Awaitable[Response]]


class Orders:
    """The handlers. An order is in the engine and on disk before its answer is written."""

    def __init__(self, venue: Venue, budgets: Budgets) -> None:
        self._venue = venue
        self._budgets = budgets

    def routes(self) -> list[Route]:
        """Paths below the API's root."""
        table: list[tuple[str, str, Handler]] = [
            ("POST", ORDERS, self.create),
            ("DELETE", ORDERS, self.cancel_all),
            ("POST", f"{ORDERS}/batched", self.create_batch),
            ("DELETE", f"{ORDERS}/batched", self.cancel_batch),
            ("DELETE", f"{ORDERS}/{{order_id}}", self.cancel),
            ("POST", f"{ORDERS}/{{order_id}}/amend", self.amend),
            ("POST", f"{ORDERS}/{{order_id}}/decrease", self.decrease),
        ]
        return [Route(path, handler, methods=[method]) for method, path, handler in table]

    async def create(self, request: Request) -> Response:
        """One new order."""
        account = trader(request)
        return JSONResponse(
            self._created(account, CREATE.parse(await decoded_body(request))), status_code=201
        )

    async def cancel(self, request: Request) -> Response:
        """One order that rests; 404 for every other, whatever became of it."""
        account = trader(request)
        check_query(request, "CancelOrderV2")
        return JSONResponse(canceled_json(self._canceled(account, request.path_params["order_id"])))

    async def cancel_all(self, request: Request) -> Response:
        """Everything that rests."""
        account = trader(request)
        if not Query("CancelAllOrders", request.query_params).whole("subaccount"):
            self._venue.do(CancelAll(account.member))
        return Response(status_code=204)

    async def amend(self, request: Request) -> Response:
        """Another price, size or expiration."""
        account, order_id = trader(request), order_id_of(request)
        check_query(request, "AmendOrderV2")
        wanted = amend_request(AMEND.parse(await decoded_body(request)))
        amended = self._venue.do(Amend(account.member, order_id, wanted))
        return JSONResponse(amended_json(amended))

    async def decrease(self, request: Request) -> Response:
        """Fewer contracts at the same place in the queue."""
        account, order_id = trader(request), order_id_of(request)
        check_query(request, "DecreaseOrderV2")
        wanted = decrease_request(DECREASE.parse(await decoded_body(request)))
        decreased = self._venue.do(Decrease(account.member, order_id, wanted.reduce_by, wanted.reduce_to))
        return JSONResponse(decreased_json(decreased))

    async def create_batch(self, request: Request) -> Response:
        """Several new orders, each with its own answer or error."""
        account = trader(request)
        bodies = list_of(CREATE, await decoded_body(request))
        self._pay(account, request, len(bodies))
        return JSONResponse(
            {"orders": [self._created_or_error(account, body) for body in bodies]}, status_code=201
        )

    async def cancel_batch(self, request: Request) -> Response:
        """Several orders, each with its own answer or error."""
        account = trader(request)
        bodies = list_of(CANCEL, await decoded_body(request))
        self._pay(account, request, len(bodies))
        return JSONResponse({"orders": [self._canceled_or_error(account, body) for body in bodies]})

    def _created(self, account: Account, body: JsonObject) -> JsonObject:
        wanted = order_request(body)
        return placed_json(self._venue.do(Create(account.member, wanted)))

    def _canceled(self, account: Account, order_id: str) -> Canceled:
        identity = valid_id(order_id)
        return self._venue.do(Cancel(account.member, identity))

    def _created_or_error(self, account: Account, body: JsonObject) -> JsonObject:
        try:
            return self._created(account, body)
        except (ApiError, Refusal) as error:
            named = {"client_order_id": body["client_order_id"]} if body.get("client_order_id") else {}
            return named | {"error": _item_error(error)}

    def _canceled_or_error(self, account: Account, body: JsonObject) -> JsonObject:
        try:
            check_reachable(body)
            return canceled_json(self._canceled(account, body["order_id"]))
        except (ApiError, Refusal) as error:
            failed = {"order_id": body["order_id"], "reduced_by": count_fp(None)}
            return failed | {"error": _item_error(error)}

    def _pay(self, account: Account, request: Request, items: int) -> None:
        """A batch costs what its items cost, and is refused as a whole when the bucket cannot pay for all."""
        cost = items * cost_of(request.method, request.url.path)
        if not self._budgets.pays(account.member, "write", cost, self._venue.stage.wall()):
            raise too_many_requests()


def check_query(request: Request, operation: str) -> None:
    """Refuses to look for an order on a shard or subaccount that the query names and that has none. Raises ApiError."""
    query = Query(operation, request.query_params)
    named = {name: query.whole(name) for name in ("exchange_index", "subaccount")}
    check_reachable({name: value for name, value in named.items() if value is not None})


def order_id_of(request: Request) -> str:
    """The order the path names. Raises ApiError 400 when that is no UUID."""
    return valid_id(request.path_params["order_id"])


def valid_id(text: str) -> str:
    """An order's id. Raises ApiError 400 when it is no UUID."""
    try:
        return str(UUID(text))
    except ValueError:
        raise coded(400, "invalid_UUID", "invalid UUID") from None


def _item_error(error: ApiError | Refusal) -> JsonObject:
    body = (refusal(error) if isinstance(error, Refusal) else error).body
    fields: JsonObject = body["error"]
    return fields
