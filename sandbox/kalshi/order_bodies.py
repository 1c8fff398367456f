"""The bodies of the order calls (V2), parsed into what the matching engine takes."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sandbox.exchange.types import AmendRequest, OrderRequest
from sandbox.kalshi.errors import ApiError, coded
from sandbox.kalshi.request_body import BodySchema, invalid_parameters
from sandbox.kalshi.wire import JsonObject, instant

ANY_SHARD: Final = -1
OUR_SHARD: Final = 0
PRICE: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,4})?")
COUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")

CREATE: Final = BodySchema(
    "CreateOrderV2Request",
    {
        "ticker": "string",
        "client_order_id": "string",
        "side": "string",
        "count": "string",
        "price": "string",
        "expiration_time": "int64",
        "time_in_force": "string",
        "post_only": "bool",
        "self_trade_prevention_type": "string",
        "cancel_order_on_pause": "bool",
        "reduce_only": "bool",
        "subaccount": "int64",
        "order_group_id": "string",
        "exchange_index": "int64",
    },
    ("ticker", "side", "count", "price", "time_in_force", "self_trade_prevention_type"),
    {
        "side": ("bid", "ask"),
        "time_in_force": ("fill_or_kill", "good_till_canceled", "immediate_or_cancel"),
        "self_trade_prevention_type": ("taker_at_cross", "maker"),
    },
)
AMEND: Final = BodySchema(
    "AmendOrderV2Request",
    {
        "ticker": "string",
        "side": "string",
        "price": "string",
        "count": "string",
        "client_order_id": "string",
        "updated_client_order_id": "string",
        "exchange_index": "int64",
        "expiration_time": "int64",
    },
    ("ticker", "side", "price", "count"),
    {"side": ("bid", "ask")},
)
DECREASE: Final = BodySchema(
    "DecreaseOrderV2Request",
    {"reduce_by": "string", "reduce_to": "string", "exchange_index": "int64", "market_ticker": "string"},
)
CANCEL: Final = BodySchema(
    "CancelOrderV2Request",
    {"order_id": "string", "subaccount": "int64", "exchange_index": "int64", "market_ticker": "string"},
    ("order_id",),
)


@dataclass(frozen=True, slots=True)
class DecreaseRequest:
    """Exactly one of the two is given, in contracts."""

    reduce_by: Decimal | None
    reduce_to: Decimal | None


def order_request(body: JsonObject) -> OrderRequest:
    """A parsed create body. Raises ApiError for what the exchange refuses before its matching engine sees it."""
    check_funded(body)
    if body.get("order_group_id"):
        raise coded(404, "not_found", "not found", "order group not found")
    return OrderRequest(
        ticker=body["ticker"],
        side=body["side"],
        count=_count(body["count"]),
        price=_price(body["price"]),
        time_in_force=body["time_in_force"],
        self_trade_prevention_type=body["self_trade_prevention_type"],
        client_order_id=body.get("client_order_id", ""),
        expires_at=instant(body["expiration_time"]) if "expiration_time" in body else None,
        post_only=body.get("post_only", False),
        reduce_only=body.get("reduce_only", False),
        cancel_order_on_pause=body.get("cancel_order_on_pause", False),
    )


def amend_request(body: JsonObject) -> AmendRequest:
    """A parsed amend body; an expiration of 0 clears it. Raises ApiError."""
    check_reachable(body)
    expiration = body.get("expiration_time")
    return AmendRequest(
        ticker=body["ticker"],
        side=body["side"],
        price=_price(body["price"]),
        count=_count(body["count"]),
        client_order_id=body.get("client_order_id", ""),
        updated_client_order_id=body.get("updated_client_order_id", ""),
        changes_expiry=expiration is not None,
        expires_at=instant(expiration) if expiration else None,
    )


def decrease_request(body: JsonObject) -> DecreaseRequest:
    """A parsed decrease body. Raises ApiError."""
    check_reachable(body)
    given = {name: _count(body[name]) for name in ("reduce_by", "reduce_to") if name in body}
    if len(given) != 1:
        raise invalid_parameters("exactly one of reduce_by and reduce_to must be provided")
    return DecreaseRequest(given.get("reduce_by"), given.get("reduce_to"))


def check_funded(body: JsonObject) -> None:
    """Refuses a new order on a shard or subaccount that has no money: all of it lies on shard 0's primary account."""
    if body.get("exchange_index", OUR_SHARD) not in (ANY_SHARD, OUR_SHARD) or body.get("subaccount", 0) != 0:
        raise coded(404, "user_not_found", "user not found")


def check_reachable(body: JsonObject) -> None:
    """Refuses to look for an order on a shard or subaccount that has none."""
    if body.get("exchange_index", OUR_SHARD) not in (ANY_SHARD, OUR_SHARD) or body.get("subaccount", 0) != 0:
        raise coded(404, "not_found", "not found")


def _price(text: str) -> Decimal:
    if not PRICE.fullmatch(text):
        raise _refused("invalid_price")
    return Decimal(text)


def _count(text: str) -> Decimal:
    if not COUNT.fullmatch(text):
        raise _refused("invalid_order_size")
    return Decimal(text)


def _refused(code: str) -> ApiError:
    return coded(400, code, code.replace("_", " "))
