"""What we could offer the market instead of taking what it offers: a quote that rests and pays no taker fee."""

from decimal import Decimal

from markets.domain import price_grid
from markets.domain.fees import costs_of_one
from markets.domain.types import BoardMarket, FeeSchedule
from milkbot.core.money import ONE, six_places
from trading.domain.gates import quote_floor
from trading.domain.offer import Offer
from trading.domain.policy import Policy
from trading.domain.types import BookSide


def best_quote(
    market: BoardMarket, p_yes: float, standard_error: float, fees: FeeSchedule, policy: Policy
) -> Offer | None:
    """The quote with the larger edge among those worth resting; None when there is none or a side is not quoted.

    A quote betters the touch of its own side by one tick where that leaves the edge it must promise, else it joins the
    touch. Deeper in the book it would fill only when the market has moved against it.
    """
    quotes = [
        quote
        for side, p_win in ((BookSide.BID, p_yes), (BookSide.ASK, 1 - p_yes))
        if (quote := _quote(market, side, p_win, standard_error, fees, policy)) is not None
    ]
    return max(quotes, key=lambda quote: quote.edge, default=None)


def _quote(
    market: BoardMarket,
    side: BookSide,
    p_win: float,
    standard_error: float,
    fees: FeeSchedule,
    policy: Policy,
) -> Offer | None:
    bid, ask, ranges = market.snapshot.yes_bid, market.snapshot.yes_ask, market.market.price_ranges
    if bid is None or ask is None:
        return None
    is_bid = side is BookSide.BID
    worth = six_places(p_win)
    if worth <= (bid if is_bid else ONE - ask):
        return None  # Fees and the floor only add to the price: most sides promise nothing before either is known.

    def offered(yes_price: Decimal) -> Offer | None:
        price = yes_price if is_bid else ONE - yes_price
        cost, worst = costs_of_one(fees, price, is_taker=False)
        edge = worth - cost
        if edge < quote_floor(cost, standard_error, policy):
            return None
        return Offer(side, price, cost, worst, edge, p_win, standard_error, post_only=True)

    joining = offered(bid if is_bid else ask)
    if joining is None:
        return None  # A better price costs more: it promises less still.
    better = price_grid.next_tick_up(ranges, bid) if is_bid else price_grid.next_tick_down(ranges, ask)
    bettering = offered(better) if better is not None and bid < better < ask else None
    return bettering or joining
