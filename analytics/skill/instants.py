"""When an event is scored: at each full local hour of its last 36 hours while its markets traded. Pure."""

from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from milkbot.core.climate_day import climate_day_bounds
from weather.domain.calibration import PEAK_HOUR_LST

FIRST_HOUR: Final = -12
"""Local standard hour of the event's day: noon of the day before."""
LAST_HOUR: Final = 23


class Instant(NamedTuple):
    """`local_hour` is local standard time, below 0 on the day before; `lead_hours` to the usual hour of the high."""

    at: datetime
    local_hour: int
    lead_hours: int


def instants(day: date, std_offset_hours: int, open_at: datetime, close_at: datetime) -> tuple[Instant, ...]:
    """The instants at which an event of climate day `day` traded, earliest first."""
    start, _ = climate_day_bounds(day, std_offset_hours)
    hours = range(FIRST_HOUR, LAST_HOUR + 1)
    found = (Instant(start + timedelta(hours=hour), hour, max(PEAK_HOUR_LST - hour, 0)) for hour in hours)
    return tuple(instant for instant in found if open_at <= instant.at < close_at)
