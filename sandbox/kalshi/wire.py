"""How values are written on the exchange's wire: prices with four decimals, counts with two, times in Z."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox.english import MONTHS

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_TS: Final = 32_000_000_000
NO_BID: Final = "0.0000"
NO_ASK: Final = "1.0000"

JsonObject = dict[str, Any]


def dollars(value: Decimal) -> str:
    """`0.5600`."""
    return f"{value:.4f}"


def money(value: Decimal) -> str:
    """`0.017500`: sums of money have six decimals where prices have four."""
    return f"{value:.6f}"


def bid_dollars(value: Decimal | None) -> str:
    """A bid price; the exchange shows an absent one as 0.0000."""
    return NO_BID if value is None else dollars(value)


def ask_dollars(value: Decimal | None) -> str:
    """An ask price; the exchange shows an absent one as 1.0000."""
    return NO_ASK if value is None else dollars(value)


def count_fp(value: Decimal | None) -> str:
    """`10.00`; nothing traded yet is 0.00."""
    return f"{value or Decimal(0):.2f}"


def timestamp(at: datetime) -> str:
    """`2026-06-16T04:59:00Z`, with microseconds only where there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def milliseconds(at: datetime) -> int:
    """Unix milliseconds, cut off."""
    return (at - EPOCH) // timedelta(milliseconds=1)


def instant(seconds: int) -> datetime:
    """Unix seconds as an instant; those outside the calendar are far away, not an error."""
    return datetime.fromtimestamp(min(max(seconds, 0), LATEST_TS), UTC)


def well_formed(text: str) -> str:
    """The text as the exchange's decoder has it: every half of a surrogate pair is U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def short_date(day: date) -> str:
    """`Jun 15, 2026`, as in titles and rules."""
    return f"{MONTHS[day.month - 1][:3]} {day.day}, {day.year}"


def long_date(day: date) -> str:
    """`June 15, 2026`. English whatever the machine's locale is."""
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"
