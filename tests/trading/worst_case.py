"""What contracts may cost beyond those that close a holding, as the exchange counts it."""

from decimal import Decimal
from typing import Final

from sandbox.exchange.ledger import closable, cost_each
from sandbox.exchange.types import BookSide

ROUNDING: Final = Decimal("0.001")
"""The exchange keeps a position's cost to fewer digits than we do."""


def opened(held: dict[str, Decimal], ticker: str, side: str, price: Decimal, count: Decimal) -> Decimal:
    """Dollars for `count` contracts on `side` at the YES `price`; of those `held`, net by market, they close their part."""
    book_side: BookSide = "bid" if side == "bid" else "ask"
    before = held.get(ticker, Decimal(0))
    closing = min(count, closable(book_side, before))
    held[ticker] = before + closing if book_side == "bid" else before - closing
    return (count - closing) * cost_each(book_side, price)


def goes_beyond(side: str, position: Decimal) -> bool:
    """Whether a sale on `side` that left `position` has bought the other side."""
    return position > 0 if side == "bid" else position < 0
