"""Ensemble model output statistics: N(a + b·x̄, c + d·s²) with coefficients of least mean CRPS.

Source: Gneiting, Raftery, Westveld & Goldman 2005, MWR 133:1098; project reference on probability and sizing,
section 1.2. c and d are fitted as they are, between bounds above 0: in their logarithms, which are usual, the loss is flat where
one of them is next to nothing, and a search that comes there stays.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from milkbot.core.arrays import Floats, finite
from milkbot.core.scoring.crps import crps_normal, crps_normal_gradient
from weather.domain.families import Normal

FEWEST_ROWS: Final = 60
"""With fewer rows the prior spread is the better forecast."""

_VARIANCE_BOUNDS: Final = (1e-6, 1e4)
_FIT_OPTIONS: Final = {"maxiter": 500, "ftol": 1e-12, "gtol": 1e-8}


class EmosParameters(NamedTuple):
    """°F and °F²: mean a + b·x̄, variance c + d·s²; c and d above 0."""

    a: float
    b: float
    c: float
    d: float

    def predict(self, ensemble_mean: float, ensemble_variance: float) -> Normal:
        """The calibrated distribution. Raises ValueError when it has no positive variance."""
        variance = self.c + self.d * ensemble_variance
        return Normal(mu=self.a + self.b * ensemble_mean, sigma=float(np.sqrt(max(variance, 0.0))))


START: Final = EmosParameters(a=0.0, b=1.0, c=4.0, d=0.5)
"""An unbiased source with a spread of a day ahead: where a fit begins without a fit of yesterday."""


@dataclass(frozen=True)
class TrainingRows:
    """Past forecasts and what settled, one row each: mean x̄ (°F), variance s² (°F²), outcome (°F), weight.

    Raises ValueError for columns of different lengths, no rows, a value that is not finite, a negative variance or
    weight, or weights that are all 0.
    """

    ensemble_mean: Floats
    ensemble_variance: Floats
    observed: Floats
    weight: Floats

    @classmethod
    def of(
        cls,
        ensemble_mean: npt.ArrayLike,
        ensemble_variance: npt.ArrayLike,
        observed: npt.ArrayLike,
        weight: npt.ArrayLike | None = None,
    ) -> "TrainingRows":
        """Rows from anything array-like; without `weight` all count alike."""
        y = finite(observed)
        weights = np.ones_like(y) if weight is None else finite(weight)
        return cls(finite(ensemble_mean), finite(ensemble_variance), y, weights)

    def __post_init__(self) -> None:
        columns = (self.ensemble_mean, self.ensemble_variance, self.observed, self.weight)
        if (
            len({column.shape for column in columns}) != 1
            or self.observed.ndim != 1
            or not self.observed.size
        ):
            raise ValueError("training rows need four columns of one length")
        if (self.ensemble_variance < 0).any() or (self.weight < 0).any() or not self.weight.sum() > 0:
            raise ValueError("variances and weights must not be negative, and some weight must be left")

    def __len__(self) -> int:
        return int(self.observed.size)


def emos_mean_crps(parameters: EmosParameters, rows: TrainingRows) -> float:
    """Weighted mean CRPS in °F of the forecasts that `parameters` give for `rows`."""
    mu, sigma = _moments(parameters, rows)
    return float(np.average(crps_normal(mu, sigma, rows.observed), weights=rows.weight))


def emos_gradient(parameters: EmosParameters, rows: TrainingRows) -> EmosParameters:
    """The derivatives of `emos_mean_crps` by a, b, c and d."""
    mu, sigma = _moments(parameters, rows)
    by_mu, by_sigma = crps_normal_gradient(mu, sigma, rows.observed)
    by_variance = by_sigma / (2 * sigma)
    return EmosParameters(
        a=float(np.average(by_mu, weights=rows.weight)),
        b=float(np.average(by_mu * rows.ensemble_mean, weights=rows.weight)),
        c=float(np.average(by_variance, weights=rows.weight)),
        d=float(np.average(by_variance * rows.ensemble_variance, weights=rows.weight)),
    )


def fit_emos(rows: TrainingRows, start: EmosParameters = START) -> EmosParameters:
    """Parameters of least weighted mean CRPS, from `start` (yesterday's fit) by L-BFGS-B; never worse than `start`.

    Raises ValueError for fewer than FEWEST_ROWS rows: keep the prior spread then.
    """
    if len(rows) < FEWEST_ROWS:
        raise ValueError(f"{len(rows)} rows are too few to fit, {FEWEST_ROWS} are needed")
    # Around its mean the slope no longer moves the intercept, which is what makes the search quick.
    centre = float(np.average(rows.ensemble_mean, weights=rows.weight))
    centred = TrainingRows(rows.ensemble_mean - centre, rows.ensemble_variance, rows.observed, rows.weight)

    def loss(point: Floats) -> tuple[float, Floats]:
        parameters = EmosParameters(*point.tolist())
        return emos_mean_crps(parameters, centred), np.asarray(emos_gradient(parameters, centred))

    a, b, c, d = start
    guess = np.asarray([a + b * centre, b, *np.clip([c, d], *_VARIANCE_BOUNDS)])
    free = (None, None)
    found = minimize(
        loss,
        guess,
        jac=True,
        method="L-BFGS-B",
        bounds=[free, free, _VARIANCE_BOUNDS, _VARIANCE_BOUNDS],
        options=dict(_FIT_OPTIONS),
    )
    at_mean, slope, c, d = found.x.tolist()
    fitted = EmosParameters(at_mean - slope * centre, slope, c, d)
    return min(fitted, start, key=lambda parameters: emos_mean_crps(parameters, rows))


def _moments(parameters: EmosParameters, rows: TrainingRows) -> tuple[Floats, Floats]:
    a, b, c, d = parameters
    return a + b * rows.ensemble_mean, np.sqrt(c + d * rows.ensemble_variance)
