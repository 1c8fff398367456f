"""What a SHADOW order would have filled, on displayed interest only (design 6.7).

A fill needs opposite size on display at or better than the limit; the book is walked level by level at the levels'
own prices; what is not there does not fill. Nothing is assumed about queues, so a shadow order never rests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markets.domain.types import OrderBook, PriceLevel
from milkbot.core.money import ZERO
from trading.domain.types import BookSide


@dataclass(frozen=True, slots=True)
class Execution:
    """Contracts taken at one price of the YES book."""

    yes_price: Decimal
    count: Decimal


def walk(book: OrderBook, side: BookSide, count: Decimal, limit_price: Decimal) -> tuple[Execution, ...]:
    """The executions of an immediate order, best price first. Their counts never exceed `count` or the display."""
    executions: list[Execution] = []
    wanted = count
    for level in _opposite(book, side):
        if wanted <= ZERO or not _reaches(level.price, side, limit_price):
            break
        taken = min(level.count, wanted)
        executions.append(Execution(level.price, taken))
        wanted -= taken
    return tuple(executions)


def _opposite(book: OrderBook, side: BookSide) -> Sequence[PriceLevel]:
    return book.asks if side is BookSide.BID else book.bids


def _reaches(price: Decimal, side: BookSide, limit_price: Decimal) -> bool:
    return price <= limit_price if side is BookSide.BID else price >= limit_price
