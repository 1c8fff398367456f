"""What anyone could have said without us: climatology, the point forecast with its own spread, and the market's prices.

Each knows only what had been published by its moment. A baseline that has too little to go on is silent.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from math import sqrt
from typing import Final, NamedTuple

import numpy as np

from milkbot.core.arrays import Floats
from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day_bounds
from trading.backtest.as_of import PAID_OUT_AT
from trading.backtest.quote_history import Int64s, micros_of
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


class _Record(NamedTuple):
    """A city's official highs by day ascending, as columns."""

    days: Int64s
    """Ordinals."""
    highs_f: Floats
    known_at: Int64s
    """Microseconds since 1970."""


class Baselines:
    """Baseline forecasts from one recording, as of any moment."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._records = {city: _record_of(highs) for city, highs in official_highs(recording.highs).items()}
        self._errors = cache(self._uncached_errors)
        self._usual = lru_cache(maxsize=100)(self._uncached_usual)

    def climatology(self, city_code: str, day: date, now: datetime) -> Normal | None:
        """Highs within 15 days of the same day of the year, of all years known by then."""
        record = self._records.get(city_code)
        if record is None:
            return None
        return self._usual(city_code, day, int(np.count_nonzero(record.known_at <= micros_of(now))))

    def _uncached_usual(self, city_code: str, day: date, known: int) -> Normal | None:
        """Of the first so many highs of the record: they are known in the order of their days."""
        record = self._records[city_code]
        near = _days_of_year_apart(record.days[:known], day) <= SEASON.days
        return _spread_of(record.highs_f[:known][near])

    def point_spread(self, city_code: str, day: date, now: datetime) -> Normal | None:
        """The newest point forecast, moved and spread as it missed at the same hours on the days before."""
        forecast, record = self._recording.forecast_at(city_code, day, now), self._records.get(city_code)
        if forecast is None or record is None:
            return None
        start = climate_day_bounds(day, load_cities()[city_code].std_offset_hours)[0]
        errors = self._errors(city_code, now - start)
        back = day.toordinal() - record.days
        told = (
            (back > 0) & (back < 2 * LAST_ERRORS) & (record.known_at <= micros_of(now)) & np.isfinite(errors)
        )
        missed = _spread_of(errors[told][-LAST_ERRORS:])
        return missed and Normal(mu=float(forecast.high_f) + missed.mu, sigma=missed.sigma)

    def _uncached_errors(self, city_code: str, into_day: timedelta) -> Floats:
        """Observed minus forecast of each day as of `into_day` after its start (before, when negative), °F; NaN without."""
        record, offset = self._records[city_code], load_cities()[city_code].std_offset_hours
        said = []
        for ordinal in record.days.tolist():
            day = date.fromordinal(ordinal)
            start, _ = climate_day_bounds(day, offset)
            forecast = self._recording.forecast_at(city_code, day, start + into_day)
            said.append(np.nan if forecast is None else float(forecast.high_f))
        found: Floats = record.highs_f - np.asarray(said)
        return found


def _record_of(highs: Mapping[date, int]) -> _Record:
    return _Record(
        np.asarray([day.toordinal() for day in highs], dtype=np.int64),
        np.asarray([*highs.values()], dtype=np.float64),
        np.asarray([micros_of(known_at(day)) for day in highs], dtype=np.int64),
    )


@lru_cache(maxsize=10_000)
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


def _spread_of(values: Floats) -> Normal | None:
    """The normal distribution of a further value; None with too few."""
    if len(values) < FEWEST:
        return None
    spread = max(float(values.std(ddof=1)), LEAST_SPREAD_F) * sqrt(1 + 1 / len(values))
    return Normal(mu=float(values.mean()), sigma=spread)


def _days_of_year_apart(days: Int64s, other: date) -> Floats:
    apart = np.abs(days - other.toordinal()) % _YEAR
    return np.minimum(apart, _YEAR - apart)
