"""A weather of which everything is known: the best mean is a martingale that jumps at revisions only.

The high is the last mean plus a last surprise, so a Gaussian around the best mean is exactly right at any instant.
"""

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache

import numpy as np

from sandbox.cities import City
from sandbox.world.market_chance import generator

STEP = timedelta(hours=6)
STEPS_BEFORE = 12
STEPS_AFTER = 3
STEP_SD_F = 1.0
LAST_SD_F = 0.8
ROUNDING_VARIANCE = 1 / 12
PUBLIC_SD_F = 1.5


class Martingale:
    """Revisions every six hours from three days before the climate day until its 18th hour."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._drawn = lru_cache(5_000)(self._draw)

    def high_f(self, city: City, day: date) -> int:
        means, _, surprise = self._drawn(city, day)
        return math.floor(means[-1] + surprise + 0.5)

    def forecast_high_f(self, city: City, day: date, at: datetime) -> int | None:
        """The best mean with an error of its own: worse than the makers know."""
        step = self._step(city, day, at)
        return None if step < 0 else self._public(city, day, step)

    def revisions(self, city: City, day: date, until: datetime) -> Sequence[tuple[datetime, int]]:
        first = self._first(city, day)
        steps = range(self._step(city, day, until) + 1)
        return [(first + step * STEP, self._public(city, day, step)) for step in steps]

    def best_mu_sigma(self, city: City, day: date, at: datetime) -> tuple[float, float]:
        step = self._step(city, day, at)
        left = STEPS_BEFORE + STEPS_AFTER - step
        return self._drawn(city, day)[0][step], math.sqrt(
            left * STEP_SD_F**2 + LAST_SD_F**2 + ROUNDING_VARIANCE
        )

    def max_so_far_f(self, city: City, day: date, at: datetime) -> int | None:
        return None

    def _first(self, city: City, day: date) -> datetime:
        return city.climate_day_start(day) - STEPS_BEFORE * STEP

    def _step(self, city: City, day: date, at: datetime) -> int:
        return min((at - self._first(city, day)) // STEP, STEPS_BEFORE + STEPS_AFTER)

    def _public(self, city: City, day: date, step: int) -> int:
        means, errors, _ = self._drawn(city, day)
        return math.floor(means[step] + errors[step] + 0.5)

    def _draw(self, city: City, day: date) -> tuple[list[float], list[float], float]:
        chance: np.random.Generator = generator(self._seed, "weather", city.code, day.isoformat())
        jumps = chance.normal(0.0, STEP_SD_F, STEPS_BEFORE + STEPS_AFTER + 1)
        errors = chance.normal(0.0, PUBLIC_SD_F, len(jumps))
        means = 60.0 + np.cumsum(jumps)
        return means.tolist(), errors.tolist(), float(chance.normal(0.0, LAST_SD_F))
