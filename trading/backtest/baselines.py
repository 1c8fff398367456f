"""What anyone could have said without us: climatology, the point forecast with its own spread, and the market's prices.

Each knows only what had been published by its moment. A baseline that has too little to go on is silent.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import sqrt
from statistics import fmean, stdev
from typing import Final

from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day_bounds
from trading.backtest.as_of import PAID_OUT_AT
from trading.backtest.recorded_types import DailyHigh, Recording
from weather.domain.brackets import Bracket
from weather.domain.distribution import bracket_probabilities
from weather.domain.families import Normal

OFFICIAL: Final = ("cli", "iem", "ncei")
"""Sources of highs of the whole climate day at the settling station, the better one first. Others are not used: the
bulletin's is of the daytime only, and partly of other stations."""
SEASON: Final = timedelta(days=15)
"""Around the same day of other years, what climatology looks at."""
LAST_ERRORS: Final = 60
"""Days whose errors the point forecast's spread is learned from."""
FEWEST: Final = 10
LEAST_SPREAD_F: Final = 1.0
"""A narrower one is a coincidence of few days (reference: no spread below 1 °F)."""
_YEAR: Final = 365.25


class Baselines:
    """Baseline forecasts from one recording, as of any moment."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._highs = official_highs(recording.highs)
        self._error = lru_cache(maxsize=200_000)(self._uncached_error)

    def climatology(self, city_code: str, day: date, now: datetime) -> Normal | None:
        """Highs within 15 days of the same day of the year, of all years known by then."""
        highs = self._highs.get(city_code, {})
        near = [
            float(high_f)
            for other, high_f in highs.items()
            if known_at(other) <= now and _days_of_year_apart(other, day) <= SEASON.days
        ]
        return _spread_of(near)

    def point_spread(self, city_code: str, day: date, now: datetime) -> Normal | None:
        """The newest point forecast, moved and spread as it missed at the same hours on the days before."""
        forecast = self._recording.forecast_at(city_code, day, now)
        errors: list[float] = []
        start = climate_day_bounds(day, load_cities()[city_code].std_offset_hours)[0]
        highs = self._highs.get(city_code, {})
        for back in range(1, 2 * LAST_ERRORS):
            other = day - timedelta(days=back)
            if other in highs and known_at(other) <= now:
                error = self._error(city_code, other, now - start)
                if error is not None:
                    errors.append(error)
            if len(errors) == LAST_ERRORS:
                break
        missed = _spread_of(errors)
        if forecast is None or missed is None:
            return None
        return Normal(mu=float(forecast.high_f) + missed.mu, sigma=missed.sigma)

    def _uncached_error(self, city_code: str, day: date, into_day: timedelta) -> float | None:
        """Observed minus forecast of `day` as of `into_day` after its start (before, when negative), °F."""
        start = climate_day_bounds(day, load_cities()[city_code].std_offset_hours)[0]
        forecast = self._recording.forecast_at(city_code, day, start + into_day)
        return None if forecast is None else self._highs[city_code][day] - float(forecast.high_f)


def known_at(day: date) -> datetime:
    """When the official high of a day can be had: with the morning's report, at the time events are paid."""
    return datetime.combine(day + timedelta(days=1), PAID_OUT_AT, UTC)


def read_off(distribution: Normal | None, brackets: Sequence[Bracket]) -> tuple[float, ...] | None:
    """Its probabilities of the brackets; None without one."""
    return None if distribution is None else bracket_probabilities(distribution, brackets)


def official_highs(highs: Iterable[DailyHigh]) -> Mapping[str, dict[date, int]]:
    """One high for each city and day, from the best source that has it, by day ascending."""
    best: dict[str, dict[date, tuple[int, int]]] = defaultdict(dict)
    for high in highs:
        if high.source in OFFICIAL and high.high_f is not None:
            ranked = (OFFICIAL.index(high.source), high.high_f)
            days = best[high.city_code]
            days[high.day] = min(days.get(high.day, ranked), ranked)
    return {city: {day: days[day][1] for day in sorted(days)} for city, days in best.items()}


def _spread_of(values: Sequence[float]) -> Normal | None:
    """The normal distribution of a further value; None with too few."""
    if len(values) < FEWEST:
        return None
    spread = max(stdev(values), LEAST_SPREAD_F) * sqrt(1 + 1 / len(values))
    return Normal(mu=fmean(values), sigma=spread)


def _days_of_year_apart(one: date, other: date) -> float:
    apart = abs((one - other).days) % _YEAR
    return min(apart, _YEAR - apart)
