"""Which forecasts are held against what came: those one had so many hours before a day's peak, source by source."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.climate_day import climate_day_bounds
from weather.domain.calibration import PEAK_HOUR_LST
from weather.domain.combining import SourceHigh
from weather.domain.errors import ForecastError
from weather.domain.types import DistKind

LEADS_H: Final = (3.0, 8.0, 19.0, 31.0, 44.0)
"""Hours before the peak at which a forecast is held against what came: one or two for each class that is traded."""
LEARNED_FROM: Final = timedelta(days=500)
"""What lies further back has faded."""
REVISION_OVER_H: Final = 12.0
ASKED_AT_H: Final = tuple(sorted({*LEADS_H, *(lead_h + REVISION_OVER_H for lead_h in LEADS_H)}))
"""Hours before the peak at which a forecast is needed, for its own error or for another's revision."""


class SettledHigh(NamedTuple):
    """A settled high, °F, and when it was first had."""

    high_f: int
    known_at: datetime


class Lesson(NamedTuple):
    """One settled day of one city, and what every source had said of it at one lead."""

    known_at: datetime
    day: date
    city_code: str
    lead_h: float
    high_f: int
    said: tuple[SourceHigh, ...]
    """The one to be heard while no errors are known comes last."""

    @property
    def asked_at(self) -> datetime:
        """When the forecasts were used. Raises KeyError for an unknown city."""
        return moment_of(load_cities()[self.city_code], self.day, self.lead_h)

    def error_of(
        self, source: str, high_f: float, revision_f: float | None, apart_f: float = 0.0
    ) -> ForecastError:
        """What `source` missed that day by, having said `high_f`, °F."""
        return ForecastError(
            city_code=self.city_code,
            source=source,
            kind=DistKind.WHOLE_DAY,
            lead_hours=self.lead_h,
            target_date=self.day,
            error_f=high_f - self.high_f,
            known_at=self.known_at,
            revision_f=revision_f,
            apart_f=apart_f,
        )


Said = Mapping[tuple[str, date, float], Sequence[SourceHigh]]
"""By city, day and hours before the peak: what each source had said last, nothing known of revisions."""


def moment_of(city: CityConfig, day: date, lead_h: float) -> datetime:
    """So many hours before the peak of `day`."""
    start, _ = climate_day_bounds(day, city.std_offset_hours)
    return start + timedelta(hours=PEAK_HOUR_LST - lead_h)


def paired(said: Said, finals: Mapping[tuple[str, date], SettledHigh]) -> list[Lesson]:
    """Every forecast with what came, in the order the outcomes became known. What lacks either side is left out."""
    return sorted(
        Lesson(final.known_at, day, city_code, lead_h, final.high_f, _revised(said, city_code, day, lead_h))
        for (city_code, day), final in finals.items()
        for lead_h in LEADS_H
        if said.get((city_code, day, lead_h))
    )


def _revised(said: Said, city_code: str, day: date, lead_h: float) -> tuple[SourceHigh, ...]:
    """What was said at a lead, beside what the same source had said twelve hours before."""
    before = {high.source: high.high_f for high in said.get((city_code, day, lead_h + REVISION_OVER_H), ())}
    return tuple(
        high._replace(revision_f=high.high_f - before[high.source] if high.source in before else None)
        for high in said[city_code, day, lead_h]
    )
