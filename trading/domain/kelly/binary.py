"""Kelly sizing of one binary contract (probability-and-sizing.md 5.2, 5.3). Inputs are per contract, in dollars."""

from decimal import Decimal
from typing import NamedTuple

from markets.domain.fees import raw_fee
from markets.domain.types import FeeSchedule
from milkbot.core.money import ONE, ZERO, floor_to


class BinaryBet(NamedTuple):
    """One contract that pays a dollar or nothing. Dollars per contract; `share` is of the bankroll, fee included."""

    fee: Decimal
    """Unrounded: what a large order pays per contract."""
    cost: Decimal
    edge: Decimal
    share: Decimal
    """Full Kelly; a fraction of it is what to stake."""


def kelly_bet(p_win: float, price: Decimal, fees: FeeSchedule, *, is_taker: bool) -> BinaryBet:
    """Buying at `price` what pays with probability `p_win`: cost = price + fee, edge = p - cost, and the Kelly share.

    Raises ValueError for a price outside 0..1.
    """
    fee = raw_fee(fees, ONE, price, is_taker=is_taker)
    cost = price + fee
    return BinaryBet(fee, cost, Decimal(repr(p_win)) - cost, kelly_share(p_win, cost))


def kelly_share(p_win: float, cost: Decimal) -> Decimal:
    """Share of the bankroll that maximises log growth: (p - c) / (1 - c), 0 without an edge. `cost` includes fees."""
    probability = Decimal(repr(p_win))
    if not ZERO < cost < 1 or probability <= cost:
        return ZERO
    return (probability - cost) / (1 - cost)


def certainty_shrink(p_win: float, cost: Decimal, standard_error: float) -> Decimal:
    """Factor in [0, 1] for an estimated probability: d² / (d² + se²) with d = p - c (Baker & McHale 2013)."""
    distance = Decimal(repr(p_win)) - cost
    squared = distance * distance
    noise = Decimal(repr(standard_error)) ** 2
    return squared / (squared + noise) if squared + noise > 0 else ZERO


def kelly_contracts(
    p_win: float, cost: Decimal, standard_error: float, *, bankroll: Decimal, fraction: Decimal
) -> Decimal:
    """Whole contracts to hold: fraction x shrunk Kelly x bankroll / cost, rounded down."""
    if bankroll <= 0:
        return ZERO
    share = fraction * certainty_shrink(p_win, cost, standard_error) * kelly_share(p_win, cost)
    return floor_to(share * bankroll / cost, Decimal(1)) if share > 0 else ZERO
