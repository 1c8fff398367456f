"""One market's book: what the world shows, and members' orders in the queue beside it.

Per price the world's contracts are one block. A member's order stands behind what the world showed when it came
(`ahead`), never behind what came later. What members took of the world's block stays taken until the world renews it,
that is until it shows another size there than its own trades leave.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from sandbox.exchange.types import BookSide, Outcome
from sandbox.feeds import Book, Level, Trade

NOTHING: Final = Decimal(0)


@dataclass(slots=True)
class WorldLevel:
    """The world's contracts at one price: `shown` by it, `taken` by members since it renewed them."""

    shown: Decimal
    taken: Decimal = NOTHING

    @property
    def left(self) -> Decimal:
        """What can still be had."""
        return max(self.shown - self.taken, NOTHING)


@dataclass(slots=True)
class Resting:
    """A member's place in the queue: contracts still wanted, and the world's contracts before it."""

    order_id: str
    account: str
    count: Decimal
    ahead: Decimal


@dataclass(slots=True)
class Side:
    """Bids or asks by YES price; places at one price in the order they came."""

    queue: dict[Decimal, dict[str, Resting]] = field(default_factory=dict)
    world: dict[Decimal, WorldLevel] = field(default_factory=dict)

    def world_left(self, price: Decimal) -> Decimal:
        """The world's contracts at `price` that members have not taken."""
        level = self.world.get(price)
        return level.left if level else NOTHING

    def enter(self, price: Decimal, place: Resting) -> None:
        """Put a member's order at the end of the queue of its price."""
        self.queue.setdefault(price, {})[place.order_id] = place

    def leave(self, price: Decimal, order_id: str) -> Resting:
        """Take a member's order out of the queue."""
        places = self.queue[price]
        place = places.pop(order_id)
        if not places:
            del self.queue[price]
        return place

    def take_from_world(self, price: Decimal, count: Decimal) -> None:
        """Members took `count` of the world's contracts: whoever stood behind them moves up."""
        if count:
            self.world[price].taken += count
            self.move_up(price, count)

    def move_up(self, price: Decimal, count: Decimal) -> None:
        """The world lost `count` contracts at the head of the queue."""
        for place in self.queue.get(price, {}).values():
            place.ahead = max(place.ahead - count, NOTHING)

    def show(self, levels: dict[Decimal, Decimal]) -> None:
        """The world now shows `levels`. A size that its own trades do not explain is a renewed one."""
        former, self.world = self.world, {}
        for price, count in levels.items():
            held = former.get(price)
            self.world[price] = held if held and held.shown == count else WorldLevel(count)
        for price, places in self.queue.items():
            left = self.world_left(price)
            for place in places.values():
                place.ahead = min(place.ahead, left)

    @property
    def is_quiet(self) -> bool:
        """No member waits here and nothing taken is remembered."""
        return not self.queue and not any(level.taken for level in self.world.values())


@dataclass(slots=True)
class Mark:
    """What members' doings add to the public figures from `at` on. `last_at` is None before their first trade."""

    at: datetime
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    last_at: datetime | None
    volume: Decimal
    open_interest: Decimal

    def figures(self) -> tuple[object, ...]:
        """Everything but the instant."""
        return self.bid, self.ask, self.last, self.last_at, self.volume, self.open_interest


@dataclass(slots=True)
class Market:
    """What the exchange keeps of one market. `seen`: the world's trades and quotes up to then have had their effect.

    `intercepted` are the contracts of the world's takers, by trade, that went to members instead, and
    `extra_volume` what members' trades add to the world's. The four `set_` fields are what the controls decided.
    """

    ticker: str
    event_ticker: str
    series_ticker: str
    seen: datetime
    bids: Side = field(default_factory=Side)
    asks: Side = field(default_factory=Side)
    prints: list[Trade] = field(default_factory=list)
    intercepted: dict[str, Decimal] = field(default_factory=dict)
    extra_volume: Decimal = NOTHING
    marks: list[Mark] = field(default_factory=list)
    is_settled: bool = False
    set_closed_at: datetime | None = None
    set_determined_at: datetime | None = None
    set_result: Outcome | None = None
    set_finalized_at: datetime | None = None

    def side(self, side: BookSide) -> Side:
        """The bids or the asks."""
        return self.bids if side == "bid" else self.asks

    @property
    def is_quiet(self) -> bool:
        """Nothing the world does can concern a member."""
        return self.bids.is_quiet and self.asks.is_quiet

    def show(self, book: Book) -> None:
        """The world's book now is `book`."""
        self.bids.show({level.price: level.count for level in book.yes_bids})
        self.asks.show({1 - level.price: level.count for level in book.no_bids})


def best_first(side: BookSide, prices: Iterator[Decimal] | set[Decimal]) -> list[Decimal]:
    """Prices in the order in which an opposing taker meets them."""
    return sorted(prices, reverse=side == "bid")


def is_within(side: BookSide, price: Decimal, limit: Decimal) -> bool:
    """Whether a resting order of `side` at `price` satisfies a taker's `limit`."""
    return price >= limit if side == "bid" else price <= limit


def opposite(side: BookSide) -> BookSide:
    """The other side of the book."""
    return "ask" if side == "bid" else "bid"


def levels_of(counts: dict[Decimal, Decimal]) -> tuple[Level, ...]:
    """Ascending levels of what is not nothing."""
    return tuple(Level(price, counts[price]) for price in sorted(counts) if counts[price] > 0)
