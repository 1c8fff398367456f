"""The forecast high of each climate day, from a raw grid.

The office's maximum speaks of the daytime only; the climate day has 24 hours and on one day in twenty the settled
high falls outside the daytime. So the night hours of the hourly layer count as well.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Final

from milkbot.core.climate_day import climate_day, standard_time
from weather.domain.temperature import c_to_f
from weather.domain.types import DayHigh, Grid, LayerValue

DAYTIME_LST: Final = range(7, 20)
"""Hours of the local standard clock that the daytime maximum covers."""

_END_TO_DAY: Final = timedelta(hours=3)
# A daytime window ends about 20:00 local standard time and its start is cut off once it has begun, so only the end
# is a safe hint of the day. Three hours earlier is inside that day for every zone and for windows that end late.

_HOUR: Final = timedelta(hours=1)


def day_highs(grid: Grid, std_offset_hours: int) -> tuple[DayHigh, ...]:
    """The high of every climate day that has a daytime maximum in `grid`, in date order.

    A day without one is left out even when night hours remain: late in the evening those hours alone would say
    nothing of the high that has already happened.
    """
    highs: dict[date, int] = {}
    for entry in grid.max_temperature:
        day = climate_day(entry.ends_at - _END_TO_DAY, std_offset_hours)
        highs[day] = max(c_to_f(entry.temp_c), highs.get(day, c_to_f(entry.temp_c)))
    nights = _night_maxima(grid.temperature, std_offset_hours)
    return tuple(
        DayHigh(day=day, high_f=max(high, nights.get(day, high))) for day, high in sorted(highs.items())
    )


def _night_maxima(layer: Iterable[LayerValue], std_offset_hours: int) -> dict[date, int]:
    maxima: dict[date, int] = defaultdict(lambda: -1000)
    for entry in layer:
        for hour in _hours(entry):
            if standard_time(hour, std_offset_hours).hour not in DAYTIME_LST:
                day = climate_day(hour, std_offset_hours)
                maxima[day] = max(maxima[day], c_to_f(entry.temp_c))
    return maxima


def _hours(entry: LayerValue) -> Iterator[datetime]:
    """The instants, one an hour, at which `entry` holds."""
    hour = entry.starts_at
    while hour < entry.ends_at:
        yield hour
        hour += _HOUR
