"""Orders and the exchange's answers to them, changed where a test says so."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from markets.domain.order_request import NewOrder, OrderPlace, OrderTerms
from markets.domain.sides import BookSide

TICKER = "KXHIGHCHI-26SEP15-B84.5"
ORDER_ID = "2597b999-f887-4195-8bac-c3f97a1f2021"
CLIENT_ID = "4a75a66e-ca85-4187-93cd-aac5e01ad982"
TS_MS = 1_789_484_400_123
AT = datetime(2026, 9, 15, 15, 0, 0, 123_000, tzinfo=UTC)
PLACE = OrderPlace(ORDER_ID, TICKER)


def new_order(
    count: str = "10",
    yes_price: str = "0.56",
    *,
    book_side: BookSide = BookSide.BID,
    client_order_id: str = CLIENT_ID,
    terms: OrderTerms | None = None,
) -> NewOrder:
    return NewOrder(
        TICKER, book_side, Decimal(count), Decimal(yes_price), client_order_id, terms or OrderTerms()
    )


def wire_created(**changes: Any) -> dict[str, Any]:
    """The answer to a created order; a change to None removes the key."""
    body = {
        "order_id": ORDER_ID,
        "client_order_id": CLIENT_ID,
        "fill_count": "2.50",
        "remaining_count": "7.50",
        "average_fill_price": "0.5500",
        "average_fee_paid": "0.0175",
        "ts_ms": TS_MS,
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def wire_error(code: str, details: str | None = None) -> dict[str, Any]:
    """The nested shape."""
    inner = {"code": code, "message": code.replace("_", " ")}
    return {"error": inner | ({"details": details} if details else {})}
