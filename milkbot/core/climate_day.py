"""The climate day: midnight to midnight local **standard** time, all year (NWSI 10-1004).

Under daylight time it runs 01:00-00:59 on the wall clock, so 00:30 in July still belongs to the day before. The
offset is fixed per city; daylight-saving rules of the zone never enter.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache


def climate_day(instant: datetime, std_offset_hours: int) -> date:
    """The climate day that holds `instant` (aware) at a station `std_offset_hours` from UTC."""
    return standard_time(instant, std_offset_hours).date()


def climate_day_bounds(day: date, std_offset_hours: int) -> tuple[datetime, datetime]:
    """Start (inclusive) and end (exclusive) of `day` as aware UTC."""
    return _bounds(day, std_offset_hours)


def standard_time(instant: datetime, std_offset_hours: int) -> datetime:
    """`instant` as the station's local standard clock shows it, without a zone: for display and hour-of-day rules.

    Raises ValueError when `instant` is naive: it would be read in the zone of whatever machine this runs on.
    """
    if instant.tzinfo is not UTC:
        if instant.utcoffset() is None:
            raise ValueError("the climate day needs an aware datetime")
        instant = instant.astimezone(UTC)
    return _standard_time(instant, std_offset_hours)


# One decision asks half a dozen times about the same day and moment.
@lru_cache(maxsize=1000)
def _bounds(day: date, std_offset_hours: int) -> tuple[datetime, datetime]:
    start = datetime.combine(day, time(), tzinfo=UTC) - timedelta(hours=std_offset_hours)
    return start, start + timedelta(days=1)


@lru_cache(maxsize=1000)
def _standard_time(instant: datetime, std_offset_hours: int) -> datetime:
    # In UTC: in other zones the two hours at the end of summer time are equal to a cache.
    return (instant + timedelta(hours=std_offset_hours)).replace(tzinfo=None)
