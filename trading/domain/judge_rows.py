"""`judge.put_beside` for many instants of one ladder at once: the same figures, by array, to rounding errors.

Rows are instants, columns brackets, coldest first; prices in dollars on the YES book, NaN where nobody quotes.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from milkbot.core.arrays import Floats
from trading.domain.ensemble import LEAST_ERROR, Belief
from trading.domain.market_expert import LARGEST_SUM, LEAST_SUM, WIDEST_SPREAD
from trading.domain.strategies.price_reversion import ACTS_ABOVE, PRICE_NOISE

Bools = npt.NDArray[np.bool_]

_PRICE_STEP: Final = 1e-9
_MOST_STEPS: Final = 50
_TARGET: Final = 1e-13


class PricedRows(NamedTuple):
    """Our opinion beside the prices of each instant."""

    p_market: Floats
    """Of each row and bracket; NaN in rows whose prices are no forecast."""
    p_trade: Floats
    errors: Floats
    """Standard errors of `p_trade`."""


class BeliefRows(NamedTuple):
    """What the weather says on each row: `Belief` in columns. All of one ladder share `least_p`."""

    p_model: Floats
    """Shape (rows, brackets), as `errors`."""
    errors: Floats
    weight: Floats
    """Shape (rows,), as all that follow."""
    market: Floats
    reversion: Floats
    """0 where a price may not be expected back: where the market has not had its time with the news."""
    least_p: float


def belief_rows(beliefs: Sequence[Belief], of_row: npt.NDArray[np.integer], is_quiet: Bools) -> BeliefRows:
    """The beliefs of rows, `of_row` being the place of each row's among `beliefs`, and `is_quiet` as in `judge.Timing`."""
    columns = np.asarray([[each.weight, each.market, each.reversion] for each in beliefs])[of_row]
    return BeliefRows(
        p_model=np.asarray([each.p_model for each in beliefs])[of_row],
        errors=np.asarray([each.errors for each in beliefs])[of_row],
        weight=columns[:, 0],
        market=columns[:, 1],
        reversion=columns[:, 2] * is_quiet,
        least_p=beliefs[0].least_p,
    )


def put_rows_beside(belief: BeliefRows, bids: Floats, asks: Floats) -> PricedRows:
    """The market's opinion and the pool of all, for rows of prices whose sizes nobody knows.

    `bids` and `asks` have shape (rows, brackets).
    """
    p_market = _market_rows(bids, asks)
    weight = belief.weight + belief.reversion * _is_reverting(belief, bids, asks)
    together = weight + belief.market
    p_trade, pooled_errors = belief.p_model.copy(), belief.errors.copy()
    heard = ~np.isnan(p_market[:, 0]) & (together > 0)
    if heard.any():
        ours, errors = belief.p_model[heard], belief.errors[heard]
        share = (weight[heard] / together[heard])[:, None]
        masses = np.exp(share * np.log(ours) + (1 - share) * np.log(p_market[heard]))
        p = _coherent_rows(masses, belief.least_p)
        half = np.nan_to_num((asks[heard] - bids[heard]) / 2)
        through = share * errors * (p * (1 - p)) / (ours * (1 - ours))
        p_trade[heard] = p
        pooled_errors[heard] = np.clip(np.hypot(through, (1 - share) * half), LEAST_ERROR, 1.0)
    return PricedRows(p_market, p_trade, pooled_errors)


def _market_rows(bids: Floats, asks: Floats) -> Floats:
    """`market_expert.market_opinion` of each row."""
    low, high = np.nan_to_num(bids, nan=0.0), np.nan_to_num(asks, nan=1.0)
    mids = (low + high) / 2
    total = mids.sum(axis=1)
    told = (high - low <= WIDEST_SPREAD + _PRICE_STEP).all(axis=1)
    told &= (total >= LEAST_SUM) & (total <= LARGEST_SUM) & (mids.shape[1] > 1)
    found = np.full(mids.shape, np.nan)
    if told.any():
        found[told] = _devigged_rows(mids[told])
    return found


def _devigged_rows(mids: Floats) -> Floats:
    logs, power, powers = np.log(mids), np.ones(len(mids)), mids
    for _ in range(_MOST_STEPS):
        excess = powers.sum(axis=1) - 1
        if (np.abs(excess) < _TARGET).all():
            break
        step = excess / (logs * powers).sum(axis=1)
        power = np.where(np.abs(excess) < _TARGET, power, np.maximum(power - step, power / 4))
        powers = np.exp(power[:, None] * logs)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _is_reverting(belief: BeliefRows, bids: Floats, asks: Floats) -> Bools:
    half = (asks - bids) / 2
    errors = belief.errors
    scores = np.abs(belief.p_model - bids - half) / np.sqrt(
        errors * errors + half * half + PRICE_NOISE * PRICE_NOISE
    )
    return np.asarray((np.nan_to_num(scores) > ACTS_ABOVE).any(axis=1))


def _coherent_rows(masses: Floats, least_p: float) -> Floats:
    """`ensemble.coherent` of each row."""
    scale, raised = 1 / masses.sum(axis=1), np.zeros(len(masses), dtype=np.int64)
    while True:
        found = masses * scale[:, None]
        low = found < least_p
        count = low.sum(axis=1)
        if (count == raised).all():
            return np.asarray(np.maximum(found, least_p))
        raised = count
        scale = (1 - count * least_p) / np.where(low, 0.0, masses).sum(axis=1)
