"""The weather of the simulated world: truth, forecasts and what can be known of both at any moment."""

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import sqrt
from typing import Final

import numpy as np

from sandbox.cities import City
from sandbox.feeds import StationRecord
from sandbox.world.chance import Floats
from sandbox.world.climate import SKILLS
from sandbox.world.forecast_path import ForecastPaths
from sandbox.world.issuances import IssuanceTimes, knowledge_at
from sandbox.world.moments import censored_below, truncated_below
from sandbox.world.station import Station
from sandbox.world.temperature import Temperatures, night_surprise_f, whole_f

DAY: Final = timedelta(days=1)
FORECAST_DAYS_AHEAD: Final = 7
LEAST_SIGMA_F: Final = 0.5
WHOLE_DEGREE_VARIANCE: Final = 1 / 12
NIGHT_SURPRISE_SIGMA_F: Final = 1.2
YESTERDAY_KNOWN_BEFORE_START: Final = timedelta(hours=6)
GRID_STEPS: Final = 288
GRID_HOURS: Final[Floats] = np.arange(GRID_STEPS, dtype=np.float64) * (24.0 / GRID_STEPS)

__all__ = ["StationRecord", "WorldWeather"]


class WorldWeather:
    """Everything follows from `seed`; any city and day can be asked for without the ones before it.

    Temperatures are Fahrenheit, times aware UTC, days climate days of the city.
    """

    def __init__(self, seed: int, cities: Sequence[City]) -> None:
        self.seed = seed
        self._cities = tuple(cities)
        self._paths = ForecastPaths(seed)
        self._temperatures = Temperatures(seed, self._paths)
        self._times = IssuanceTimes(seed)
        self._station = Station(seed, self._temperatures)
        self._running_maximum = lru_cache(maxsize=512)(self._computed_running_maximum)

    @property
    def cities(self) -> tuple[City, ...]:
        """The cities of this world."""
        return self._cities

    def temperature_f(self, city: City, at: datetime) -> float:
        """The true air temperature."""
        return self._temperatures.at(city, at)

    def high_f(self, city: City, day: date) -> int:
        """The official maximum of climate day `day`, in whole degrees."""
        return whole_f(self._temperatures.maximum_f(city, day))

    def high_at(self, city: City, day: date) -> datetime:
        """When the official maximum was reached."""
        start = city.climate_day_start(day)
        if self._front_before(city, day) is not None:
            return start
        if self._front_after(city, day) is not None:
            return start + DAY - timedelta(minutes=1)
        return start + timedelta(hours=self._temperatures.shape(city, day).peak_hour)

    def forecast_high_f(self, city: City, day: date, at: datetime) -> int | None:
        """The newest issued forecast of that day's high known at `at`; None before the first, a week ahead."""
        issued = self._issued_for(city, day, at)
        return None if issued is None else whole_f(self._issued_mu(city, day, issued))

    def forecast_mu_f(self, city: City, day: date, at: datetime) -> float:
        """The same, unrounded. Raises ValueError before the first."""
        return self._issued_mu(city, day, self._required_issuance(city, day, at))

    def forecast_day_mu_f(self, city: City, day: date, at: datetime) -> float:
        """The newest forecast of the maximum by daylight alone: lower than the day's where a front passes at night."""
        issued = self._required_issuance(city, day, at)
        path = self._paths.path(city, day)
        return path.day_peak_f - path.error_f(knowledge_at(self._times, city, issued))

    def hourly_forecast_f(self, city: City, at: datetime, hours: int) -> Sequence[tuple[datetime, int]]:
        """Forecast temperatures at the `hours` full hours from the issuance in force at `at` on."""
        issued = self.issued_at(city, at)
        first = issued.replace(minute=0, second=0, microsecond=0)
        days = sorted({city.climate_day(first + timedelta(hours=k)) for k in (*range(0, hours, 24), hours)})
        return [
            entry
            for day in days
            for entry in self._hours_of_day(city, day, issued)
            if first <= entry[0] < first + timedelta(hours=hours)
        ]

    def issued_at(self, city: City, at: datetime) -> datetime:
        """When the forecast in force at `at` was issued."""
        return self._times.newest(city, at)

    def revisions(self, city: City, day: date, until: datetime) -> Sequence[tuple[datetime, int]]:
        """(issued_at, high_f) of every issuance for `day` up to `until`, ascending."""
        start = city.climate_day_start(day)
        last = min(until, start + DAY - timedelta(seconds=1))
        issued = self._times.between(city, start - FORECAST_DAYS_AHEAD * DAY, last)
        return [(moment, whole_f(self._issued_mu(city, day, moment))) for moment in issued]

    def best_mu_sigma(self, city: City, day: date, at: datetime) -> tuple[float, float]:
        """Mean and standard deviation of the settled high for a trader who knows all forecasts and observations.

        The error of the day before is among what is known: forecasts of successive days err alike in some cities.
        """
        mean, sigma = self._day_expectation(city, day, at)
        after = self._front_after(city, day)
        before = self._front_before(city, day)
        ahead = after is not None or (before is not None and at < city.climate_day_start(day))
        if ahead:
            mean += self._expected_night_excess(city, day)
            sigma = math.hypot(sigma, NIGHT_SURPRISE_SIGMA_F)
        seen = self.max_so_far_f(city, day, at)
        if seen is not None:
            bounded = truncated_below if before is None else censored_below
            mean, sigma = bounded(mean, sigma, seen - 0.5 if before is None else float(seen))
        return mean, max(sqrt(sigma**2 + WHOLE_DEGREE_VARIANCE), LEAST_SIGMA_F)

    def max_so_far_f(self, city: City, day: date, at: datetime) -> int | None:
        """The station's own running maximum of `day` at `at`, in whole degrees; None before the day begins."""
        elapsed = at - city.climate_day_start(day)
        if elapsed < timedelta(0):
            return None
        if elapsed >= DAY:
            return self.high_f(city, day)
        hour = elapsed / timedelta(hours=1)
        running = float(self._running_maximum(city, day)[int(hour * GRID_STEPS / 24.0)])
        shape = self._temperatures.shape(city, day)
        return whole_f(max(running, shape.peak_f) if hour >= shape.peak_hour else running)

    def extremes_so_far(self, city: City, day: date, until: datetime) -> tuple[int, datetime, int, datetime]:
        """Maximum and its time, minimum and its time, of a climate day that has begun, from its start to `until`."""
        start = city.climate_day_start(day)
        hours = GRID_HOURS[(until - start) / timedelta(hours=1) >= GRID_HOURS]
        values = self._temperatures.at_hours(city, day, hours)
        low_at = start + timedelta(hours=float(hours[values.argmin()]))
        high_at = self.high_at(city, day)
        if high_at > until:
            high_at = start + timedelta(hours=float(hours[values.argmax()]))
        high_f = self.max_so_far_f(city, day, until)
        assert high_f is not None, "the day has begun"
        return high_f, high_at, whole_f(float(values.min())), low_at

    def metars(self, city: City, after: datetime, until: datetime) -> Sequence[StationRecord]:
        """Hourly METARs with after < observed_at <= until, ascending."""
        return self._station.metars(city, after, until)

    def five_minute(self, city: City, after: datetime, until: datetime) -> Sequence[StationRecord]:
        """Five-minute records with after < observed_at <= until, ascending."""
        return self._station.five_minute(city, after, until)

    def _issued_for(self, city: City, day: date, at: datetime) -> datetime | None:
        """The newest issuance for `day` at `at`: a day that is over gets no new ones."""
        start = city.climate_day_start(day)
        issued = self._times.newest(city, min(at, start + DAY - timedelta(seconds=1)))
        return None if issued < start - FORECAST_DAYS_AHEAD * DAY else issued

    def _required_issuance(self, city: City, day: date, at: datetime) -> datetime:
        issued = self._issued_for(city, day, at)
        if issued is None:
            raise ValueError(f"no forecast of {city.code} for {day} has been issued at {at.isoformat()}")
        return issued

    def _issued_mu(self, city: City, day: date, issued: datetime) -> float:
        path = self._paths.path(city, day)
        by_day = path.day_peak_f - path.error_f(knowledge_at(self._times, city, issued))
        before = self._front_before(city, day)
        if before is not None and issued >= city.climate_day_start(day):
            return max(by_day, before)
        if before is None and self._front_after(city, day) is None:
            return by_day
        return max(by_day, by_day + self._expected_night_excess(city, day))

    def _day_expectation(self, city: City, day: date, at: datetime) -> tuple[float, float]:
        """Expected maximum by daylight and its standard deviation, all errors known so far considered."""
        known = max(at, knowledge_at(self._times, city, self._times.newest(city, at)))
        path = self._paths.path(city, day)
        index = max(path.index(known), 0)
        mean, sigma = path.day_peak_f - float(path.errors_f[index]), float(path.sigmas_f[index])
        if at < city.climate_day_start(day) - YESTERDAY_KNOWN_BEFORE_START:
            return mean, sigma
        yesterday = self._paths.path(city, day - DAY)
        memory = SKILLS[city.code].memory
        alike = memory * sigma / float(yesterday.sigmas_f[index])
        return mean + alike * float(yesterday.errors_f[index]), sigma * sqrt(1 - memory**2)

    def _front_before(self, city: City, day: date) -> float | None:
        """The temperature at the day's first midnight when that is its maximum."""
        return self._front(city, day, day - DAY)

    def _front_after(self, city: City, day: date) -> float | None:
        """The temperature at the day's last midnight when that is its maximum."""
        return self._front(city, day, day)

    def _front(self, city: City, day: date, evening: date) -> float | None:
        midnight = self._temperatures.midnight_after(city, evening)
        peak_f = self._temperatures.shape(city, day).peak_f
        is_maximum = (
            midnight.temperature_f > peak_f
            and midnight.temperature_f == self._temperatures.maximum_f(city, day)
        )
        return midnight.temperature_f if is_maximum else None

    def _expected_night_excess(self, city: City, day: date) -> float:
        """How far above the daylight maximum forecasters expect the midnight that is the day's high."""
        evening = day - DAY if self._front_before(city, day) is not None else day
        excess = self._temperatures.maximum_f(city, day) - self._temperatures.shape(city, day).peak_f
        return excess - night_surprise_f(self.seed, city, evening)

    def _hours_of_day(self, city: City, day: date, issued: datetime) -> list[tuple[datetime, int]]:
        """The smooth course of the day, moved by the errors its neighbours' highs are forecast with."""
        hours = np.arange(24, dtype=np.float64)
        known = knowledge_at(self._times, city, issued)
        peaks, errors = [], []
        for shift in (-1, 0, 1):
            neighbour = day + shift * DAY
            peaks.append(self._temperatures.shape(city, neighbour).peak_hour + 24.0 * shift)
            errors.append(self._paths.path(city, neighbour).error_f(known))
        course = self._temperatures.smooth_at_hours(city, day, hours) - np.interp(hours, peaks, errors)
        start = city.climate_day_start(day)
        return [(start + timedelta(hours=k), whole_f(value)) for k, value in enumerate(course.tolist())]

    def _computed_running_maximum(self, city: City, day: date) -> Floats:
        return np.maximum.accumulate(self._temperatures.at_hours(city, day, GRID_HOURS))
