"""Continuous ranked probability score ∫ (F(x) − 1{x ≥ y})² dx: the error of a whole distribution, in its own unit.

A point forecast's CRPS is its absolute error. Closed forms: Gneiting, Raftery, Westveld & Goldman 2005, MWR 133:1098
(normal); Jordan, Krüger & Lerch 2019, J. Stat. Software 90(12), appendix A (Student-t).
"""

from math import pi, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, gammaln, ndtr, stdtr

from milkbot.core.arrays import Floats, distributions, finite

_SQRT_2PI: Final = sqrt(2 * pi)
_ONE_OVER_SQRT_PI: Final = 1 / sqrt(pi)


def crps_normal(mu: npt.ArrayLike, sigma: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
    """σ [z (2Φ(z) − 1) + 2φ(z) − 1/√π] with z = (y − μ)/σ; arguments broadcast.

    Raises ValueError for a value that is not finite or a sigma not above 0.
    """
    spread, z = _standardised(mu, sigma, y)
    return np.asarray(spread * (z * (2 * ndtr(z) - 1) + 2 * _phi(z) - _ONE_OVER_SQRT_PI))


def crps_normal_gradient(mu: npt.ArrayLike, sigma: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
    """(∂/∂μ, ∂/∂σ) of `crps_normal`: 1 − 2Φ(z) and 2φ(z) − 1/√π. Raises as `crps_normal`."""
    _, z = _standardised(mu, sigma, y)
    return np.asarray(1 - 2 * ndtr(z)), np.asarray(2 * _phi(z) - _ONE_OVER_SQRT_PI)


def crps_student_t(loc: npt.ArrayLike, scale: npt.ArrayLike, df: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
    """s [z (2F(z) − 1) + 2 f(z) (ν + z²)/(ν − 1) − 2√ν B(½, ν − ½) / ((ν − 1) B(½, ν/2)²)], z = (y − loc)/s.

    `scale` is not the standard deviation, which is scale·√(ν/(ν − 2)). Raises ValueError for a value that is not
    finite, a scale not above 0, or df not above 1, where the score is infinite.
    """
    spread, z = _standardised(loc, scale, y)
    freedom = finite(df)
    if (freedom <= 1).any():
        raise ValueError(f"the score needs more than one degree of freedom, got {freedom}")
    ln_density = (
        gammaln((freedom + 1) / 2)
        - gammaln(freedom / 2)
        - np.log(freedom * pi) / 2
        - (freedom + 1) / 2 * np.log1p(z**2 / freedom)
    )
    ln_self_distance = betaln(0.5, freedom - 0.5) - 2 * betaln(0.5, freedom / 2)
    shape = 2 * np.exp(ln_density) * (freedom + z**2) - 2 * np.sqrt(freedom) * np.exp(ln_self_distance)
    return np.asarray(spread * (z * (2 * stdtr(freedom, z) - 1) + shape / (freedom - 1)))


def crps_integer(first: int, pmf: npt.ArrayLike, y: int) -> float:
    """Σₖ (F(k) − 1{k ≥ y})² of a whole-number forecast `pmf` over first, first + 1, …, whose unit step is one degree.

    An outcome beyond the support counts its whole distance. Raises ValueError when `pmf` are no probabilities.
    """
    masses = distributions(pmf)
    if masses.ndim != 1:
        raise ValueError("one forecast at a time: a row of probabilities")
    steps = np.arange(first, first + masses.size)
    inside = float(((np.cumsum(masses) - (steps >= y)) ** 2)[:-1].sum())
    beyond = max(first - y, y - int(steps[-1]), 0)
    return inside + beyond


def _standardised(centre: npt.ArrayLike, spread: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
    widths = finite(spread)
    if (widths <= 0).any():
        raise ValueError(f"a spread must be above 0, was {widths}")
    return widths, np.asarray((finite(y) - finite(centre)) / widths)


def _phi(z: Floats) -> Floats:
    return np.asarray(np.exp(-(z**2) / 2) / _SQRT_2PI)
