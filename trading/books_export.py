"""The books of one mode as one JSON document, exact and as of one instant, for whoever checks them against others.

    {"mode": "DEMO", "since": null, "orders": [{...}], "fills": [...], "positions": [...], "ledger": [...],
     "settlements": [...]}

Decimals are strings as stored, times ISO 8601 in UTC with microseconds, missing is null. Rows come one by one: memory
does not grow with the books.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection, models, transaction

from milkbot.core.config import TradingMode
from trading.models import FillRow, LedgerRow, OrderRow, PositionRow, SettlementRow

_CHUNK: Final = 2000


class _Table(NamedTuple):
    """A list of the document: its rows, the column `--since` goes by, and its fields by their path in the database."""

    model: type[models.Model]
    since: str
    fields: Mapping[str, str]


def _named(*names: str, **paths: str) -> dict[str, str]:
    return {**{name: name for name in names}, **paths}


_MARKET: Final = {"market": "market__ticker"}
_TABLES: Final[Mapping[str, _Table]] = {
    "orders": _Table(
        OrderRow,
        "updated_at",
        _MARKET
        | _named("client_order_id", "kalshi_order_id", "side", "action", "book_side", "limit_price", "count")
        | _named("filled_count", "reported_count", "time_in_force", "post_only", "state", "version")
        | _named("created_at", "updated_at", "sent_at", "expires_at", intent_key="intent__intent_key"),
    ),
    "fills": _Table(
        FillRow,
        "filled_at",
        _MARKET
        | _named("fill_id", "kalshi_order_id", "book_side", "count", "yes_price", "fee", "is_taker")
        | _named("filled_at", client_order_id="order__client_order_id"),
    ),
    "positions": _Table(
        PositionRow,
        "updated_at",
        _MARKET
        | _named("count", "cost", "realized_pnl", "fees", "is_open", "opened_at", "updated_at", "settled_at"),
    ),
    "ledger": _Table(
        LedgerRow,
        "at",
        _named("kind", "amount", "at", "note", fill_id="fill__fill_id")
        | _named(settled_market="settlement__market__ticker"),
    ),
    "settlements": _Table(
        SettlementRow,
        "booked_at",
        _MARKET
        | _named("revision", "result", "expiration_value", "count", "cost", "payout", "pnl")
        | _named("settled_at", "booked_at"),
    ),
}


def export_books(mode: TradingMode, since: datetime | None = None) -> Iterator[str]:
    """The document in pieces. `since` leaves out what was last changed before it.

    Must not be called within a transaction: all lists are read from one snapshot of their own.
    """
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield json.dumps({"mode": mode.value, "since": since}, default=_exactly)[:-1]
        for name, table in _TABLES.items():
            yield f',\n"{name}": ['
            yield from _rows(mode, table, since)
            yield "]"
        yield "}\n"


def count_books(mode: TradingMode, since: datetime | None = None) -> dict[str, int]:
    """How many rows each list of the document has."""
    return {name: _select(mode, table, since).count() for name, table in _TABLES.items()}


def _select(mode: TradingMode, table: _Table, since: datetime | None) -> models.QuerySet[Any]:
    rows = table.model._default_manager.filter(mode=mode)
    return rows.filter(**{f"{table.since}__gte": since}) if since else rows


def _rows(mode: TradingMode, table: _Table, since: datetime | None) -> Iterator[str]:
    rows = _select(mode, table, since).order_by("pk").values_list(*table.fields.values())
    separator = "\n"
    for values in rows.iterator(chunk_size=_CHUNK):
        yield separator + json.dumps(dict(zip(table.fields, values, strict=True)), default=_exactly)
        separator = ",\n"


def _exactly(value: object) -> str:
    """Nothing is rounded: a Decimal keeps its digits, a time its microseconds."""
    match value:
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.isoformat()
        case UUID():
            return str(value)
    raise TypeError(f"{type(value).__name__} has no place in the export")
