"""How much a Sharpe ratio is worth after short samples, skew, fat tails and many attempts.

Source: Bailey & López de Prado 2012, J. Risk 15(2) (probabilistic) and 2014, J. Portfolio Management 40(5) (deflated).
All ratios are per period, never annualised.
"""

from math import e, sqrt
from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri

_EULER_GAMMA: Final = float(np.euler_gamma)


def probabilistic_sharpe(
    sharpe: float, n: int, *, skew: float = 0.0, kurtosis: float = 3.0, benchmark: float = 0.0
) -> float:
    """P(true ratio > benchmark) = Φ((SR − SR*) √(n − 1) / √(1 − γ₃ SR + (γ₄ − 1)/4 SR²)).

    `kurtosis` is 3 for a normal. Raises ValueError for fewer than two periods or moments that no returns have.
    """
    variance = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if n < 2 or not variance > 0:
        raise ValueError(f"no Sharpe ratio has n={n}, skew={skew}, kurtosis={kurtosis}")
    return float(ndtr((sharpe - benchmark) * sqrt(n - 1) / sqrt(variance)))


def expected_max_sharpe(trials: int, variance: float) -> float:
    """The best ratio that `trials` worthless strategies show on average: √V ((1 − γ) Φ⁻¹(1 − 1/N) + γ Φ⁻¹(1 − 1/(Ne))).

    `variance` is that of the ratios over the trials. Raises ValueError for fewer than two trials or a negative variance.
    """
    if trials < 2 or not variance >= 0:
        raise ValueError(f"needs two trials and a variance, got {trials} and {variance}")
    quantile = (1 - _EULER_GAMMA) * ndtri(1 - 1 / trials) + _EULER_GAMMA * ndtri(1 - 1 / (trials * e))
    return float(sqrt(variance) * quantile)


def deflated_sharpe(
    sharpe: float, n: int, *, trials: int, variance: float, skew: float = 0.0, kurtosis: float = 3.0
) -> float:
    """`probabilistic_sharpe` against the best of as many worthless `trials`; their number comes from a registry."""
    benchmark = expected_max_sharpe(trials, variance)
    return probabilistic_sharpe(sharpe, n, skew=skew, kurtosis=kurtosis, benchmark=benchmark)
