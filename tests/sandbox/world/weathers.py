"""The simulated weather the tests look at, and a dump of it that is the same whenever the world is."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from sandbox.cities import CITIES, City
from sandbox.world.feed_weather import SimulatedWeatherFeed
from sandbox.world.weather import WorldWeather

Floats = NDArray[np.float64]

SEED = 20261120
LEADS_H = {"d0": 0, "d1PM": 12, "d1AM": 24, "d2PM": 36}
EASTERN = ZoneInfo("America/New_York")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FIRST_DAY = date(2025, 3, 1)
"""Start of the long sample. It ends with a whole number of years, so that every season counts alike."""
LONG_DAYS = 730
NOVEMBER_NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)


@cache
def world() -> WorldWeather:
    """One world for all tests: what it computed once, it keeps."""
    return WorldWeather(SEED, CITIES)


@cache
def feed() -> SimulatedWeatherFeed:
    """The same world as the weather service asks for it."""
    return SimulatedWeatherFeed(world())


@dataclass(frozen=True, slots=True)
class LongRun:
    """`LONG_DAYS` days of one city: highs °F, the hours (local standard time) they were reached at, and settled high
    minus forecast high in force by lead, °F."""

    days: tuple[date, ...]
    highs_f: Floats
    high_hours: Floats
    errors_f: dict[str, Floats]


@cache
def long_run(code: str) -> LongRun:
    """The long sample of a city, computed once for all tests of a process."""
    city, days = city_of(code), tuple(FIRST_DAY + k * DAY for k in range(LONG_DAYS))
    highs_f: list[int] = []
    high_hours: list[float] = []
    errors_f: dict[str, list[int]] = {lead: [] for lead in LEADS_H}
    for day in days:
        high_f = world().high_f(city, day)
        highs_f.append(high_f)
        high_hours.append((world().high_at(city, day) - city.climate_day_start(day)) / HOUR)
        for lead, hours in LEADS_H.items():
            forecast_f = world().forecast_high_f(city, day, anchor(day, hours))
            assert forecast_f is not None
            errors_f[lead].append(high_f - forecast_f)
    return LongRun(
        days,
        np.array(highs_f, dtype=np.float64),
        np.array(high_hours),
        {lead: np.array(errors, dtype=np.float64) for lead, errors in errors_f.items()},
    )


def anchor(day: date, lead_h: int) -> datetime:
    """08:50 Eastern on the day, and 12, 24 and 36 hours before."""
    return datetime.combine(day, time(8, 50), EASTERN).astimezone(UTC) - timedelta(hours=lead_h)


def city_of(code: str) -> City:
    """A city by its code."""
    return next(city for city in CITIES if city.code == code)


@cache
def digest(seed: int, *, backwards: bool = False) -> str:
    """SHA-256 over forecasts, highs, observations and reports of two days of all cities of a new world."""
    new = WorldWeather(seed, CITIES)
    served = SimulatedWeatherFeed(new)
    days = [date(2026, 11, 19), date(2026, 11, 20)]
    cities = list(reversed(CITIES)) if backwards else list(CITIES)
    told = {
        (city.code, day): _told(new, served, city, day)
        for city in cities
        for day in (reversed(days) if backwards else days)
    }
    return hashlib.sha256("\n".join(told[key] for key in sorted(told)).encode()).hexdigest()


def _told(new: WorldWeather, served: SimulatedWeatherFeed, city: City, day: date) -> str:
    start = city.climate_day_start(day)
    end = start + DAY
    best = [new.best_mu_sigma(city, day, start + hours * HOUR) for hours in range(-24, 25, 6)]
    parts = [
        new.high_f(city, day),
        [f"{new.temperature_f(city, start + hours * HOUR):.6f}" for hours in range(24)],
        new.revisions(city, day, end),
        [(f"{mean:.6f}", f"{sigma:.6f}") for mean, sigma in best],
        served.issuance(city, end),
        served.observations(city, start, end, end + HOUR, 500),
        served.climate_products(city, end + DAY),
    ]
    return "\n".join(map(repr, parts))
