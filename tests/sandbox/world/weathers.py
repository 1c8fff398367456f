"""The simulated weather the tests look at, and a dump of it that is the same whenever the world is."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from functools import cache

from sandbox.cities import CITIES, City
from sandbox.world.feed_weather import SimulatedWeatherFeed
from sandbox.world.weather import WorldWeather

SEED = 20261120
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


def city_of(code: str) -> City:
    """A city by its code."""
    return next(city for city in CITIES if city.code == code)


def digest(seed: int, *, backwards: bool = False) -> str:
    """SHA-256 over forecasts, highs, observations and reports of three days of all cities of a new world."""
    new = WorldWeather(seed, CITIES)
    served = SimulatedWeatherFeed(new)
    days = [date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20)]
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
