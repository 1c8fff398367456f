"""How much of each bracket to want: fractional Kelly, for all brackets of an event at once, beside what is held.

Source: project reference on probability and sizing, section 5 ("order of operations"). The full Kelly increment over the
exclusive brackets is scaled by kelly_fraction x k(se) x confidence, then floored to contracts; depth and caps follow, and
the edge is checked again at the exact fee of what is left.

Fractional Kelly is a pool with the price in disguise: Kelly is linear in p, so a quarter of it is full Kelly at a quarter
of our p and three quarters of the price. p_trade holds the market's opinion already. The product is meant: with the
market's prior weight of 0.6 a stake is that of a full Kelly bettor who gives our own forecast a tenth of the word, before
k and the confidence take their part.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from milkbot.core.money import ONE, ZERO, floor_to, six_places
from trading.domain.kelly.binary import certainty_shrink
from trading.domain.kelly.ladder import kelly_ladder_stakes, kelly_single_stake
from trading.domain.offer import Offer
from trading.domain.policy import Policy
from trading.domain.types import BookSide


class Stake(NamedTuple):
    """What sizing made of one offer, factor by factor."""

    share: Decimal
    """Of `wealth`: the full joint Kelly increment, fees included."""
    fraction: Decimal
    certainty: Decimal
    """k = d² / (d² + se²) with d the edge."""
    confidence: Decimal
    wealth: Decimal
    """Dollars: the bankroll without what the event's positions cost."""
    contracts: Decimal
    """Whole ones, before depth and caps; 0 when it is too small."""

    @property
    def sentence(self) -> str:
        return (
            f"f* {self.share * 100:.2f}% x {self.fraction} x k {self.certainty:.2f} x conf {self.confidence:.2f}"
            f" of ${self.wealth:.0f}: {self.contracts}"
        )


def joint_stakes(
    offers: Mapping[int, Offer],
    p_trade: Sequence[float],
    held: Sequence[Decimal],
    wealth: Decimal,
    confidence: float,
    policy: Policy,
) -> dict[int, Stake]:
    """The stake of each offer, by the place of its bracket in the ladder.

    `held` are the signed contracts of every bracket: positive YES, negative NO. Selling what is held counts as buying
    the other side: both pay a dollar together. Without wealth, and when no optimum is found, nothing is wanted.
    """
    if not offers or wealth <= ZERO:
        return {}
    shares = _shares(offers, p_trade, _payouts(held, wealth))
    trusted = six_places(confidence)
    return {place: _stake(offers[place], share, wealth, trusted, policy) for place, share in shares.items()}


def _shares(
    offers: Mapping[int, Offer], p_trade: Sequence[float], holdings: Sequence[float]
) -> dict[int, float]:
    """The Kelly share of each offer, of the cash at hand; none when no optimum is found."""
    if len(offers) == 1:
        # Six in seven times, and a tenth of the work.
        ((place, offer),) = offers.items()
        is_yes = offer.book_side is BookSide.BID
        share = kelly_single_stake(p_trade, place, float(offer.cost), holdings, is_yes=is_yes)
        if share is not None:
            return {place: share}
    yes: list[float | None] = [None] * len(p_trade)
    no: list[float | None] = [None] * len(p_trade)
    for place, offer in offers.items():
        (yes if offer.book_side is BookSide.BID else no)[place] = float(offer.cost)
    try:
        best = kelly_ladder_stakes(p_trade, yes, no, holdings)
    except ArithmeticError:
        return {}
    return {
        place: (best.yes if offer.book_side is BookSide.BID else best.no)[place]
        for place, offer in offers.items()
    }


def _stake(offer: Offer, share: float, wealth: Decimal, confidence: Decimal, policy: Policy) -> Stake:
    certainty = certainty_shrink(offer.p_win, offer.cost, offer.standard_error)
    full = Decimal(repr(round(share, 9)))
    wanted = full * policy.kelly_fraction * certainty * confidence * wealth / offer.cost
    return Stake(full, policy.kelly_fraction, certainty, confidence, wealth, floor_to(wanted, ONE))


def _payouts(held: Sequence[Decimal], wealth: Decimal) -> list[float]:
    """What is held pays at each outcome, in units of `wealth`."""
    if not any(held):
        return [0.0] * len(held)
    no_contracts = sum((-count for count in held if count < 0), ZERO)
    return [
        float((no_contracts + count if count < 0 else no_contracts + max(count, ZERO)) / wealth)
        for count in held
    ]
