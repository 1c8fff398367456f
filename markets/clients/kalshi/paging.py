"""Page after page of a list, guarded against cursors that lead nowhere."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from markets.clients.kalshi.conversation import Query
from markets.clients.kalshi.errors import SOURCE
from markets.clients.kalshi.fields import Fields
from markets.clients.kalshi.transport import Transport
from markets.domain.types import ListingFault
from milkbot.core.errors import Malformed
from milkbot.logger import logger

MAX_PAGES: Final = 50
PAGE_TIMEOUT_S: Final = 15.0


def pages(
    transport: Transport, path: str, query: Query, *, most: int = MAX_PAGES
) -> Iterator[dict[str, Any]]:
    """Every page in turn. A garbage cursor silently yields page 1 again, so a repeated cursor ends it as Malformed."""
    seen: set[str] = set()
    cursor = ""
    for _ in range(most):
        paged = [*query, ("cursor", cursor)] if cursor else query
        payload = transport.get_json(path, paged, read_timeout_s=PAGE_TIMEOUT_S)
        yield payload
        cursor = next_cursor(payload)
        if not cursor:
            return
        if cursor in seen:
            raise Malformed(SOURCE, f"GET {path} repeats a cursor")
        seen.add(cursor)
    raise Malformed(SOURCE, f"GET {path} has more than {most} pages")


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
