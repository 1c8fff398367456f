"""Scores of forecast probabilities: all are losses, smaller is better, and proper: honesty minimises them.

Source: project reference on probability and sizing, section 6.1; Gneiting & Raftery 2007, JASA 102:359.
Arrays broadcast over leading axes: `probs` has shape (..., outcomes), `outcome` is the 0-based index that happened.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from milkbot.core.arrays import Floats, distributions, finite

LOG_SCORE_FLOOR: Final = 1e-4
"""Probabilities count as no less than this in the log score: one certain miss must not decide a month."""


def brier_binary(p: npt.ArrayLike, happened: npt.ArrayLike) -> Floats:
    """(p − o)², in 0..1. Raises ValueError for a p outside 0..1 or an outcome that is neither 0 nor 1."""
    chance, outcome = finite(p), finite(happened)
    if ((chance < 0) | (chance > 1)).any() or not np.isin(outcome, (0, 1)).all():
        raise ValueError("p must lie in 0..1 and the outcome be 0 or 1")
    return np.asarray((chance - outcome) ** 2)


def brier_multi(probs: npt.ArrayLike, outcome: npt.ArrayLike) -> Floats:
    """Σₖ (pₖ − oₖ)² over the outcomes of an event, in 0..2; divide by their number to compare per contract.

    Raises ValueError for what are no probabilities or no index of an outcome.
    """
    forecast = distributions(probs)
    return np.asarray(((forecast - _indicator(forecast, outcome)) ** 2).sum(axis=-1))


def log_score(probs: npt.ArrayLike, outcome: npt.ArrayLike, floor: float = LOG_SCORE_FLOOR) -> Floats:
    """−ln max(p of what happened, `floor`), in nats.

    Raises ValueError for what are no probabilities, no index of an outcome, or a floor outside (0, 1).
    """
    if not 0 < floor < 1:
        raise ValueError(f"the floor must lie between 0 and 1, was {floor}")
    return np.asarray(-np.log(np.maximum(_of_outcome(probs, outcome), floor)))


def is_clipped(
    probs: npt.ArrayLike, outcome: npt.ArrayLike, floor: float = LOG_SCORE_FLOOR
) -> npt.NDArray[np.bool_]:
    """Whether `log_score` had to raise the probability to its floor. Count these beside every mean log score."""
    return np.asarray(_of_outcome(probs, outcome) < floor)


def rps(probs: npt.ArrayLike, outcome: npt.ArrayLike) -> Floats:
    """Ranked probability score Σₖ₌₁..K₋₁ (Pₖ − Oₖ)² of ordered outcomes, in 0..K−1; P and O are cumulative.

    It rewards nearness: the right score for brackets of temperature (Epstein 1969). Raises ValueError as `brier_multi`.
    """
    forecast = distributions(probs)
    apart = np.cumsum(forecast - _indicator(forecast, outcome), axis=-1)[..., :-1]
    return np.asarray((apart**2).sum(axis=-1))


def rps_normalised(probs: npt.ArrayLike, outcome: npt.ArrayLike) -> Floats:
    """`rps` divided by K − 1, in 0..1. Raises ValueError for fewer than two outcomes."""
    outcomes = np.shape(probs)[-1]
    if outcomes < 2:
        raise ValueError("ranks need at least two outcomes")
    return np.asarray(rps(probs, outcome) / (outcomes - 1))


def skill(score: float, reference: float) -> float:
    """1 − S/S_ref: 1 is perfect, 0 no better than the reference, negative worse.

    Both are mean losses over the same events at the same instants. Raises ValueError for a reference not above 0.
    """
    if not reference > 0:
        raise ValueError(f"no skill against a reference of {reference}")
    return 1 - score / reference


def _of_outcome(probs: npt.ArrayLike, outcome: npt.ArrayLike) -> Floats:
    forecast = distributions(probs)
    return np.asarray((forecast * _indicator(forecast, outcome)).sum(axis=-1))


def _indicator(forecast: Floats, outcome: npt.ArrayLike) -> Floats:
    """1 at the outcome, 0 elsewhere, in the shape of `forecast`."""
    index = np.asarray(outcome)
    if not np.issubdtype(index.dtype, np.integer) or ((index < 0) | (index >= forecast.shape[-1])).any():
        raise ValueError(f"not an index of {forecast.shape[-1]} outcomes: {index}")
    return np.asarray(np.arange(forecast.shape[-1]) == index[..., None], dtype=np.float64)
