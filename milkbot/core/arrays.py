"""Arrays of floats, and the checks that turn given numbers into probabilities."""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SUM_TOLERANCE: Final = 1e-6
"""How far the probabilities of one event may be from 1 together; figures printed with six digits pass."""


def finite(values: npt.ArrayLike) -> Floats:
    """`values` as a float array. Raises ValueError unless every one is finite."""
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"not finite: {array}")
    return array


def distributions(probs: npt.ArrayLike) -> Floats:
    """`probs` of shape (..., outcomes) as an array whose last axis holds probabilities of exclusive outcomes.

    Raises ValueError for none, a negative one, or a sum away from 1.
    """
    array = finite(probs)
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ValueError("probabilities need at least one outcome")
    if (array < 0).any() or (np.abs(array.sum(axis=-1) - 1) > SUM_TOLERANCE).any():
        raise ValueError(f"not probabilities of exclusive outcomes: {array}")
    return array
