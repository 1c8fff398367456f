"""What the world does to members' resting orders: its takers hit them, its quotes trade through them."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from sandbox.exchange.book import NOTHING, Market, best_first, is_within, opposite
from sandbox.exchange.floor import Deal, Floor
from sandbox.exchange.matching import Plan, Taker, walk_level
from sandbox.exchange.types import BookSide
from sandbox.feeds import MarketFeed, Trade


class WorldFlow:
    """Lets the world's trades and quotes have their effect, in order of time. `is_paused` tells when nothing matches."""

    def __init__(self, feed: MarketFeed, floor: Floor, is_paused: Callable[[datetime], bool]) -> None:
        self._feed = feed
        self._floor = floor
        self._is_paused = is_paused

    def catch_up(self, market: Market, until: datetime) -> None:
        """Everything the world did after `market.seen` up to `until`; what it did in a pause reached nobody.

        Stops as soon as nothing the world does can concern a member, so that the state does not tell how often one asked.
        """
        if until <= market.seen:
            return
        trades: dict[datetime, list[Trade]] = {}
        for trade in self._feed.trades(market.ticker, market.seen, until):
            trades.setdefault(trade.at, []).append(trade)
        quoted = {quote.at for quote in self._feed.quotes(market.ticker, market.seen, until)}
        for moment in sorted(quoted | trades.keys()):
            if not self._is_paused(moment):
                for trade in trades.get(moment, ()):
                    self._hit(market, trade)
                self.look(market, moment)
                if market.is_quiet:
                    return
        market.seen = until

    def look(self, market: Market, at: datetime) -> None:
        """See the world's book as it is at `at`, and let quotes that trade through members' orders do so."""
        market.seen = max(market.seen, at)
        prints = len(market.prints)
        market.show(self._feed.book(market.ticker, at))
        for side in ("bid", "ask"):
            self._trade_through(market, side, at)
        if len(market.prints) != prints:
            self._floor.mark(market, at)

    def _hit(self, market: Market, trade: Trade) -> None:
        """A taker of the world meets better members first, then its price's queue."""
        side: BookSide = "ask" if trade.taker_side == "yes" else "bid"
        resting = market.side(side)
        taker = Taker(None, "maker", trade.yes_price, trade.count)
        plan = Plan(trade.count)
        for price in best_first(
            side, {price for price in resting.queue if is_within(side, price, trade.yes_price)}
        ):
            at_price = price == trade.yes_price
            walk_level(resting, price, resting.world_left(price) if at_price else NOTHING, taker, plan)
            if plan.is_over():
                break
        for take in plan.takes:
            if take.order_id is None:
                resting.move_up(take.price, take.count)
                continue
            maker = self._floor.party_of(market, opposite(side), take.price, take.order_id)
            self._floor.deal(market, Deal(trade.at, take.price, take.count, opposite(side), None, maker))
            earlier = market.intercepted.get(trade.trade_id, NOTHING)
            market.intercepted[trade.trade_id] = earlier + take.count
            market.extra_volume -= take.count
        level = resting.world.get(trade.yes_price)
        if level:
            level.shown = max(level.shown - trade.count, NOTHING)
        if trade.trade_id in market.intercepted:
            self._floor.mark(market, trade.at)

    def _trade_through(self, market: Market, side: BookSide, at: datetime) -> None:
        """Members' resting orders that a quote of the world satisfies fill at their own price."""
        resting, quoted = market.side(side), market.side(opposite(side))
        for price in best_first(side, set(resting.queue)):
            crossing = {
                other
                for other, level in quoted.world.items()
                if level.left and is_within(opposite(side), other, price)
            }
            if not crossing:
                return
            for other in best_first(opposite(side), crossing):
                self._fill_at(market, side, price, other, at)

    def _fill_at(self, market: Market, side: BookSide, price: Decimal, other: Decimal, at: datetime) -> None:
        """The world's contracts quoted at `other` go to members' orders at `price`, the earliest first."""
        resting, quoted = market.side(side), market.side(opposite(side))
        for place in list(resting.queue.get(price, {}).values()):
            count = min(place.count, quoted.world_left(other))
            if not count:
                return
            quoted.take_from_world(other, count)
            maker = self._floor.party_of(market, opposite(side), price, place.order_id)
            self._floor.deal(market, Deal(at, price, count, opposite(side), None, maker))
