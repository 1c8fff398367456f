"""When the exchange rests by its own timetable: every Thursday from 03:00 to 05:00 New York time (kalshi-api.md 2)."""

from datetime import UTC, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

_EXCHANGE_ZONE: Final = ZoneInfo("America/New_York")
_THURSDAY: Final = 3
_BEGINS: Final = time(3)
_ENDS: Final = time(5)


def maintenance_until(now: datetime) -> datetime | None:
    """When the scheduled maintenance under way at `now` (aware) ends, in UTC; None outside of it."""
    local = now.astimezone(_EXCHANGE_ZONE)
    if local.weekday() != _THURSDAY or not _BEGINS <= local.time() < _ENDS:
        return None
    return datetime.combine(local.date(), _ENDS, _EXCHANGE_ZONE).astimezone(UTC)
