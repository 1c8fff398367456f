"""The exchange's weekly maintenance: trading pauses on Thursdays from 03:00 to 05:00 New York time."""

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sandbox.feeds import Pause

EXCHANGE_ZONE: Final = ZoneInfo("America/New_York")
THURSDAY: Final = 3
BEGINS_ET: Final = time(3)
ENDS_ET: Final = time(5)
DAY: Final = timedelta(days=1)


def weekly_pauses(after: datetime, until: datetime) -> tuple[Pause, ...]:
    """The pauses that end after `after` and begin by `until`, ascending."""
    day = after.astimezone(EXCHANGE_ZONE).date() - DAY
    last = until.astimezone(EXCHANGE_ZONE).date()
    found = []
    while day <= last:
        if day.weekday() == THURSDAY:
            pause = Pause(
                datetime.combine(day, BEGINS_ET, EXCHANGE_ZONE).astimezone(UTC),
                datetime.combine(day, ENDS_ET, EXCHANGE_ZONE).astimezone(UTC),
            )
            if pause.ends_at > after and pause.starts_at <= until:
                found.append(pause)
        day += DAY
    return tuple(found)
