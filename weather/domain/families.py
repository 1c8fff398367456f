"""Families of distributions of a day's maximum, °F: frozen, checked, and stored as JSON by their `family`.

`cdf` is P(X ≤ x) and `sf` P(X > x), both over arrays of x including ±∞; a family gives both because 1 − F loses every
digit in the upper tail. Source: project reference on probability and sizing, sections 1.2 and 2.2.
"""

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Annotated, Final, Literal, Protocol, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, model_validator
from scipy.special import log_ndtr, ndtr, ndtri, owens_t, stdtr

from milkbot.core.arrays import SUM_TOLERANCE, Floats

MOST_WIDTHS: Final = 100
"""The shared error of hourly forecasts may be at most this many times an hour's own: far beyond any weather."""
_NODES_PER_WIDTH: Final = 1.5
_TAIL_WIDTHS: Final = 8.5


class Curve(Protocol):
    """What a bracket's probability is read from."""

    def cdf(self, x: Floats) -> Floats:
        """P(X ≤ x)."""

    def sf(self, x: Floats) -> Floats:
        """P(X > x), exact in the upper tail."""

    def between(self, low: Floats, high: Floats) -> Floats:
        """P(low < X <= high), elementwise."""


class Family(BaseModel):
    """A distribution over the real line. Parameters that make none raise ValueError (pydantic's ValidationError)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @abstractmethod
    def cdf(self, x: Floats) -> Floats:
        """P(X ≤ x)."""

    @abstractmethod
    def sf(self, x: Floats) -> Floats:
        """P(X > x), exact in the upper tail."""

    def between(self, low: Floats, high: Floats) -> Floats:
        """P(low < X <= high), elementwise, exact in both tails. Edges may be infinite."""
        below = self.cdf(low)
        # Above the median the difference of upper tails keeps the digits that 1 − F has lost.
        mass = np.where(below > 0.5, self.sf(low) - self.sf(high), self.cdf(high) - below)
        return np.asarray(np.maximum(mass, 0.0))


class Normal(Family):
    family: Literal["normal"] = "normal"
    mu: float
    sigma: PositiveFloat

    def cdf(self, x: Floats) -> Floats:
        return np.asarray(ndtr((x - self.mu) / self.sigma))

    def sf(self, x: Floats) -> Floats:
        return np.asarray(ndtr((self.mu - x) / self.sigma))

    def between(self, low: Floats, high: Floats) -> Floats:
        # By symmetry two values do instead of four: this is the family of every cycle.
        z_low, z_high = (low - self.mu) / self.sigma, (high - self.mu) / self.sigma
        upper = z_low > 0
        return np.asarray(ndtr(np.where(upper, -z_low, z_high)) - ndtr(np.where(upper, -z_high, z_low)))


class _StudentParameters(Protocol):
    """Of one of Student's t, or of several: then they are broadcast against what is asked for."""

    @property
    def loc(self) -> float | Floats: ...

    @property
    def scale(self) -> float | Floats: ...

    @property
    def df(self) -> float | Floats: ...


class _Student:
    """What Student's t says, however many they are."""

    def cdf(self: _StudentParameters, x: Floats) -> Floats:
        return np.asarray(stdtr(self.df, (x - self.loc) / self.scale))

    def sf(self: _StudentParameters, x: Floats) -> Floats:
        return np.asarray(stdtr(self.df, (self.loc - x) / self.scale))

    def between(self: _StudentParameters, low: Floats, high: Floats) -> Floats:
        # As of the normal one: two values instead of four.
        z_low, z_high = (low - self.loc) / self.scale, (high - self.loc) / self.scale
        upper = z_low > 0
        mass = stdtr(self.df, np.where(upper, -z_low, z_high)) - stdtr(
            self.df, np.where(upper, -z_high, z_low)
        )
        return np.asarray(np.maximum(mass, 0.0))


class StudentT(_Student, Family):
    """Location and scale of Student's t. `scale` is not the standard deviation: see `with_sd`."""

    family: Literal["student_t"] = "student_t"
    loc: float
    scale: PositiveFloat
    df: PositiveFloat

    @classmethod
    def with_sd(cls, mean: float, sd: float, df: float) -> Self:
        """The one whose standard deviation is `sd`: scale = sd·√((df − 2)/df). Raises ValueError unless df > 2."""
        if not df > 2:
            raise ValueError(f"with {df} degrees of freedom there is no standard deviation")
        return cls(loc=mean, scale=sd * sqrt((df - 2) / df), df=df)


@dataclass(frozen=True, slots=True)
class StudentTs(_Student):
    """Several of Student's t at once."""

    loc: Floats
    scale: Floats
    df: Floats


class SkewNormal(Family):
    """Azzalini's: F(z) = Φ(z) − 2T(z, α), T being Owen's function. Negative `alpha` has the longer cold tail."""

    family: Literal["skew_normal"] = "skew_normal"
    loc: float
    scale: PositiveFloat
    alpha: float

    def cdf(self, x: Floats) -> Floats:
        return _azzalini((x - self.loc) / self.scale, self.alpha)

    def sf(self, x: Floats) -> Floats:
        return _azzalini((self.loc - x) / self.scale, -self.alpha)


