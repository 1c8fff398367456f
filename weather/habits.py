"""When each city's releases usually come, out of what was stored of the earlier ones."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from weather.domain.releases import Usual, learned_between, usual_slots
from weather.repositories import WeatherRepository

Habits = Mapping[tuple[str, date], Usual]
"""By city code and UTC day."""


def usual_releases(city_codes: Sequence[str], now: datetime) -> Habits:
    """Of yesterday, today and tomorrow. Read once a day and process: what a day is told by lies well before it."""
    today = now.astimezone(UTC).date()
    days = (today + timedelta(days=ahead) for ahead in (-1, 0, 1))
    return {
        (code, on): usual for on in days for code, usual in _usual_on(on, tuple(sorted(city_codes))).items()
    }


def no_habits(city_codes: Sequence[str], now: datetime) -> Habits:
    """Where nothing was ever stored there is nothing to go by."""
    return {}


@lru_cache(maxsize=6)
def _usual_on(on: date, city_codes: tuple[str, ...]) -> Mapping[str, Usual]:
    weather, between = WeatherRepository(), learned_between(on)
    forecasts = weather.forecasts_issued(city_codes, *between)
    reports = weather.reports_issued(city_codes, *between)
    return {
        code: Usual(usual_slots(forecasts.get(code, ())), usual_slots(reports.get(code, ())))
        for code in city_codes
    }
