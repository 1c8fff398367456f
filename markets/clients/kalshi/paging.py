"""Page after page of a list, guarded against cursors that lead nowhere."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from markets.clients.kalshi.conversation import Query
from markets.clients.kalshi.errors import SOURCE
from markets.clients.kalshi.fields import Fields
from markets.clients.kalshi.transport import Transport
from markets.domain.types import ListingFault
from milkbot.core import clock
from milkbot.core.errors import Malformed, Unreachable
from milkbot.logger import logger

MAX_PAGES: Final = 50
PAGE_TIMEOUT_S: Final = 15.0
LIST_TIMEOUT_S: Final = 60.0
"""What all pages of a list may take to arrive. A whole account of 50 pages takes a few seconds."""


class PageOf(NamedTuple):
    """What a page lists under which key, and how much of it at most: the `limit` that is asked for."""

    key: str
    limit: int


def pages(
    transport: Transport,
    path: str,
    query: Query,
    page: PageOf,
    *,
    most: int = MAX_PAGES,
    timeout_s: float = LIST_TIMEOUT_S,
    monotonic: Callable[[], float] = clock.monotonic,
) -> Iterator[dict[str, Any]]:
    """Every page in turn, each with at most as many rows as asked for. What whoever reads them does is not timed.

    Raises Malformed for a page with more rows, a repeated cursor (a garbage one silently yields page 1 again) and more
    than `most` pages; Unreachable when waiting for them took `timeout_s` in all.
    """
    seen: set[str] = set()
    cursor, left_s = "", timeout_s
    for _ in range(most):
        paged = [*query, ("limit", str(page.limit)), *([("cursor", cursor)] if cursor else [])]
        asked_at = monotonic()
        payload = transport.get_json(path, paged, read_timeout_s=min(PAGE_TIMEOUT_S, left_s))
        left_s -= monotonic() - asked_at
        _check_length(payload, page, path)
        yield payload
        cursor = next_cursor(payload)
        if not cursor:
            return
        if cursor in seen:
            raise Malformed(SOURCE, f"GET {path} repeats a cursor")
        if left_s <= 0:
            raise Unreachable(SOURCE, f"GET {path} took more than {timeout_s:.0f} s and is not at its end")
        seen.add(cursor)
    raise Malformed(SOURCE, f"GET {path} has more than {most} pages")


def _check_length(payload: dict[str, Any], page: PageOf, path: str) -> None:
    """Rows nobody asked for would make the bound on pages none on memory."""
    rows = payload.get(page.key)
    if isinstance(rows, list) and len(rows) > page.limit:
        raise Malformed(SOURCE, f"GET {path} gave {len(rows)} {page.key}, asked for {page.limit}")


def next_cursor(payload: dict[str, Any]) -> str:
    """The cursor of the next page; empty on the last one."""
    return Fields(payload, "page").text_or_empty("cursor")


def report(faults: Iterable[ListingFault]) -> None:
    """Log what could not be read."""
    for fault in faults:
        logger.warning(
            "the exchange listed something unreadable",
            extra={"ticker": fault.ticker, "code": fault.code, "fault": fault.text},
        )
