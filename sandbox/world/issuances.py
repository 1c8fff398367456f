"""When an office sends its forecast: four times a day, up to an hour early or late."""

from bisect import bisect_right
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from sandbox.cities import City
from sandbox.world.chance import uniforms
from sandbox.world.climate import eastern_morning

USUAL_HOURS_LST: Final = (3.0, 9.0, 15.0, 21.0)
EARLIEST_SHIFT_H: Final = -1.0
SHIFT_RANGE_H: Final = 2.0


class IssuanceTimes:
    """The issuances of one world: 4 to 8 hours apart."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.of_day = lru_cache(maxsize=4096)(self._of_day)

    def newest(self, city: City, at: datetime) -> datetime:
        """The last issuance not later than `at`."""
        known = self._around(city, at)
        return known[bisect_right(known, at) - 1]

    def after(self, city: City, at: datetime) -> datetime:
        """The first issuance later than `at`."""
        known = self._around(city, at)
        return known[bisect_right(known, at)]

    def between(self, city: City, first: datetime, until: datetime) -> list[datetime]:
        """Every issuance with first <= t <= until, ascending."""
        days = range(city.climate_day(first).toordinal() - 1, city.climate_day(until).toordinal() + 2)
        every = (moment for day in days for moment in self.of_day(city, date.fromordinal(day)))
        return [moment for moment in every if first <= moment <= until]

    def _around(self, city: City, at: datetime) -> list[datetime]:
        day = city.climate_day(at)
        return [moment for shift in (-1, 0, 1) for moment in self.of_day(city, day + timedelta(days=shift))]

    def _of_day(self, city: City, day: date) -> tuple[datetime, ...]:
        start = city.climate_day_start(day)
        shifts = uniforms(self._seed, city.code, day, "issuances", count=len(USUAL_HOURS_LST)).tolist()
        return tuple(
            start + timedelta(minutes=round(60 * (hour + EARLIEST_SHIFT_H + SHIFT_RANGE_H * shift)))
            for hour, shift in zip(USUAL_HOURS_LST, shifts, strict=True)
        )


def knowledge_at(times: IssuanceTimes, city: City, issued_at: datetime) -> datetime:
    """The moment whose state of knowledge an issuance shows.

    Errors were measured on the forecasts in force at 08:50 and 20:50 Eastern: an issuance in force then has that
    moment's error, any other its own.
    """
    following = times.after(city, issued_at)
    day = issued_at.date()
    for shift in (-1, 0, 1):
        morning = eastern_morning(day + timedelta(days=shift))
        for anchor in (morning, morning + timedelta(hours=12)):
            if issued_at <= anchor < following:
                return anchor
    return issued_at
