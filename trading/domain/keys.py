"""Names that make a retry the same order: the intent's key, and the client order id derived from it."""

from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from milkbot.core.config import TradingMode
    from trading.domain.types import BookSide

_NAMESPACE = UUID("0d7a52f4-5f0e-4f0c-9d5f-6b1c3f8a7e21")


def intent_key(
    *,
    mode: "TradingMode",
    city_code: str,
    market_ticker: str,
    book_side: "BookSide",
    strategy: str,
    event_date: date,
    generation: int = 0,
) -> str:
    """`mode:city:market:book_side:strategy:event_date[:generation]` (design 6.1). Parts may not contain a colon."""
    parts = [mode.value, city_code, market_ticker, book_side.value, strategy, event_date.isoformat()]
    if generation:
        parts.append(str(generation))
    key = ":".join(parts)
    if key.count(":") >= len(parts) or not all(parts):
        raise ValueError(f"an intent key's parts must be filled and free of colons, were {parts}")
    return key


def wish_of(key: str, generation: int) -> str:
    """The key without its generation: what stays the same when an intent is superseded."""
    return key.removesuffix(f":{generation}") if generation else key


def client_order_id(key: str) -> UUID:
    """The same key always gives the same id, so the exchange refuses a second order for one intent (409)."""
    return uuid5(_NAMESPACE, key)
