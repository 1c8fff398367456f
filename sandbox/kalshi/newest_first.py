"""Paging through what grows at its head: a cursor names the last row shown, so that new rows neither repeat nor hide others."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, TypeVar

CURSOR_PREFIX: Final = "older:"

Key = tuple[datetime, str]
T = TypeVar("T")


def newest_first(rows: Iterable[T], key: Callable[[T], Key], cursor: str, limit: int) -> tuple[list[T], str]:
    """One page, newest first, and the cursor of the next, empty on the last."""
    before = key_of(cursor)
    rest = sorted((row for row in rows if before is None or key(row) < before), key=key, reverse=True)
    shown = rest[:limit]
    return shown, cursor_of(key(shown[-1])) if len(rest) > len(shown) else ""


def cursor_of(key: Key) -> str:
    """The cursor that continues after the row of this key."""
    text = f"{CURSOR_PREFIX}{key[0].isoformat()}|{key[1]}"
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def key_of(cursor: str) -> Key | None:
    """The row a cursor names; None for one nobody issued, which starts at the first page as the exchange does."""
    try:
        text = urlsafe_b64decode(cursor.encode("ascii", "replace") + b"==").decode()
        at, identity = text.removeprefix(CURSOR_PREFIX).split("|")
        instant = datetime.fromisoformat(at)
    except (binascii.Error, ValueError):
        return None
    return (instant, identity) if text.startswith(CURSOR_PREFIX) and instant.tzinfo else None
