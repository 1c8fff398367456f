"""What the maximum so far does to the probabilities of the settled maximum.

Two kinds of distribution, never to be mixed: of the REMAINING hours' maximum, whose mass below the maximum so far
falls onto it (censoring), and of the WHOLE day made without knowing it, which is conditioned on what has been seen
(truncation). Source: project reference on probability and sizing, sections 2.1 and 2.4.
"""

from collections.abc import Mapping, Sequence
from math import fsum, isfinite

import numpy as np

from milkbot.core.arrays import SUM_TOLERANCE
from weather.domain.brackets import HALF_DEGREE, Bracket, edges
from weather.domain.families import Curve

MaxPmf = Mapping[int, float]
"""Probability of each whole °F that may be the maximum so far. A certain one is `{maximum: 1.0}`."""


def censored_probabilities(
    remaining: Curve, max_so_far: MaxPmf, brackets: Sequence[Bracket]
) -> tuple[float, ...]:
    """P(low <= H <= high), H = max(m, M) with M of the remaining hours in whole °F, averaged over the pmf of m.

    For each m: 0 if high < m, F(high + ½) if m is in the bracket, F(high + ½) − F(low − ½) above it. Raises
    ValueError for an empty bracket or a pmf that is none.
    """
    _check_pmf(max_so_far)
    low, high = edges(brackets)
    maxima = np.asarray(sorted(max_so_far), dtype=np.float64)[:, None]
    weights = np.asarray([max_so_far[m] for m in sorted(max_so_far)])
    from_low = np.where(low > maxima, low, -np.inf)
    mass = remaining.between(from_low, np.broadcast_to(high, from_low.shape))
    return tuple((weights @ np.where(high < maxima, 0.0, mass)).tolist())


def truncated_probabilities(
    whole_day: Curve, max_so_far: int, brackets: Sequence[Bracket]
) -> tuple[float, ...]:
    """P(low <= H <= high | H >= m) of a forecast issued without knowing the maximum so far.

    (F(high + ½) − F(max(low, m) − ½)) / (1 − F(m − ½)), 0 if high < m. Raises ValueError for an empty bracket, or
    when the forecast gives what has been seen no probability at all: then it is refuted and conditioning means nothing.
    """
    low, high = edges(brackets)
    floor = max_so_far - HALF_DEGREE
    seen = float(whole_day.sf(np.asarray([floor]))[0])
    if seen <= 0:
        raise ValueError(f"the forecast rules out the {max_so_far} °F already observed")
    mass = whole_day.between(np.maximum(low, floor), np.maximum(high, floor))
    return tuple(np.minimum(mass / seen, 1.0).tolist())


def lock_probability(remaining: Curve, max_so_far: int) -> float:
    """F(m + ½): the probability that the remaining hours do not beat the maximum so far in whole °F."""
    return float(remaining.cdf(np.asarray([max_so_far + HALF_DEGREE]))[0])


def _check_pmf(pmf: MaxPmf) -> None:
    weights = pmf.values()
    if not all(isfinite(weight) and weight >= 0 for weight in weights):
        raise ValueError(f"not probabilities: {dict(pmf)}")
    if abs(fsum(weights) - 1) > SUM_TOLERANCE:
        raise ValueError(f"the pmf of the maximum so far sums to {fsum(weights)}")
