"""What an order must be in itself, before the book is looked at. Codes as recorded from the exchange."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Final

from sandbox.exchange.types import AmendRequest, Order, OrderRequest, Refusal

PRICE_STEP: Final = Decimal("0.01")
COUNT_STEP: Final = Decimal("0.01")
LARGEST_COUNT: Final = Decimal(1_000_000_000)
CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_+=/:-]{0,64}")


def check_request(request: OrderRequest) -> None:
    """Raises Refusal 400 for an order that no market would take at any time."""
    check_count(request.count)
    check_price(request.price)
    check_client_id(request.client_order_id)
    immediate = request.time_in_force != "good_till_canceled"
    if immediate and request.expires_at is not None:
        raise Refusal(
            400, "invalid_parameters", "invalid parameters", "expiration_time needs good_till_canceled"
        )
    if request.reduce_only and request.time_in_force != "immediate_or_cancel":
        raise invalid_order("reduce only needs immediate_or_cancel")
    if request.post_only and immediate:
        raise invalid_order("post only needs good_till_canceled")


def check_amend(order: Order, request: AmendRequest, at: datetime) -> None:
    """Raises Refusal 400 when the request names another order or asks for what no order may be."""
    if request.ticker != order.ticker:
        raise Refusal(400, "order_ticker_mismatch", "order ticker mismatch")
    if request.side != order.side:
        raise Refusal(400, "order_side_mismatch", "order side mismatch")
    if request.client_order_id not in ("", order.client_order_id):
        raise Refusal(400, "order_id_and_client_order_id_mismatch", "order id and client order id mismatch")
    check_client_id(request.updated_client_order_id)
    check_count(request.count)
    check_price(request.price)
    if request.count <= order.fill_count:
        raise invalid_size("count must exceed what is filled")
    if request.changes_expiry:
        check_expiry(request.expires_at, at)


def check_count(count: Decimal) -> None:
    """Raises Refusal 400 unless it is a positive multiple of 0.01."""
    if not (count.is_finite() and COUNT_STEP <= count <= LARGEST_COUNT) or count % COUNT_STEP:
        raise invalid_size(None)


def check_price(price: Decimal) -> None:
    """Raises Refusal 400 unless it is on the cent grid between 0 and 1, both excluded."""
    if not (price.is_finite() and 0 < price < 1) or price % PRICE_STEP:
        raise Refusal(400, "invalid_price", "invalid price")


def check_client_id(client_order_id: str) -> None:
    """Raises Refusal 400 for what the order gateway does not take as an id."""
    if not CLIENT_ID.fullmatch(client_order_id):
        raise Refusal(400, "invalid_parameters", "invalid parameters", "client_order_id")


def check_expiry(expires_at: datetime | None, at: datetime) -> None:
    """Raises Refusal 400 for an expiration that is not in the future."""
    if expires_at is not None and expires_at <= at:
        raise Refusal(
            400, "invalid_parameters", "invalid parameters", "expiration_time must be in the future"
        )


def invalid_order(details: str) -> Refusal:
    """The order contradicts itself or the book."""
    return Refusal(400, "invalid_order", "invalid order", details)


def invalid_size(details: str | None) -> Refusal:
    """The count is none that can be had."""
    return Refusal(400, "invalid_order_size", "invalid order size", details)


def not_found() -> Refusal:
    """No such order, or none that still rests: the exchange answers all of these alike."""
    return Refusal(404, "not_found", "not found")
