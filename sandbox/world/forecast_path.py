"""How wrong the forecast of one day's high is from a week ahead until the day's end, and the high itself.

The error comes first: a martingale path whose standard deviation at the measured leads is the error table's, and the
truth is the week-old forecast plus the whole path. So every revision is news, and forecasts improve as they do in life.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import sqrt
from typing import Final

import numpy as np

from sandbox.cities import City
from sandbox.world.chance import Floats, normal, normals, spread_of_heavy_tails
from sandbox.world.climate import (
    MARINE,
    SKILLS,
    anchor_sigmas,
    eastern_morning,
    high_spread,
    normal_high,
)

HOUR: Final = timedelta(hours=1)
HALF_HOUR: Final = timedelta(minutes=30)
FIRST_LEAD_H: Final = 180
LEAD_STEP_H: Final = 3
ANCHOR_LEADS_H: Final = (0, 12, 24, 36)

SIGMA_GROWTH_PER_DAY: Final = 0.12
LARGEST_SHARE_UNFORESEEN: Final = 0.6
"""Of the variance of highs about the normal, at most this share is unknown a week ahead."""
ROUNDING_VARIANCE: Final = 1 / 6
"""Settled and forecast highs are whole degrees: each adds a twelfth to the variance the table measured."""

SETTLING: Final = (
    (9.0, 1.0),
    (10.0, 0.85),
    (12.0, 0.65),
    (14.0, 0.45),
    (16.0, 0.25),
    (18.0, 0.12),
    (20.0, 0.08),
)
"""(hour of local standard time, share of the d0 sigma left): project reference on NWS and settlement, 5.3."""
MARINE_SETTLING: Final = 1.25

MEMORY_DAYS: Final = 9
REGIME_MEMORY: Final = 0.85
REGIME_DAYS: Final = 32
HEAVY_TAIL_ATTENUATION: Final = 0.9153
"""Two independent heavy-tailed spreads leave this share of the correlation of the normals under them (E[sqrt w])^2."""

NORTH_EAST: Final = {
    "NYC": (1.0, 0.0, 0.0),
    "PHL": (0.45, sqrt(1 - 0.45**2), 0.0),
    "BOS": (0.22, 0.0457, 0.9744),
}
"""Rows of the factor of the correlations NYC-PHL 0.45, NYC-BOS 0.22, PHL-BOS 0.14; the three share their spread."""
REGIME_SHARED: Final = 0.85


@dataclass(frozen=True, slots=True)
class ForecastPath:
    """`errors_f[k]`: high of the daytime minus its forecast from `knots[k]` (UTC seconds) on; `sigmas_f` its deviation.

    Both end with the last knot; there the whole day is known but for a fraction of a degree.
    """

    day_peak_f: float
    knots: Floats
    errors_f: Floats
    sigmas_f: Floats

    def index(self, at: datetime) -> int:
        """The last knot not later than `at`; -1 before the first."""
        return int(np.searchsorted(self.knots, at.timestamp(), side="right")) - 1

    def error_f(self, at: datetime) -> float:
        """Daytime high minus the expectation at `at`."""
        return float(self.errors_f[max(self.index(at), 0)])

    def sigma_f(self, at: datetime) -> float:
        """The error's standard deviation at `at`."""
        return float(self.sigmas_f[max(self.index(at), 0)])


