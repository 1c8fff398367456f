"""The better side of one market, with its exact figures."""

from decimal import Decimal
from typing import NamedTuple

from markets.domain.fees import costs_of_one
from markets.domain.types import FeeSchedule, MarketSnapshot
from milkbot.core.money import ONE, six_places
from trading.domain.gates import price_to_pay
from trading.domain.types import BookSide


class Offer(NamedTuple):
    """One side we could take or, post-only, quote now, with its exact figures per contract in dollars."""

    book_side: BookSide
    price: Decimal
    """Of the contract bought: the ask for YES, one minus the bid for NO."""
    cost: Decimal
    """Price plus the exact fee."""
    worst_cost: Decimal
    """Price plus the fee rounded up to whole cents: what caps count."""
    edge: Decimal
    p_win: float
    standard_error: float
    post_only: bool = False

    @property
    def yes_price(self) -> Decimal:
        return self.price if self.book_side is BookSide.BID else ONE - self.price

    @property
    def p_yes(self) -> float:
        return self.p_win if self.book_side is BookSide.BID else 1 - self.p_win


def best_offer(
    snapshot: MarketSnapshot, p_yes: float, standard_error: float, fees: FeeSchedule
) -> Offer | None:
    """The side with the larger edge; None when nobody quotes."""
    best: tuple[Decimal, BookSide, float, Decimal, Decimal, Decimal] | None = None
    for side, p_win in ((BookSide.BID, p_yes), (BookSide.ASK, 1 - p_yes)):
        price = price_to_pay(snapshot, side)
        if price is not None:
            cost, worst_cost = costs_of_one(fees, price, is_taker=True)
            edge = six_places(p_win) - cost
            if best is None or edge > best[0]:
                best = edge, side, p_win, price, cost, worst_cost
    if best is None:
        return None
    edge, side, p_win, price, cost, worst_cost = best
    return Offer(side, price, cost, worst_cost, edge, p_win, standard_error)
