"""Do probabilities mean what they say? Decomposition of the Brier score, and the place of outcomes in their forecast.

Source: project reference on probability and sizing, sections 6.1 and 6.3; Murphy 1973, J. Appl. Meteor. 12:595;
Czado, Gneiting & Held 2009, Biometrics 65:1254 (integer outcomes).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from milkbot.core.arrays import Floats


class ForecastGroup(NamedTuple):
    """`n` forecasts that all said `forecast`, of which `hits` came true."""

    forecast: float
    n: int
    hits: int


class BrierParts(NamedTuple):
    """brier = reliability − resolution + uncertainty."""

    brier: float
    reliability: float
    """Distance of what was said from what happened; 0 is calibrated."""
    resolution: float
    """How far the groups' outcomes lie apart; the larger the better."""
    uncertainty: float
    """Of the base rate alone: what no forecaster can change."""


def brier_decomposition(groups: Sequence[ForecastGroup]) -> BrierParts:
    """Murphy's three parts; exact because all forecasts of a group are equal.

    Raises ValueError for no forecasts, hits beyond n, or a forecast outside 0..1.
    """
    if not groups or any(not 0 <= g.hits <= g.n or g.n < 1 or not 0 <= g.forecast <= 1 for g in groups):
        raise ValueError("groups need 0 <= hits <= n, n of at least 1, and a forecast in 0..1")
    said, n, hits = np.asarray(groups, dtype=np.float64).T
    total, rates = n.sum(), hits / n
    base_rate = hits.sum() / total
    return BrierParts(
        brier=float((hits * (1 - said) ** 2 + (n - hits) * said**2).sum() / total),
        reliability=float((n * (said - rates) ** 2).sum() / total),
        resolution=float((n * (rates - base_rate) ** 2).sum() / total),
        uncertainty=float(base_rate * (1 - base_rate)),
    )


def pit_interval(cdf: Callable[[Floats], Floats], y: int) -> tuple[float, float]:
    """[F(y − ½), F(y + ½)]: where the settled whole degree `y` lies in the forecast distribution.

    Everything in between rounds to `y`. A calibrated forecaster's intervals, each with a uniform draw inside (`randomised_pit`), fill 0..1 evenly.
    """
    low, high = cdf(np.asarray([y - 0.5, y + 0.5])).tolist()
    return low, high


def randomised_pit(intervals: Sequence[tuple[float, float]], seed: int) -> Floats:
    """One uniform draw inside each interval; the same seed gives the same draws. Store it beside the histogram."""
    bounds = np.asarray(intervals, dtype=np.float64).reshape(-1, 2)
    low, high = bounds.T
    if ((low < 0) | (high > 1) | ~(low <= high)).any():
        raise ValueError("intervals must lie in 0..1 with their ends in order")
    return np.asarray(low + np.random.default_rng(seed).random(len(bounds)) * (high - low))
