"""Putting estimates together: by their precision, by their past errors, and shrunk toward what many places share.

Source: project reference on probability and sizing, sections 1.2 and 1.3.
"""

from collections.abc import Mapping, Sequence
from math import isfinite, sqrt
from typing import Final, NamedTuple

PRIOR_DAYS: Final = 30.0
"""The pooled prior weighs as much as this many days of own errors."""


class Estimate(NamedTuple):
    """A mean and the standard deviation around it, °F."""

    mean: float
    sigma: float


class Combination(NamedTuple):
    """The combined forecast of the sources present, °F."""

    mean: float
    inflation: float
    """Factor for sigma because of missing sources: √(1 / Σ weights present), 1 when all are there."""
    missing: tuple[str, ...]


def precision_blend(estimates: Sequence[Estimate]) -> Estimate:
    """Independent estimates of one quantity, weighted by 1/σ²; the result's variance is 1/Σ(1/σ²).

    Raises ValueError for none, or for one without a finite mean and a finite sigma above 0.
    """
    if not estimates or not all(isfinite(e.mean) and isfinite(e.sigma) and e.sigma > 0 for e in estimates):
        raise ValueError(f"cannot blend {estimates}")
    precisions = [e.sigma**-2 for e in estimates]
    total = sum(precisions)
    mean = sum(p * e.mean for p, e in zip(precisions, estimates, strict=True)) / total
    return Estimate(mean, sqrt(1 / total))


def shrunk_sigma(own: float, effective_days: float, prior: float, prior_days: float = PRIOR_DAYS) -> float:
    """√((n s² + k σ₀²) / (n + k)): own spread `own` from n effective days, drawn to the pooled `prior`.

    Raises ValueError unless the prior is above 0, `own` and both weights are not negative and not both weights 0.
    """
    weight = effective_days + prior_days
    if not (prior > 0 and own >= 0 and effective_days >= 0 and prior_days >= 0 and weight > 0):
        raise ValueError(f"cannot shrink {own} of {effective_days} days to {prior} of {prior_days}")
    return sqrt((effective_days * own**2 + prior_days * prior**2) / weight)


def source_weights(mean_absolute_errors: Mapping[str, float], ridge_f: float = 1.0) -> dict[str, float]:
    """Weights ∝ 1/(MAE² + τ²) that sum to 1; `ridge_f` (τ, °F) keeps a lucky month from ruling.

    Raises ValueError for no sources, or for errors and a ridge that are negative or both 0.
    """
    errors = mean_absolute_errors.values()
    if not errors or not all(
        isfinite(mae) and mae >= 0 and ridge_f >= 0 and mae + ridge_f > 0 for mae in errors
    ):
        raise ValueError(f"no errors to weigh by: {dict(mean_absolute_errors)} with ridge {ridge_f}")
    shares = {name: 1 / (mae**2 + ridge_f**2) for name, mae in mean_absolute_errors.items()}
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def combine(weights: Mapping[str, float], forecasts: Mapping[str, float | None]) -> Combination:
    """The weighted mean of the bias-corrected `forecasts` that are there (None or absent is missing).

    Missing sources give their weight to the others and widen sigma. Raises ValueError when no weighted one is there.
    """
    present = {name: value for name in weights if (value := forecasts.get(name)) is not None}
    weight = sum(weights[name] for name in present)
    if not weight > 0:
        raise ValueError(f"none of {', '.join(sorted(weights))} is there")
    mean = sum(weights[name] * value for name, value in present.items()) / weight
    whole = sum(weights.values())
    missing = tuple(sorted(weights.keys() - present.keys()))
    return Combination(mean, sqrt(whole / weight), missing)