class NormalMixture(Family):
    """Σ wᵢ N(μᵢ, σᵢ²): keeps both modes when sources disagree about a front (Raftery et al. 2005, MWR 133:1155)."""

    family: Literal["normal_mixture"] = "normal_mixture"
    weights: tuple[Annotated[float, Field(ge=0)], ...] = Field(min_length=1)
    mus: tuple[float, ...]
    sigmas: tuple[PositiveFloat, ...]

    @model_validator(mode="after")
    def _is_mixture(self) -> Self:
        if not len(self.weights) == len(self.mus) == len(self.sigmas):
            raise ValueError("weights, mus and sigmas must be of one length")
        if abs(sum(self.weights) - 1) > SUM_TOLERANCE:
            raise ValueError(f"weights must sum to 1, not {sum(self.weights)}")
        return self

    def cdf(self, x: Floats) -> Floats:
        return self._mixed(ndtr((x[..., None] - np.asarray(self.mus)) / np.asarray(self.sigmas)))

    def sf(self, x: Floats) -> Floats:
        return self._mixed(ndtr((np.asarray(self.mus) - x[..., None]) / np.asarray(self.sigmas)))

    def _mixed(self, components: Floats) -> Floats:
        return np.asarray(components @ np.asarray(self.weights))


class Quantiles(Family):
    """Published percentiles: z = Φ⁻¹(level) is piecewise linear in x and goes on with its end slopes; F = Φ(z(x))."""

    family: Literal["quantiles"] = "quantiles"
    levels: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(min_length=2)
    values: tuple[float, ...]

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if len(self.levels) != len(self.values):
            raise ValueError("levels and values must be of one length")
        if not (_strictly_rising(self.levels) and _strictly_rising(self.values)):
            raise ValueError("levels and values must both rise strictly")
        return self

    def cdf(self, x: Floats) -> Floats:
        return np.asarray(ndtr(self._z(x)))

    def sf(self, x: Floats) -> Floats:
        return np.asarray(ndtr(-self._z(x)))

    def _z(self, x: Floats) -> Floats:
        values, z = np.asarray(self.values), ndtri(np.asarray(self.levels))
        piece = np.clip(np.searchsorted(values, x) - 1, 0, values.size - 2)
        slopes = np.diff(z) / np.diff(values)
        return np.asarray(z[piece] + slopes[piece] * (x - values[piece]))


class OneFactorMax(Family):
    """The maximum over hours whose errors share one factor: F(x) = ∫ φ(b; 0, τ²) Πₕ Φ((x − μₕ − b)/σ) db.

    `hourly_means` are the forecasts of the hours still to come, `tau` the sd of the error they share, `sigma_hour` of
    each hour's own. The mean of the maximum exceeds the largest hourly mean.
    """

    family: Literal["one_factor_max"] = "one_factor_max"
    hourly_means: tuple[float, ...] = Field(min_length=1)
    tau: float = Field(ge=0)
    sigma_hour: PositiveFloat

    @model_validator(mode="after")
    def _is_resolved(self) -> Self:
        if self.tau > MOST_WIDTHS * self.sigma_hour:
            raise ValueError(f"tau {self.tau} is more than {MOST_WIDTHS} times sigma_hour {self.sigma_hour}")
        return self

    def cdf(self, x: Floats) -> Floats:
        factor, weights = self._quadrature()
        return np.asarray(ndtr(self._z(x, factor)).prod(axis=-1) @ weights)

    def sf(self, x: Floats) -> Floats:
        factor, weights = self._quadrature()
        return np.asarray(-np.expm1(log_ndtr(self._z(x, factor)).sum(axis=-1)) @ weights)

    def between(self, low: Floats, high: Floats) -> Floats:
        # The brackets of a ladder share their edges, and each edge costs an integral: it is taken once.
        points, places = np.unique(np.concatenate([np.ravel(low), np.ravel(high)]), return_inverse=True)
        factor, weights = self._quadrature()
        logs = log_ndtr(self._z(points, factor)).sum(axis=-1)
        below, above = np.exp(logs) @ weights, -np.expm1(logs) @ weights
        lows, highs = places.reshape(2, -1)
        mass = np.where(below[lows] > 0.5, above[lows] - above[highs], below[highs] - below[lows])
        return np.asarray(np.maximum(mass, 0.0)).reshape(np.shape(low))

    def _z(self, x: Floats, factor: Floats) -> Floats:
        """Standardised x for each value of the shared error and each hour: shape x.shape + (factors, hours)."""
        centres = np.asarray(self.hourly_means) + factor[:, None]
        return np.asarray((x[..., None, None] - centres) / self.sigma_hour)

    def _quadrature(self) -> tuple[Floats, Floats]:
        """Values of the shared error and their weights.

        The trapezoidal rule converges exponentially on a smooth integrand that has died out at both ends, once its
        step is below the narrowest scale of it; Gauss-Hermite would need hundreds of nodes where sigma_hour < tau.
        """
        if self.tau == 0:
            return np.zeros(1), np.ones(1)
        step = min(1.0, self.sigma_hour / self.tau) / _NODES_PER_WIDTH
        half = int(np.ceil(_TAIL_WIDTHS / step))
        z = np.arange(-half, half + 1) * step
        density = np.exp(-(z**2) / 2)
        return np.asarray(self.tau * z), np.asarray(density / density.sum())


Distribution = Annotated[
    Normal | StudentT | SkewNormal | NormalMixture | Quantiles | OneFactorMax, Field(discriminator="family")
]
"""Any family, as a field of a stored record."""


def _azzalini(z: Floats, alpha: float) -> Floats:
    # In the short tail the two terms cancel and may leave a rounding error below zero.
    return np.asarray(np.maximum(ndtr(z) - 2 * owens_t(z, alpha), 0.0))


def _strictly_rising(values: Iterable[float]) -> bool:
    return all(low < high for low, high in pairwise(values))
