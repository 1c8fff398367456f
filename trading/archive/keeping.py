"""Puts days aside before they are pruned: history is exported before it is deleted (design 5)."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Final

from django.db import DatabaseError

from markets.archive import days_priced_before
from milkbot.core.cities import load_cities
from milkbot.core.config import Config, state_folder
from milkbot.core.errors import MilkbotError
from milkbot.logger import logger
from trading.archive.exporting import BUILDERS
from trading.archive.parts import PartKey, PartStore
from trading.archive.stored_parts import LADDERS, WEATHER
from weather.archive import days_captured_before, days_observed_before

Day = tuple[str, date]
"""City code and day."""
_OLDER: Final[dict[str, tuple[str, Callable[[datetime], list[Day]]]]] = {
    "market_snapshots": (LADDERS, days_priced_before),
    "weather_snapshots": (WEATHER, days_captured_before),
    "observations": (WEATHER, days_observed_before),
}
"""By table: the kind of part that holds its rows, and the days that lose rows."""


def archive_folder(config: Config) -> Path:
    """Where this profile's pruned days lie."""
    return state_folder() / config.milkbot_profile / "archive"


def put_aside(table: str, before: datetime, folder: Path) -> frozenset[Day]:
    """Export every day of `table` that has rows from before `before`; the days that could not be.

    A day that lies there already stays as it is: it was whole when it was put aside, the database may hold a rest. A
    table of which no archive tells has no such days.
    """
    if table not in _OLDER:
        return frozenset()
    kind, days_of = _OLDER[table]
    days = days_of(before)
    if not days:
        return frozenset()
    try:
        store = PartStore(folder)
    except OSError as error:
        logger.error("days before pruning cannot be put aside", extra={"table": table, "why": str(error)})
        return frozenset(days)
    return frozenset(_failed(store, kind, days))


def _failed(store: PartStore, kind: str, days: Iterable[Day]) -> Iterable[Day]:
    for code, day in days:
        key = PartKey(kind, code, day, day)
        if store.covers(key, day):
            continue
        try:
            part = BUILDERS[kind](load_cities()[code], day)
            store.save(replace(part, through=key.last))
        except (OSError, DatabaseError, MilkbotError, LookupError, ValueError) as error:
            logger.error("a day is not pruned: not put aside", extra={"part": key.name, "why": str(error)})
            yield code, day
