"""Two bets at once whose outcomes depend on each other, as two cities under one air mass.

Source: project reference on probability and sizing, section 5.5.
"""

from math import asin, isfinite, pi, sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, owens_t

from milkbot.core.arrays import distributions
from trading.domain.kelly.log_optimal import maximise_log_wealth


class JointOutcomes(NamedTuple):
    """Probabilities of two bets winning together, one alone, or not at all; they sum to 1."""

    both: float
    first_only: float
    second_only: float
    neither: float


def copula_joint(p1: float, p2: float, rho: float) -> float:
    """P(both win) = Φ₂(Φ⁻¹(p₁), Φ⁻¹(p₂); ρ), the Gaussian copula, by Owen's T function (Owen 1956).

    Raises ValueError for a probability outside 0..1 or a correlation outside −1..1.
    """
    if not (0 <= p1 <= 1 and 0 <= p2 <= 1 and -1 <= rho <= 1):
        raise ValueError(f"not probabilities and a correlation: {p1}, {p2}, {rho}")
    least, most = max(p1 + p2 - 1, 0.0), min(p1, p2)
    if least == most or rho == -1:
        return least
    if rho == 1:
        return most
    h, k = float(ndtri(p1)), float(ndtri(p2))
    if h == 0 and k == 0:
        return 0.25 + asin(rho) / (2 * pi)
    opposite = h * k < 0 or (h * k == 0 and h + k < 0)
    joint = (p1 + p2 - opposite) / 2 - _owen(h, k, rho) - _owen(k, h, rho)
    return min(max(joint, least), most)


def copula_outcomes(p1: float, p2: float, rho: float) -> JointOutcomes:
    """The four outcomes of two bets under the Gaussian copula. Raises as `copula_joint`."""
    both = copula_joint(p1, p2, rho)
    return JointOutcomes(both, p1 - both, p2 - both, max(1 - p1 - p2 + both, 0.0))


def kelly_two_stakes(outcomes: JointOutcomes, cost1: float, cost2: float) -> tuple[float, float]:
    """Shares of the bankroll on two bets placed together that maximise expected log wealth.

    Costs are dollars per contract that pays one dollar, fees included. Raises ValueError for outcomes that are no
    probabilities or a cost outside (0, 1]; ArithmeticError when no optimum is found.
    """
    if not all(isfinite(cost) and 0 < cost <= 1 for cost in (cost1, cost2)):
        raise ValueError(f"costs must be above 0 and at most 1: {cost1}, {cost2}")
    wins = np.asarray([[1, 1], [1, 0], [0, 1], [0, 0]])
    best = maximise_log_wealth(distributions(outcomes), wins / np.asarray([cost1, cost2]), np.zeros(4))
    first, second = best.stakes.tolist()
    return first, second


def _owen(h: float, k: float, rho: float) -> float:
    """T(h, a) with a = (k/h − ρ)/√(1 − ρ²), whose limit at h = 0 is a quarter with the sign of k."""
    if h == 0:
        return 0.25 if k > 0 else -0.25
    return float(owens_t(h, (k / h - rho) / sqrt(1 - rho * rho)))
