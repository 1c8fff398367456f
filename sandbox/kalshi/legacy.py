"""The order writes of the first API version: shut off since June 2026. The reads beside them live on."""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.kalshi.auth import signer
from sandbox.kalshi.errors import coded

ORDERS: Final = "/portfolio/orders"
WRITES: Final = (
    ("POST", ORDERS),
    ("POST", f"{ORDERS}/batched"),
    ("DELETE", f"{ORDERS}/batched"),
    ("DELETE", f"{ORDERS}/{{order_id}}"),
    ("POST", f"{ORDERS}/{{order_id}}/amend"),
    ("POST", f"{ORDERS}/{{order_id}}/decrease"),
)


def legacy_routes() -> list[Route]:
    """Paths below the API's root; each answers 410 to whoever is signed in."""
    return [Route(path, gone, methods=[method]) for method, path in WRITES]


async def gone(request: Request) -> JSONResponse:
    """Refuse for good."""
    signer(request)
    raise coded(
        410,
        "deprecated_v1_order_endpoint",
        "Please switch to the V2 endpoints",
        "https://docs.kalshi.com/api-reference/orders/create-order-v2",
    )
