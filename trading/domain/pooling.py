"""One forecast out of several: pools of probability vectors, the weights that learn, and the market's own forecast.

Source: project reference on probability and sizing, sections 3.2 to 3.4. Every vector holds the probabilities of the
same exclusive outcomes in the same order; `probs` has shape (experts, outcomes).
"""

from collections.abc import Sequence
from math import fsum, log
from operator import mul
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import xlogy

from milkbot.core.arrays import SUM_TOLERANCE, Floats, distributions, finite

_ROOT_TOLERANCE: Final = 1e-14


class Devigged(NamedTuple):
    """Probabilities behind prices, and the power that took the overround out (1 where none is used)."""

    probs: tuple[float, ...]
    power: float


def linear_pool(probs: npt.ArrayLike, weights: npt.ArrayLike) -> tuple[float, ...]:
    """Σ wᵢ pᵢ. No expert can rule an outcome out; a pool of calibrated experts is underconfident (Ranjan & Gneiting 2010).

    Raises ValueError for what are no probabilities, or weights that are negative or do not sum to 1.
    """
    experts, shares = _experts(probs, weights)
    _check_simplex(shares)
    return tuple((shares @ experts).tolist())


def log_pool(probs: npt.ArrayLike, weights: npt.ArrayLike) -> tuple[float, ...]:
    """Π pᵢ^wᵢ / Z: externally Bayesian (Genest & Zidek 1986). Weights above 1 in sum sharpen, below 1 flatten.

    An outcome that any weighted expert gives 0 gets 0: clip experts first unless the veto is meant. Raises ValueError
    for what are no probabilities, negative weights, weights that are all 0, or when vetoes leave no outcome.
    """
    experts, shares = _experts(probs, weights)
    if not shares.sum() > 0:
        raise ValueError("a log pool needs an expert of weight above 0")
    return _normalised_exp(xlogy(shares[:, None], experts).sum(axis=0))


def extremize(probs: npt.ArrayLike, a: float) -> tuple[float, ...]:
    """p^a / Σ p^a: sharper for a > 1, flatter below. Raises ValueError unless `a` is above 0."""
    return log_pool(finite(probs)[None, :], [a])


def agreement(probs: Sequence[Sequence[float]], weights: Sequence[float]) -> float:
    """1 − JSD/H(w) in 0..1: 1 when all experts say the same, 0 when each is sure of another outcome.

    JSD = H(Σ wᵢ pᵢ) − Σ wᵢ H(pᵢ) in nats (Lin 1991). A single weighted expert agrees with itself. Raises ValueError as
    `linear_pool`. Without arrays: every decision asks for it, about two or three experts.
    """
    if len(probs) != len(weights):
        raise ValueError(f"{len(weights)} weights for {len(probs)} experts")
    for each in (weights, *probs):
        # Written so that NaN, which compares with nothing, does not pass.
        if not (abs(fsum(each) - 1) <= SUM_TOLERANCE and min(each) >= 0):
            raise ValueError(f"not probabilities of exclusive outcomes: {each}")
    most = _entropy(weights)
    if most == 0:
        return 1.0
    mixed = [fsum(map(mul, weights, outcome)) for outcome in zip(*probs, strict=True)]
    divergence = _entropy(mixed) - fsum(map(mul, weights, map(_entropy, probs)))
    return min(max(1 - divergence / most, 0.0), 1.0)


def _entropy(probs: Sequence[float]) -> float:
    """In nats."""
    return -fsum(p * log(p) for p in probs if p > 0)


def weights_inverse_loss(
    losses: npt.ArrayLike, *, power: float = 1.0, shrink: float = 0.0
) -> tuple[float, ...]:
    """Weights ∝ loss^−power, then (1 − λ) w + λ/N with λ = `shrink`; they sum to 1.

    Raises ValueError for no losses, a loss not above 0, a negative power, or a shrink outside 0..1.
    """
    given = finite(losses)
    if given.ndim != 1 or not given.size or (given <= 0).any() or power < 0 or not 0 <= shrink <= 1:
        raise ValueError(f"cannot weigh by losses {given} with power {power}, shrink {shrink}")
    raw = (given / given.min()) ** -power  # scaled: a tiny loss must not overflow
    return tuple(((1 - shrink) * raw / raw.sum() + shrink / given.size).tolist())


