"""From a distribution of the maximum to the probability of each bracket, with its standard error.

Source: project reference on probability and sizing, sections 1.1 (half-degree edges) and 5.3 (uncertain p).
"""

from collections.abc import Sequence
from math import exp
from typing import Final

import numpy as np

from milkbot.core.arrays import Floats
from weather.domain.families import Family, Normal
from weather.domain.types import DistKind, Outlook

Bracket = tuple[int | None, int | None]
"""Whole °F, both ends inclusive; None is an open end."""

STANDARD_ERROR_FLOOR: Final = 0.02
"""No month of data tells a bracket's probability better than this."""

HALF_DEGREE: Final = 0.5
"""A settled whole degree stands for everything that rounds to it."""

_STEP_F: Final = 1e-3
_STEP_LN_SIGMA: Final = 1e-4


def bracket_probabilities(distribution: Family, brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """P(low <= H <= high) for each bracket, H being the maximum of `distribution` in whole °F.

    F(high + ½) − F(low − ½), open ends giving 0 and 1. Raises ValueError for a bracket whose low end exceeds its high.
    """
    return tuple(between(distribution, *edges(brackets)).tolist())


def integer_pmf(distribution: Family, lowest: int, highest: int) -> tuple[float, ...]:
    """P(H = lowest), …, P(H = highest); what lies beyond falls on the two ends, so that they sum to 1.

    Raises ValueError unless lowest < highest.
    """
    if lowest >= highest:
        raise ValueError(f"no range of degrees: {lowest}..{highest}")
    middle: list[Bracket] = [(degree, degree) for degree in range(lowest + 1, highest)]
    return bracket_probabilities(distribution, [(None, lowest), *middle, (highest, None)])


def between(distribution: Family, low: Floats, high: Floats) -> Floats:
    """P(low < X <= high), elementwise, keeping its digits in both tails. Edges may be infinite."""
    below = distribution.cdf(low)
    # Above the median the difference of upper tails keeps the digits that 1 − F has lost.
    mass = np.where(below > 0.5, distribution.sf(low) - distribution.sf(high), distribution.cdf(high) - below)
    return np.asarray(np.maximum(mass, 0.0))


def edges(brackets: Sequence[Bracket]) -> tuple[Floats, Floats]:
    """The half degrees around each bracket, ±∞ at open ends. Raises ValueError for an empty bracket."""
    for low, high in brackets:
        if low is not None and high is not None and low > high:
            raise ValueError(f"bracket {low}..{high} is empty")
    lows = [-np.inf if low is None else low - HALF_DEGREE for low, _ in brackets]
    highs = [np.inf if high is None else high + HALF_DEGREE for _, high in brackets]
    return np.asarray(lows, dtype=np.float64), np.asarray(highs, dtype=np.float64)


def bracket_standard_errors(
    mu: float, sigma: float, mu_se: float, ln_sigma_se: float, brackets: Sequence[Bracket]
) -> tuple[float, ...]:
    """Standard error of each bracket's probability by the delta method, never below 0.02.

    The distribution is N(`mu`, `sigma`); `mu_se` in °F and `ln_sigma_se` are the standard errors of its parameters,
    taken as independent. Raises ValueError for a sigma that is not positive and finite.
    """
    low, high = edges(brackets)

    def mass(at_mu: float, at_sigma: float) -> Floats:
        return between(Normal(mu=at_mu, sigma=at_sigma), low, high)

    by_mu = (mass(mu + _STEP_F, sigma) - mass(mu - _STEP_F, sigma)) / (2 * _STEP_F)
    ratio = exp(_STEP_LN_SIGMA)
    by_ln_sigma = (mass(mu, sigma * ratio) - mass(mu, sigma / ratio)) / (2 * _STEP_LN_SIGMA)
    errors = np.hypot(by_mu * mu_se, by_ln_sigma * ln_sigma_se)
    return tuple(np.maximum(errors, STANDARD_ERROR_FLOOR).tolist())


def outlook_probabilities(outlook: Outlook, brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """Bracket probabilities of a whole-day outlook.

    Raises ValueError for an outlook of the remaining hours: that one needs the maximum so far as well.
    """
    if outlook.kind is not DistKind.WHOLE_DAY:
        raise ValueError(f"an outlook of kind {outlook.kind} does not speak of the whole day")
    return bracket_probabilities(Normal(mu=outlook.mu, sigma=outlook.sigma), brackets)


def outlook_standard_errors(outlook: Outlook, brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """Standard errors of `outlook_probabilities`, from the outlook's own parameter uncertainty."""
    return bracket_standard_errors(outlook.mu, outlook.sigma, outlook.mu_se, outlook.ln_sigma_se, brackets)
