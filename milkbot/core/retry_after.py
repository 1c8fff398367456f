"""How long a server asked to be left alone: the Retry-After header, in seconds or as a date (RFC 9110, 10.2.3)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_S: Final = 86_400.0
"""A longer wait is junk, or a no."""


def seconds_asked(header: str | None, now: datetime) -> float | None:
    """Seconds from `now` (aware) that the header asks to wait, at most a day; None without a readable one."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:10]), LONGEST_S)
    try:
        until = parsedate_to_datetime(text)
        wait_s = ((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return min(max(wait_s, 0.0), LONGEST_S)
