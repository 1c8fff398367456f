"""From a Gaussian of the integer maximum to the probability of each bracket, with its standard error.

Source: project reference on probability and sizing, sections 1.1 (half-degree edges) and 5.3 (uncertain p).
"""

from collections.abc import Sequence
from math import isfinite
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from weather.domain.types import DistKind, Outlook

Bracket = tuple[int | None, int | None]
"""Whole °F, both ends inclusive; None is an open end."""

STANDARD_ERROR_FLOOR: Final = 0.02
"""No month of data tells a bracket's probability better than this."""

_HALF_DEGREE: Final = 0.5
_STEP_F: Final = 1e-3
_STEP_LN_SIGMA: Final = 1e-4

_Floats = npt.NDArray[np.float64]


def bracket_probabilities(mu: float, sigma: float, brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """P(low <= H <= high) for each bracket, H the whole-degree maximum of N(`mu`, `sigma`) in °F.

    Raises ValueError for a sigma that is not positive and finite, or a bracket whose low end exceeds its high end.
    """
    return tuple(_probabilities(mu, sigma, *_edges(brackets)).tolist())


def bracket_standard_errors(
    mu: float, sigma: float, mu_se: float, ln_sigma_se: float, brackets: Sequence[Bracket]
) -> tuple[float, ...]:
    """Standard error of each bracket's probability by the delta method, never below 0.02.

    `mu_se` in °F and `ln_sigma_se` are the standard errors of the two parameters, taken as independent.
    """
    low, high = _edges(brackets)
    by_mu = _slope(
        _probabilities(mu + _STEP_F, sigma, low, high),
        _probabilities(mu - _STEP_F, sigma, low, high),
        _STEP_F,
    )
    wider, narrower = sigma * np.exp(_STEP_LN_SIGMA), sigma * np.exp(-_STEP_LN_SIGMA)
    by_ln_sigma = _slope(
        _probabilities(mu, wider, low, high), _probabilities(mu, narrower, low, high), _STEP_LN_SIGMA
    )
    errors = np.hypot(by_mu * mu_se, by_ln_sigma * ln_sigma_se)
    return tuple(np.maximum(errors, STANDARD_ERROR_FLOOR).tolist())


def outlook_probabilities(outlook: Outlook, brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """Bracket probabilities of a whole-day outlook.

    Raises ValueError for an outlook of the remaining hours: that one needs the maximum so far as well.
    """
    if outlook.kind is not DistKind.WHOLE_DAY:
        raise ValueError(f"an outlook of kind {outlook.kind} does not speak of the whole day")
    return bracket_probabilities(outlook.mu, outlook.sigma, brackets)


def outlook_standard_errors(outlook: Outlook, brackets: Sequence[Bracket]) -> tuple[float, ...]:
    """Standard errors of `outlook_probabilities`, from the outlook's own parameter uncertainty."""
    return bracket_standard_errors(outlook.mu, outlook.sigma, outlook.mu_se, outlook.ln_sigma_se, brackets)


def _edges(brackets: Sequence[Bracket]) -> tuple[_Floats, _Floats]:
    for low, high in brackets:
        if low is not None and high is not None and low > high:
            raise ValueError(f"bracket {low}..{high} is empty")
    lows = [-np.inf if low is None else low - _HALF_DEGREE for low, _ in brackets]
    highs = [np.inf if high is None else high + _HALF_DEGREE for _, high in brackets]
    return np.asarray(lows, dtype=np.float64), np.asarray(highs, dtype=np.float64)


def _probabilities(mu: float, sigma: float, low: _Floats, high: _Floats) -> _Floats:
    if not (isfinite(mu) and isfinite(sigma) and sigma > 0):
        raise ValueError(f"not a distribution: mu={mu}, sigma={sigma}")
    z_low, z_high = (low - mu) / sigma, (high - mu) / sigma
    # In the upper tail 1 − Φ loses every digit; the mirrored difference keeps them.
    upper = z_low > 0
    difference = ndtr(np.where(upper, -z_low, z_high)) - ndtr(np.where(upper, -z_high, z_low))
    return np.asarray(difference, dtype=np.float64)


def _slope(above: _Floats, below: _Floats, step: float) -> _Floats:
    return (above - below) / (2 * step)
