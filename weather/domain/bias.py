"""A source's bias, learned online: a random walk seen through noise (scalar Kalman filter).

One state per city, source and lead. Update only with final labels. Source: project reference on probability and
sizing, section 1.2; Kalman 1960, J. Basic Engineering 82:35. An exponential average is this filter's steady state.
"""

from collections.abc import Iterable
from itertools import accumulate
from math import isfinite
from typing import Final, NamedTuple

LARGEST_BIAS_F: Final = 4.0
"""No correction beyond this is believed: a larger one is a wrong station or a wrong day."""


class BiasState(NamedTuple):
    """What is believed of (forecast − observed), °F, and its variance, °F²."""

    bias: float
    variance: float

    @property
    def correction(self) -> float:
        """°F to add to a forecast: minus the bias, within ±LARGEST_BIAS_F."""
        return -max(-LARGEST_BIAS_F, min(LARGEST_BIAS_F, self.bias))


class BiasNoise(NamedTuple):
    """Variances, °F²: `drift` (Q) of the bias from day to day, `error` (R) of one day's forecast error around it."""

    drift: float
    error: float


def update_bias(state: BiasState, forecast_error: float, noise: BiasNoise) -> BiasState:
    """The state after one more final (forecast − observed): P += Q, K = P/(P + R), b += K(e − b), P *= 1 − K.

    Raises ValueError for a value that is not finite, a negative variance, or an error variance not above 0.
    """
    if not all(map(isfinite, (*state, forecast_error, *noise))):
        raise ValueError(f"not finite: {state}, {forecast_error}, {noise}")
    if state.variance < 0 or noise.drift < 0 or noise.error <= 0:
        raise ValueError(f"not variances: {state.variance}, {noise}")
    predicted = state.variance + noise.drift
    gain = predicted / (predicted + noise.error)
    return BiasState(state.bias + gain * (forecast_error - state.bias), (1 - gain) * predicted)


def bias_path(start: BiasState, forecast_errors: Iterable[float], noise: BiasNoise) -> tuple[BiasState, ...]:
    """The state after each of `forecast_errors` in time order, without `start`. Raises as `update_bias`."""
    states = accumulate(forecast_errors, lambda state, e: update_bias(state, e, noise), initial=start)
    return tuple(states)[1:]
