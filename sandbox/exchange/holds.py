"""What resting orders hold of their accounts' cash, kept up to date order by order."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from sandbox.exchange.book import NOTHING, Market, best_first
from sandbox.exchange.ledger import Account, closable, cost_each, freed
from sandbox.exchange.types import BookSide


class Holds:
    """Collateral by account and market. A resting order that closes a position holds nothing for that part."""

    def __init__(self) -> None:
        self._gross: defaultdict[tuple[str, str, BookSide], Decimal] = defaultdict(lambda: NOTHING)
        self._held: defaultdict[tuple[str, str], Decimal] = defaultdict(lambda: NOTHING)
        self._total: defaultdict[str, Decimal] = defaultdict(lambda: NOTHING)

    def total(self, account: str) -> Decimal:
        """Dollars all resting orders of an account hold."""
        return self._total[account]

    def rest(self, account: str, ticker: str, side: BookSide, price: Decimal, count: Decimal) -> None:
        """`count` more contracts rest at `price`, fewer when it is negative. `refresh` must follow."""
        self._gross[account, ticker, side] += count * cost_each(side, price)

    def refresh(self, account: Account, market: Market) -> None:
        """Work out anew what one market's resting orders hold after orders or the position changed."""
        held = self._side(account, market, "bid") + self._side(account, market, "ask")
        self._total[account.name] += held - self._held[account.name, market.ticker]
        self._held[account.name, market.ticker] = held

    def growth(
        self,
        account: Account,
        market: Market,
        side: BookSide,
        price: Decimal,
        count: Decimal,
        without: str | None,
    ) -> Decimal:
        """By how much the hold would grow if `count` rested at `price`, instead of the order `without` if given."""
        former = self._side(account, market, side)
        gross = self._gross[account.name, market.ticker, side] + count * cost_each(side, price)
        if without is not None:
            order = account.orders[without]
            gross -= order.remaining_count * cost_each(side, order.price)
        position = account.held(market.ticker)
        if not closable(side, position):
            return gross - former
        places = self._with(self._own(account, market, side, without), side, price, count)
        return gross - freed(side, places, position) - former

    def _side(self, account: Account, market: Market, side: BookSide) -> Decimal:
        gross = self._gross[account.name, market.ticker, side]
        position = account.held(market.ticker)
        if not gross or not closable(side, position):
            return gross
        return gross - freed(side, self._own(account, market, side, None), position)

    def _own(
        self, account: Account, market: Market, side: BookSide, without: str | None
    ) -> Iterator[tuple[Decimal, Decimal]]:
        queue = market.side(side).queue
        for price in best_first(side, set(queue)):
            for place in queue[price].values():
                if place.account == account.name and place.order_id != without:
                    yield price, place.count

    def _with(
        self, places: Iterator[tuple[Decimal, Decimal]], side: BookSide, price: Decimal, count: Decimal
    ) -> Iterator[tuple[Decimal, Decimal]]:
        """The places with a new one behind all that are as good."""
        is_in = False
        for other, resting in places:
            if not is_in and (other < price if side == "bid" else other > price):
                is_in = True
                yield price, count
            yield other, resting
        if not is_in:
            yield price, count
