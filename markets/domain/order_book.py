"""The exchange lists bids only, YES and NO. A NO bid at q is an ask at 1 - q on the one YES book we think in."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

from pydantic import ValidationError

from markets.domain.types import OrderBook, PriceLevel
from milkbot.core.errors import BadMarketData
from milkbot.core.money import ONE, ZERO

RawLevel = tuple[Decimal, Decimal]
"""(price in dollars, count in contracts) as listed."""
Takes = Literal["bid", "ask"]
"""The side of our order on the YES book; a trading BookSide fits."""


def build_book(ticker: str, yes_bids: Iterable[RawLevel], no_bids: Iterable[RawLevel]) -> OrderBook:
    """The YES book from both lists of bids, in any order; empty levels are dropped.

    Raises BadMarketData: BOOK_UNREADABLE for a price outside (0, 1) or listed twice, BOOK_CROSSED when the best bid
    is not below the best ask.
    """
    bids = sorted(_levels(ticker, yes_bids), key=lambda level: level.price, reverse=True)
    asks = sorted(
        _levels(ticker, ((ONE - price, count) for price, count in no_bids)), key=lambda level: level.price
    )
    if bids and asks and bids[0].price >= asks[0].price:
        raise BadMarketData("BOOK_CROSSED", f"{ticker}: bid {bids[0].price} is not below ask {asks[0].price}")
    return OrderBook(ticker=ticker, bids=tuple(bids), asks=tuple(asks))


def take(book: OrderBook, side: Takes, count: Decimal, limit: Decimal) -> tuple[RawLevel, ...]:
    """What an order would meet now: (price, count) per level, best first, never worse than `limit`.

    A bid takes asks priced at or below `limit`, an ask takes bids at or above it. The counts add up to `count` or, if
    the displayed interest ends first, to less. Nothing is assumed beyond what is displayed.
    """
    levels = book.asks if side == "bid" else book.bids
    wanted, taken = count, []
    for level in levels:
        beyond = level.price > limit if side == "bid" else level.price < limit
        if wanted <= ZERO or beyond:
            break
        part = min(level.count, wanted)
        taken.append((level.price, part))
        wanted -= part
    return tuple(taken)


def _levels(ticker: str, raw: Iterable[RawLevel]) -> list[PriceLevel]:
    levels: dict[Decimal, PriceLevel] = {}
    for price, count in raw:
        if count <= ZERO:
            continue
        if price in levels:
            raise BadMarketData("BOOK_UNREADABLE", f"{ticker}: price {price} is listed twice")
        try:
            levels[price] = PriceLevel(price=price, count=count)
        except ValidationError:
            raise BadMarketData("BOOK_UNREADABLE", f"{ticker}: {count} at {price} is no level") from None
    return list(levels.values())