def hedge_update(
    weights: npt.ArrayLike, losses: npt.ArrayLike, *, eta: float, share: float
) -> tuple[float, ...]:
    """w·exp(−η·loss) normalised, then (1 − share) w + share/N: exponential weights with a fixed share.

    The share lets an expert come back (Herbster & Warmuth 1998). Feed each settled event once. Raises ValueError for
    weights that do not sum to 1, losses of another length, a negative η, or a share outside 0..1.
    """
    prior, given = finite(weights), finite(losses)
    if prior.ndim != 1 or prior.shape != given.shape or eta < 0 or not 0 <= share <= 1:
        raise ValueError(f"cannot update weights {prior} by losses {given} with eta {eta}, share {share}")
    _check_simplex(prior)
    with np.errstate(divide="ignore"):
        posterior = np.asarray(_normalised_exp(np.log(prior) - eta * given))
    return tuple(((1 - share) * posterior + share / prior.size).tolist())


def devig_proportional(prices: npt.ArrayLike) -> Devigged:
    """m / Σm of the YES prices of a whole ladder. Raises ValueError for a negative price or none above 0."""
    mids = finite(prices)
    if mids.ndim != 1 or (mids < 0).any() or not mids.sum() > 0:
        raise ValueError(f"not the prices of a ladder: {mids}")
    return Devigged(tuple((mids / mids.sum()).tolist()), 1.0)


def devig_power(prices: npt.ArrayLike) -> Devigged:
    """m^k with the one k for which Σ m^k = 1: takes more from longshots than from favourites.

    Raises ValueError for fewer than two prices or one outside (0, 1).
    """
    mids = finite(prices)
    if mids.ndim != 1 or mids.size < 2 or ((mids <= 0) | (mids >= 1)).any():
        raise ValueError(f"power de-vigging needs two or more prices between 0 and 1: {mids}")
    # At k = 0 the sum is the number of prices; by this k even the favourite's power is below 1/N.
    highest = 1 + np.log(mids.size) / -np.log(mids.max())
    power = float(brentq(lambda k: float((mids**k).sum()) - 1, 0.0, highest, xtol=_ROOT_TOLERANCE))
    probs = mids**power
    return Devigged(tuple((probs / probs.sum()).tolist()), power)


def effective_experts(weights: npt.ArrayLike) -> float:
    """1/Σw²: how many equal experts the weights amount to. Raises ValueError unless they sum to 1."""
    shares = finite(weights)
    _check_simplex(shares)
    return float(1 / (shares @ shares))


def _experts(probs: npt.ArrayLike, weights: npt.ArrayLike) -> tuple[Floats, Floats]:
    experts, shares = distributions(probs), finite(weights)
    if experts.ndim != 2 or shares.shape != experts.shape[:1]:
        raise ValueError(f"{shares.size} weights for experts of shape {experts.shape}")
    if (shares < 0).any():
        raise ValueError(f"weights must not be negative: {shares}")
    return experts, shares


def _check_simplex(weights: Floats) -> None:
    if (weights < 0).any() or abs(float(weights.sum()) - 1) > SUM_TOLERANCE:
        raise ValueError(f"weights must not be negative and must sum to 1: {weights}")


def _normalised_exp(logs: Floats) -> tuple[float, ...]:
    """exp(logs) scaled to sum 1; the largest is taken out first, so nothing overflows."""
    most = float(logs.max())
    if most == -np.inf:
        raise ValueError("no outcome is left that every expert gives a chance")
    powers = np.exp(logs - most)
    return tuple((powers / powers.sum()).tolist())