class ForecastPaths:
    """The paths of one world."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.path = lru_cache(maxsize=4096)(self._path)
        self._news = lru_cache(maxsize=8192)(self._drawn_news)
        self._heaviness = lru_cache(maxsize=8192)(self._drawn_heaviness)
        self._regime_news = lru_cache(maxsize=8192)(self._drawn_regime_news)

    def _path(self, city: City, day: date) -> ForecastPath:
        knots, sigmas = _schedule(city, day)
        variances = np.append(sigmas**2, 0.0)
        steps = np.sqrt(np.maximum(variances[:-1] - variances[1:], 0.0)) * self._remembered_news(
            city.code, day
        )
        errors = np.cumsum(steps[::-1])[::-1] * sqrt(self._heaviness(_family(city.code), day))
        foreseen = sqrt(max(high_spread(city.code, day) ** 2 - float(variances[0]), 0.0))
        week_ahead = normal_high(city.code, day) + foreseen * self._regime(city.code, day)
        return ForecastPath(week_ahead + float(errors[0]), knots, errors, sigmas)

    def _remembered_news(self, code: str, day: date) -> Floats:
        """Standard normals by knot, correlated from day to day as the city's errors are."""
        rho = news_memory(code)
        news = sum(
            rho**back * self._news(code, day - timedelta(days=back)) for back in reversed(range(MEMORY_DAYS))
        )
        return np.asarray(news * _unit_scale(rho, MEMORY_DAYS))

    def _drawn_news(self, code: str, day: date) -> Floats:
        if code not in NORTH_EAST:
            return normals(self._seed, code, day, "news", count=KNOTS)
        factors = (normals(self._seed, name, day, "news", count=KNOTS) for name in NORTH_EAST)
        return np.asarray(
            sum(weight * factor for weight, factor in zip(NORTH_EAST[code], factors, strict=True))
        )

    def _drawn_heaviness(self, family: str, day: date) -> float:
        return spread_of_heavy_tails(self._seed, family, day, "spread")

    def _regime(self, code: str, day: date) -> float:
        """A standard normal with long memory: the part of the anomaly that is foreseen a week ahead."""
        return _unit_scale(REGIME_MEMORY, REGIME_DAYS) * sum(
            REGIME_MEMORY**back * self._regime_news(code, day - timedelta(days=back))
            for back in reversed(range(REGIME_DAYS))
        )

    def _drawn_regime_news(self, code: str, day: date) -> float:
        own = normal(self._seed, code, day, "regime")
        if code not in NORTH_EAST:
            return own
        common = normal(self._seed, "NORTH_EAST", day, "regime")
        return REGIME_SHARED * common + sqrt(1 - REGIME_SHARED**2) * own


def news_memory(code: str) -> float:
    """Lag-1 correlation of the normals under a city's errors."""
    return SKILLS[code].memory / HEAVY_TAIL_ATTENUATION


def _family(code: str) -> str:
    return "NORTH_EAST" if code in NORTH_EAST else code


def _unit_scale(rho: float, terms: int) -> float:
    return 1 / sqrt(sum(rho ** (2 * back) for back in range(terms)))


def _knot_hours() -> tuple[list[float], list[float]]:
    """Hours relative to d0 of the knots before the day, and hours of local standard time of those in it."""
    before = [float(-lead) for lead in range(FIRST_LEAD_H, -1, -LEAD_STEP_H)]
    during = [9.0 + step / 2 for step in range(1, 31)]
    return before, during


KNOTS: Final = sum(len(hours) for hours in _knot_hours())


def _schedule(city: City, day: date) -> tuple[Floats, Floats]:
    """Knots (UTC seconds) and the sigma from each on."""
    before, during = _knot_hours()
    d0 = eastern_morning(day).timestamp()
    starts = city.climate_day_start(day).timestamp()
    knots = np.array([d0 + hour * 3600 for hour in before] + [starts + hour * 3600 for hour in during])
    return knots, _sigmas(city.code, day, np.array(before), np.array(during))


def _sigmas(code: str, day: date, before: Floats, during: Floats) -> Floats:
    table = [sqrt(sigma**2 - ROUNDING_VARIANCE) for sigma in anchor_sigmas(code, day)]
    longest = table[-1] * (1 + SIGMA_GROWTH_PER_DAY * (FIRST_LEAD_H - ANCHOR_LEADS_H[-1]) / 24)
    longest = max(table[-1], min(longest, sqrt(LARGEST_SHARE_UNFORESEEN) * high_spread(code, day)))
    ahead = np.interp(-before, [*ANCHOR_LEADS_H, FIRST_LEAD_H], [*table, longest])
    hours, shares = zip(*SETTLING, strict=True)
    left = np.interp(during, hours, shares) * (MARINE_SETTLING if code in MARINE else 1.0)
    return np.concatenate([ahead, table[0] * np.minimum(left, 1.0)])
