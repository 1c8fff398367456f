"""How values are written on the exchange's wire: dollars with four decimals, counts with two, times in Z."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from sandbox.english import MONTHS

NO_BID: Final = "0.0000"
NO_ASK: Final = "1.0000"

JsonObject = dict[str, Any]


def dollars(value: Decimal) -> str:
    """`0.5600`."""
    return f"{value:.4f}"


def bid_dollars(value: Decimal | None) -> str:
    """A bid price; the exchange shows an absent one as 0.0000."""
    return NO_BID if value is None else dollars(value)


def ask_dollars(value: Decimal | None) -> str:
    """An ask price; the exchange shows an absent one as 1.0000."""
    return NO_ASK if value is None else dollars(value)


def count_fp(value: Decimal | None) -> str:
    """`10.00`; nothing traded yet is 0.00."""
    return f"{value or Decimal(0):.2f}"


def timestamp(instant: datetime) -> str:
    """`2026-06-16T04:59:00Z`, with microseconds only where there are any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def short_date(day: date) -> str:
    """`Jun 15, 2026`, as in titles and rules."""
    return f"{MONTHS[day.month - 1][:3]} {day.day}, {day.year}"


def long_date(day: date) -> str:
    """`June 15, 2026`. English whatever the machine's locale is."""
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"
