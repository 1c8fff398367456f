"""The book as everybody sees it: the world's contracts that members have not taken, and members' orders."""

from decimal import Decimal

from sandbox.exchange.book import NOTHING, Market, Side, levels_of
from sandbox.feeds import Book, Level


def shown_book(world: Book, market: Market | None) -> Book:
    """`world` less what was taken of it and not renewed since, with the members' orders added."""
    if market is None:
        return world
    bids = _side(market.bids, {level.price: level.count for level in world.yes_bids})
    asks = _side(market.asks, {1 - level.price: level.count for level in world.no_bids})
    no_bids = tuple(Level(1 - level.price, level.count) for level in reversed(levels_of(asks)))
    return Book(yes_bids=levels_of(bids), no_bids=no_bids)


def _side(side: Side, world: dict[Decimal, Decimal]) -> dict[Decimal, Decimal]:
    counts = {price: _left(side, price, shown) for price, shown in world.items()}
    for price, places in side.queue.items():
        own = sum((place.count for place in places.values()), NOTHING)
        counts[price] = counts.get(price, NOTHING) + own
    return counts


def _left(side: Side, price: Decimal, shown: Decimal) -> Decimal:
    """A level that is as it was when last seen is less what members took; any other is renewed."""
    level = side.world.get(price)
    return level.left if level and level.shown == shown else shown
