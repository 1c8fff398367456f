"""`judge.put_beside` for many instants of one ladder at once: the same figures, by array, to rounding errors.

Rows are instants, columns brackets, coldest first; prices in dollars on the YES book, NaN where nobody quotes.
"""

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


def put_rows_beside(belief: Belief, bids: Floats, asks: Floats, *, is_quiet: bool) -> PricedRows:
    """The market's opinion and the pool of all, for rows of prices whose sizes nobody knows.

    `is_quiet` as in `judge.Timing`, for all rows alike. `bids` and `asks` have shape (instants, brackets).
    """
    p_market = _market_rows(bids, asks)
    reverting = (
        belief.reversion * _is_reverting(belief, bids, asks)
        if is_quiet
        else np.zeros(len(bids), dtype=np.float64)
    )
    weight = belief.weight + reverting
    together = weight + belief.market
    ours, errors = np.asarray(belief.p_model), np.asarray(belief.errors)
    p_trade = np.broadcast_to(ours, bids.shape).copy()
    pooled_errors = np.broadcast_to(errors, bids.shape).copy()
    heard = ~np.isnan(p_market[:, 0]) & (together > 0)
    if heard.any():
        share = (weight[heard] / together[heard])[:, None]
        masses = np.exp(share * np.asarray(belief.ln_model) + (1 - share) * np.log(p_market[heard]))
        p = _coherent_rows(masses, belief.least_p)
        half = np.nan_to_num((asks[heard] - bids[heard]) / 2)
        through = share * errors * (p * (1 - p)) / (ours * (1 - ours))
        p_trade[heard] = p
        pooled_errors[heard] = np.maximum(np.hypot(through, (1 - share) * half), LEAST_ERROR)
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


def _is_reverting(belief: Belief, bids: Floats, asks: Floats) -> Bools:
    half = (asks - bids) / 2
    errors = np.asarray(belief.errors)
    scores = np.abs(np.asarray(belief.p_model) - bids - half) / np.sqrt(
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
