"""Writes what our own recorder stored, and what was put aside before it was pruned, as an archive."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from markets.archive import event_days
from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.errors import BadMarketData
from milkbot.logger import logger
from trading.archive.assemble import assemble, in_display_order, write_manifest
from trading.archive.parts import Part, PartKey, PartStore, UnusableArchive
from trading.archive.stored_parts import (
    LADDERS,
    REPORTS,
    WEATHER,
    ladder_part,
    reports_part,
    weather_part,
)
from weather.archive import report_days, weather_days

BUILDERS: Final[Mapping[str, Callable[[CityConfig, date], Part]]] = {
    LADDERS: ladder_part,
    WEATHER: weather_part,
    REPORTS: reports_part,
}
FORECAST_AHEAD: Final = timedelta(days=8)
"""Forecasts of a day are captured from so long before it on."""
_DAY: Final = timedelta(days=1)


@dataclass(slots=True)
class ExportReport:
    """What was written. `left_out` names events that are no ladders."""

    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    left_out: dict[PartKey, str] = field(default_factory=dict)
    from_archive: int = 0


def export_archive(
    out: Path,
    cities: Sequence[str],
    first: date,
    last: date,
    *,
    kept: Path | None = None,
    world: str = "",
) -> ExportReport:
    """Write the climate days `first` to `last` of these cities into the new or empty folder `out`.

    `kept` is where pruned days were put aside; a day that lies there is taken from there, for the database may hold
    only a rest of it. `world` says what the data are when they are not the live ones. Raises UnusableArchive when
    something lies in `out` or a part of `kept` is harmed, and OSError when the disk does not take it.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UnusableArchive(f"{out} is not an empty folder: two exports in one would not agree")
    store = PartStore(kept) if kept is not None and kept.is_dir() else None
    report = ExportReport()
    keys = [key for city in in_display_order(cities) for key in _keys(city, first, last, store)]

    def load(key: PartKey) -> Part:
        if store is not None and store.covers(key, key.last):
            report.from_archive += 1
            return store.load(key)
        try:
            return BUILDERS[key.kind](load_cities()[key.city], key.first)
        except BadMarketData as error:
            report.left_out[key] = str(error)
            logger.warning("event left out of the export", extra={"part": key.name, "why": str(error)})
            return Part(key, key.last, refused={error.code.lower(): 1})

    out.mkdir(parents=True, exist_ok=True)
    written = assemble(out, in_display_order(cities), keys, load, with_sizes=True)
    report.files, report.refused = written.files, dict(written.refused)
    days = [key.first for key in keys if key.kind == LADDERS]
    about = {
        "made_by": "export_history",
        "world": world,
        "cities": [city.code for city in in_display_order(cities)],
        "from": min(days, default=first).isoformat(),
        "to": max(days, default=last).isoformat(),
        "left_out": {key.name: why for key, why in report.left_out.items()},
    }
    write_manifest(out, written, about)
    return report


def _keys(city: CityConfig, first: date, last: date, store: PartStore | None) -> list[PartKey]:
    """The parts that are stored or put aside, by day."""
    begins = first - FORECAST_AHEAD if first - date.min > FORECAST_AHEAD else first
    ends = last + _DAY if last < date.max else last
    found = {
        *(PartKey(LADDERS, city.code, day, day) for day in event_days(city.code) if first <= day <= last),
        *(PartKey(REPORTS, city.code, day, day) for day in report_days(city.code) if first <= day <= last),
        *(PartKey(WEATHER, city.code, day, day) for day in weather_days(city.code) if begins <= day <= ends),
    }
    if store is not None:
        for key in store.keys(city=city.code):
            low, high = (begins, ends) if key.kind == WEATHER else (first, last)
            if low <= key.first and key.last <= high:
                found.add(key)
    return sorted(found, key=lambda key: (key.first, key.kind))
