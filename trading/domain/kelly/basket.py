"""One contract of every bracket: what a whole ladder costs, and what it surely pays.

Source: project reference on probability and sizing, section 4 (COHERENCE_ARB). Sure only while the brackets hold
every whole degree and every leg fills.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from markets.domain.fees import worst_case_fee
from markets.domain.types import FeeSchedule
from milkbot.core.money import ONE, ZERO
from trading.domain.types import Side


class Basket(NamedTuple):
    """Dollars for all sets together."""

    fees: Decimal
    """Of every leg, each rounded up to whole cents."""
    profit: Decimal
    """Payout minus asks and fees; below 0 there is nothing to take."""


def basket_arbitrage(side: Side, asks: Sequence[Decimal], sets: Decimal, fees: FeeSchedule) -> Basket:
    """Buying `sets` contracts of `side` in each of the K brackets at `asks`, as a taker.

    A YES set pays $1, a NO set K − 1 dollars. Raises ValueError for fewer than two brackets, a price outside 0..1, or
    sets not above 0.
    """
    if len(asks) < 2 or sets <= ZERO:
        raise ValueError(f"no basket of {len(asks)} brackets and {sets} sets")
    charged = sum((worst_case_fee(fees, sets, ask, is_taker=True) for ask in asks), ZERO)
    payout = ONE if side is Side.YES else len(asks) - ONE
    return Basket(charged, sets * (payout - sum(asks, ZERO)) - charged)
