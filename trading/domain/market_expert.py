"""The market as an expert: what a ladder's prices say of its outcomes, and when they cannot be believed.

Source: project reference on probability and sizing, section 3.3. Plain floats throughout: this runs for every change of
every price in a backtest.
"""

from collections.abc import Sequence
from decimal import Decimal
from math import exp, log
from typing import Final, NamedTuple

from markets.domain.types import BoardMarket

WIDEST_SPREAD: Final = 0.10
LEAST_SUM: Final = 0.90
LARGEST_SUM: Final = 1.12
"""Dollars: mids of a whole ladder that add up to less or more are no forecast of it."""
THIN_BELOW: Final = 100.0
"""Contracts at the touch, on average over the ladder's quoted sides."""
_PRICE_STEP: Final = 1e-9
"""Far below the finest price, far above what binary floats lose."""
_MOST_STEPS: Final = 50
_TARGET: Final = 1e-13


class Quotes(NamedTuple):
    """A ladder's prices in dollars on the YES book and the contracts at each touch; None is a side nobody quotes."""

    bids: Sequence[float | None]
    asks: Sequence[float | None]
    bid_sizes: Sequence[float | None]
    ask_sizes: Sequence[float | None]


def quotes_of(markets: Sequence[BoardMarket]) -> Quotes:
    """The prices of a board's markets, in their order."""
    shown = [market.snapshot for market in markets]
    return Quotes(
        tuple(_float(each.yes_bid) for each in shown),
        tuple(_float(each.yes_ask) for each in shown),
        tuple(_float(each.yes_bid_size) for each in shown),
        tuple(_float(each.yes_ask_size) for each in shown),
    )


def market_opinion(quotes: Quotes) -> tuple[float, ...] | None:
    """P(YES) of each bracket as the market sees it, summing to 1; None when its prices are no forecast.

    Mids with the overround taken out by a power. A side that nobody quotes counts as 0 or 1 dollar: a bracket that is
    nearly ruled out has no bid. Unreliable is a spread above 10 cents, and mids that sum to less than 0.90 or more than
    1.12. How old prices may be is checked with each market.
    """
    mids = []
    for bid, ask in zip(quotes.bids, quotes.asks, strict=True):
        low, high = 0.0 if bid is None else bid, 1.0 if ask is None else ask
        if high - low > WIDEST_SPREAD + _PRICE_STEP:
            return None
        mids.append((low + high) / 2)
    return devigged(mids) if LEAST_SUM <= sum(mids) <= LARGEST_SUM and len(mids) > 1 else None


def devigged(mids: Sequence[float]) -> tuple[float, ...]:
    """m^k with the one k for which Σ m^k = 1, as `pooling.devig_power` does it, for two or more prices in (0, 1).

    Σ m^k falls and is convex in k, so that Newton's steps approach the root from below once they are there.
    """
    logs = [log(mid) for mid in mids]
    power, powers, excess = 1.0, list(mids), sum(mids) - 1
    for _ in range(_MOST_STEPS):
        if -_TARGET < excess < _TARGET:
            break
        slope = 0.0
        for value, part in zip(logs, powers, strict=True):
            slope += value * part
        power = max(power - excess / slope, power / 4)  # a step from above the root may land below 0
        powers = [exp(power * value) for value in logs]
        excess = sum(powers) - 1
    total = excess + 1
    return tuple([part / total for part in powers])


def is_thin(quotes: Quotes) -> bool:
    """Fewer than 100 contracts stand at the touch, averaged over the sides that are quoted."""
    count, total = 0, 0.0
    for sizes in (quotes.bid_sizes, quotes.ask_sizes):
        for size in sizes:
            if size is not None:
                count, total = count + 1, total + size
    return total < THIN_BELOW * count


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
