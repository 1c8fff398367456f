"""From a distribution of the maximum to the probability of each bracket, with its standard error.

Source: project reference on probability and sizing, sections 1.1 (half-degree edges), 1.2 (basis risk) and 5.3
(uncertain p).
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import isfinite, pi, sqrt
from typing import Final

import numpy as np

from weather.domain.brackets import Bracket, edges, moved
from weather.domain.families import Curve

BracketProbabilities = Callable[[Sequence[Bracket]], tuple[float, ...]]

STANDARD_ERROR_FLOOR: Final = 0.02
"""No month of data tells a bracket's probability better than this."""

_SQRT_2PI: Final = sqrt(2 * pi)
_NO_DENSITY_Z: Final = 40.0


def bracket_probabilities(distribution: Curve, brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """P(low <= H <= high) for each bracket, H being the maximum of `distribution` in whole °F.

    F(high + ½) − F(low − ½), open ends giving 0 and 1. Raises ValueError for a bracket whose low end exceeds its high.
    """
    return tuple(distribution.between(*edges(brackets)).tolist())


def integer_pmf(distribution: Curve, lowest: int, highest: int) -> tuple[float, ...]:
    """P(H = lowest), …, P(H = highest); what lies beyond falls on the two ends, so that they sum to 1.

    Raises ValueError unless lowest < highest.
    """
    if lowest >= highest:
        raise ValueError(f"no range of degrees: {lowest}..{highest}")
    middle: list[Bracket] = [(degree, degree) for degree in range(lowest + 1, highest)]
    return bracket_probabilities(distribution, [(None, lowest), *middle, (highest, None)])


def with_basis_risk(
    probabilities: BracketProbabilities, brackets: Sequence[Bracket], basis_risk: float
) -> tuple[float, ...]:
    """(1 − δ) p + δ/2 (p one degree up) + δ/2 (p one degree down): the settled degree may not be the observed one.

    `probabilities` gives p for any brackets, conditioned on what has been seen. It matters where a locked degree
    touches a bracket's edge. Raises ValueError for a δ outside 0..1.
    """
    if not 0 <= basis_risk <= 1:
        raise ValueError(f"not a probability of another degree: {basis_risk}")
    if basis_risk == 0:
        return tuple(probabilities(brackets))
    every = probabilities(with_neighbours(tuple(brackets)))
    same, above, below = np.asarray(every).reshape(3, -1)
    return tuple(((1 - basis_risk) * same + basis_risk / 2 * (above + below)).tolist())


@lru_cache(maxsize=1000)
def with_neighbours(brackets: tuple[Bracket, ...]) -> tuple[Bracket, ...]:
    """The brackets, and then all of them a degree up and a degree down."""
    return (*brackets, *moved(brackets, 1), *moved(brackets, -1))


def bracket_standard_errors(
    mu: float, sigma: float, mu_se: float, ln_sigma_se: float, brackets: Sequence[Bracket]
) -> tuple[float, ...]:
    """Standard error of each bracket's probability by the delta method, never below 0.02.

    The distribution is N(`mu`, `sigma`); `mu_se` in °F and `ln_sigma_se` are the standard errors of its parameters,
    taken as independent. Raises ValueError for a sigma that is not positive and finite.
    """
    if not (isfinite(mu) and isfinite(sigma) and sigma > 0):
        raise ValueError(f"not a distribution: mu={mu}, sigma={sigma}")
    # Far out the density is 0 to every digit; at infinity its product with z would be none.
    z_low, z_high = (np.clip((edge - mu) / sigma, -_NO_DENSITY_Z, _NO_DENSITY_Z) for edge in edges(brackets))
    density_low, density_high = np.exp(-(z_low**2) / 2) / _SQRT_2PI, np.exp(-(z_high**2) / 2) / _SQRT_2PI
    by_mu = (density_low - density_high) / sigma
    by_ln_sigma = z_low * density_low - z_high * density_high
    errors = np.hypot(by_mu * mu_se, by_ln_sigma * ln_sigma_se)
    return tuple(np.maximum(errors, STANDARD_ERROR_FLOOR).tolist())
