"""English names of months and weekdays, whatever the machine's locale is."""

from datetime import date, datetime
from typing import Final

MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def report_day(day: date) -> str:
    """A day as climate reports write it: `MAY 14 2025`."""
    return f"{MONTHS[day.month - 1].upper()} {day.day} {day.year}"


def report_issue_time(local: datetime) -> str:
    """A local time of issue as the offices' products write it: `146 AM CDT THU MAY 15 2025`."""
    clock = f"{local.hour % 12 or 12}{local.minute:02} {'AM' if local.hour < 12 else 'PM'}"
    weekday, month = WEEKDAYS[local.weekday()][:3].upper(), MONTHS[local.month - 1][:3].upper()
    return f"{clock} {local.tzname()} {weekday} {month} {local.day:02} {local.year}"
