"""Which climate reports an office sends about a day and when: the afternoon's preliminary one, the final one after
midnight, at times a correction, at times a final one whose maximum is missing until it is corrected.

Source: project reference on NWS and settlement, 3.2. A correction mends the minimum or supplies a missing maximum; it
never changes a maximum that was published, so that both settlement-source eras agree on the value.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from statistics import NormalDist
from typing import Final

from sandbox.cities import City
from sandbox.world.chance import uniforms
from sandbox.world.weather import WorldWeather

DAY: Final = timedelta(days=1)

AS_OF_LOCAL_HOUR: Final = {
    "NYC": 16,
    "CHI": 16,
    "LAX": 18,
    "MIA": 16,
    "AUS": 17,
    "DEN": 16,
    "PHL": 17,
    "BOS": 17,
    "SEA": 17,
    "SFO": 17,
}
PUBLIC_AFTER_MIN: Final = NormalDist(33, 8)
PUBLIC_AFTER_BOUNDS_MIN: Final = (18.0, 55.0)
FINAL_JITTER_MIN: Final = 35.0
MISSING_AT_FIRST: Final = 0.02
CORRECTED: Final = 0.03
CORRECTION_AFTER_H: Final = (1.0, 2.5)


@dataclass(frozen=True, slots=True)
class DayReport:
    """One climate report. `as_of` is None in a final one; a value of None is printed as MM.

    `high_at` and `low_at` are instants, `correction` is empty or CCA.
    """

    climate_date: date
    issued_at: datetime
    as_of: datetime | None
    correction: str
    high_f: int | None
    high_at: datetime | None
    low_f: int | None
    low_at: datetime | None


class ClimateReports:
    """The reports of one world."""

    def __init__(self, world: WorldWeather) -> None:
        self._world = world
        self.of_day = lru_cache(maxsize=512)(self._of_day)

    def published(self, city: City, at: datetime, days: int) -> list[DayReport]:
        """Everything issued by `at` about the last `days` climate days and the running one, newest first."""
        today = city.climate_day(at)
        every = (report for back in range(days + 1) for report in self.of_day(city, today - back * DAY))
        return sorted(
            (report for report in every if report.issued_at <= at), key=lambda r: r.issued_at, reverse=True
        )

    def _of_day(self, city: City, day: date) -> tuple[DayReport, ...]:
        luck = uniforms(self._world.seed, city.code, day, "reports", count=5).tolist()
        delay, shift, fate, later, fault = luck
        preliminary = self._preliminary(city, day, delay)
        final = self._final(city, day, shift)
        after_h, spread_h = CORRECTION_AFTER_H
        corrected = replace(
            final,
            issued_at=final.issued_at + _whole_minutes(60 * (after_h + spread_h * later)),
            correction="CCA",
        )
        if fate < MISSING_AT_FIRST:
            return preliminary, replace(final, high_f=None, high_at=None), corrected
        if fate < MISSING_AT_FIRST + CORRECTED:
            assert final.low_f is not None
            return preliminary, replace(final, low_f=final.low_f + (1 if fault < 0.5 else 2)), corrected
        return preliminary, final

    def _preliminary(self, city: City, day: date, delay: float) -> DayReport:
        as_of = datetime.combine(day, time(AS_OF_LOCAL_HOUR[city.code]), city.zone).astimezone(UTC)
        least, most = PUBLIC_AFTER_BOUNDS_MIN
        minutes = min(max(PUBLIC_AFTER_MIN.inv_cdf(min(max(delay, 1e-6), 1 - 1e-6)), least), most)
        high_f, high_at, low_f, low_at = self._world.extremes_so_far(city, day, as_of)
        return DayReport(day, as_of + _whole_minutes(minutes), as_of, "", high_f, high_at, low_f, low_at)

    def _final(self, city: City, day: date, shift: float) -> DayReport:
        ends_at = city.climate_day_start(day + DAY)
        usual = city.final_report_at(day)
        issued_at = max(
            usual + _whole_minutes(FINAL_JITTER_MIN * (2 * shift - 1)), ends_at + _whole_minutes(12)
        )
        high_f, high_at, low_f, low_at = self._world.extremes_so_far(city, day, ends_at)
        return DayReport(day, issued_at, None, "", high_f, high_at, low_f, low_at)


def _whole_minutes(minutes: float) -> timedelta:
    return timedelta(minutes=round(minutes))
