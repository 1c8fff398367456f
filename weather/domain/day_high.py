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
from weather.domain.types import DayHigh, Grid, HourlyTemps, LayerValue, Observation

DAYTIME_LST: Final = range(7, 20)
"""Hours of the local standard clock that the daytime maximum covers."""

BEFORE_MORNING_LST: Final = frozenset(range(DAYTIME_LST.start))
"""The hours of a climate day that pass before its daytime begins."""

_END_TO_DAY: Final = timedelta(hours=3)
# A daytime window ends about 20:00 local standard time and its start is cut off once it has begun, so only the end
# is a safe hint of the day. Three hours earlier is inside that day for every zone and for windows that end late.

_HOUR: Final = timedelta(hours=1)


def day_highs(grid: Grid, std_offset_hours: int, readings: Iterable[Observation] = ()) -> tuple[DayHigh, ...]:
    """The high of every climate day that has a daytime maximum in `grid`, in date order.

    A day without one is left out even when night hours remain: late in the evening those hours alone would say
    nothing of the high that has already happened. A grid drops the hours that have passed; for those, `readings` of
    the station stand in, and a day for which neither knows the hours before morning says so.
    """
    highs: dict[date, int] = {}
    for entry in grid.max_temperature:
        day = climate_day(entry.ends_at - _END_TO_DAY, std_offset_hours)
        highs[day] = max(c_to_f(entry.temp_c), highs.get(day, c_to_f(entry.temp_c)))
    nights = _night_hours(grid.temperature, readings, std_offset_hours)
    return tuple(
        DayHigh(
            day=day,
            high_f=max(high, *nights[day].values()) if nights[day] else high,
            knows_night=nights[day].keys() >= BEFORE_MORNING_LST,
        )
        for day, high in sorted(highs.items())
    )


def hourly_temps(grid: Grid, end: datetime) -> HourlyTemps | None:
    """The grid's temperatures at full hours before `end`, whole °F; None without any."""
    known = {hour: entry.temp_c for entry in grid.temperature for hour in _hours(entry) if hour < end}
    if not known:
        return None
    starts_at = min(known)
    count = round((max(known) - starts_at) / _HOUR) + 1
    temps_c = (known.get(starts_at + number * _HOUR) for number in range(count))
    return HourlyTemps(
        starts_at=starts_at, temps_f=tuple(None if temp_c is None else c_to_f(temp_c) for temp_c in temps_c)
    )


def _night_hours(
    layer: Iterable[LayerValue], readings: Iterable[Observation], std_offset_hours: int
) -> defaultdict[date, dict[int, int]]:
    """The warmest known °F of each night hour (local standard) of each climate day."""
    known: defaultdict[date, dict[int, int]] = defaultdict(dict)

    def note(instant: datetime, temp_c: float) -> None:
        hour = standard_time(instant, std_offset_hours).hour
        if hour not in DAYTIME_LST:
            hours = known[climate_day(instant, std_offset_hours)]
            hours[hour] = max(c_to_f(temp_c), hours.get(hour, c_to_f(temp_c)))

    for entry in layer:
        for hour in _hours(entry):
            note(hour, entry.temp_c)
    for reading in readings:
        note(reading.observed_at, reading.temp_c)
    return known


def _hours(entry: LayerValue) -> Iterator[datetime]:
    """The instants, one an hour, at which `entry` holds."""
    hour = entry.starts_at
    while hour < entry.ends_at:
        yield hour
        hour += _HOUR
