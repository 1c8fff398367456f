"""Builds an archive from public histories, part by part; what is complete is not asked for again."""

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.errors import BadMarketData, OutsideError, Unreachable
from trading.archive import exchange_parts, weather_parts
from trading.archive.assemble import assemble, in_display_order, write_manifest
from trading.archive.exchange_parts import ExchangeParts
from trading.archive.parts import Part, PartKey, PartStore, UnusableArchive, write_whole
from trading.archive.weather_parts import WeatherParts, weather_keys

PARTS: Final = "parts"
SOURCES: Final = "sources.json"
LOCK: Final = ".lock"
WEATHER_KINDS: Final = (
    weather_parts.GUIDANCE,
    weather_parts.HIGHS,
    weather_parts.REPORTS,
    weather_parts.READINGS,
)
EXCHANGE_KINDS: Final = (exchange_parts.LADDERS, exchange_parts.TRADES)
KINDS: Final = (*WEATHER_KINDS, *EXCHANGE_KINDS)
UNREACHABLE_AT_MOST: Final = 3
"""Parts in a row that a service did not answer for; after that its others are left for another run."""
_DAY: Final = timedelta(days=1)

Say = Callable[[str], None]
"""Tells a person how far it is, a line at a time."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Climate days `first` to `last`, both included, of these cities, and what of them."""

    first: date
    last: date
    cities: Sequence[str]
    kinds: Sequence[str]
    ask_empty_again: bool = False

    def keys(self) -> list[PartKey]:
        """The parts, in the order in which they are fetched: trades after the ladders that name their markets."""
        return [
            key
            for kind in KINDS
            if kind in self.kinds
            for city in in_display_order(self.cities)
            for key in self._keys_of(kind, city)
        ]

    def _keys_of(self, kind: str, city: CityConfig) -> Iterator[PartKey]:
        if kind in WEATHER_KINDS:
            yield from weather_keys(kind, city.code, self.first, self.last)
            return
        for ahead in range((self.last - self.first).days + 1):
            day = self.first + ahead * _DAY
            yield PartKey(kind, city.code, day, day)


@dataclass(slots=True)
class ImportReport:
    """What came of an import. `missing` and `unfinished` name parts that another run asks for again."""

    fetched: int = 0
    kept: int = 0
    missing: dict[PartKey, str] = field(default_factory=dict)
    unfinished: list[PartKey] = field(default_factory=list)
    empty: list[PartKey] = field(default_factory=list)
    refused: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return not self.missing and not self.unfinished


class Fetcher:
    """Brings any part. Raises OutsideError, BadMarketData or UnusableArchive."""

    def __init__(self, exchange: ExchangeParts, weather: WeatherParts) -> None:
        self._exchange = exchange
        self._weather = weather

    def fetch(self, key: PartKey, store: PartStore) -> Part:
        """`store` holds the ladders by which trades are asked for."""
        city = load_cities()[key.city]
        match key.kind:
            case exchange_parts.LADDERS:
                return self._exchange.ladder(city, key.first)
            case exchange_parts.TRADES:
                ladder = store.load(key._replace(kind=exchange_parts.LADDERS))
                return self._exchange.trades(city, key.first, ladder.rows.get("events", ()))
            case weather_parts.GUIDANCE:
                return self._weather.guidance(city, key)
            case weather_parts.HIGHS:
                return self._weather.highs(city, key)
            case weather_parts.READINGS:
                return self._weather.readings(city, key)
            case weather_parts.REPORTS:
                return self._weather.reports(city, key)
        raise ValueError(f"no part is called {key.kind}")


def import_archive(
    out: Path, wanted: Wanted, fetcher: Fetcher, sources: Mapping[str, str], say: Say
) -> ImportReport:
    """Fetch what is missing of `wanted` and write the files of all that is in `out`.

    `sources` names the hosts asked; an archive holds those of one world. Raises UnusableArchive when `out` cannot take
    it or another import is at work there, and OSError when the disk does not.
    """
    _check(out)
    (out / PARTS).mkdir(parents=True, exist_ok=True)
    with _alone(out / PARTS):
        _check_sources(out / PARTS / SOURCES, sources)
        store, report = PartStore(out / PARTS), ImportReport()
        _Round(wanted, store, fetcher, report, say).fetch_all()
        store.tidy()
        _write_files(out, store, sources, report)
    return report


class _Round:
    """One pass over the parts."""

    def __init__(
        self, wanted: Wanted, store: PartStore, fetcher: Fetcher, report: ImportReport, say: Say
    ) -> None:
        self._wanted, self._store, self._fetcher = wanted, store, fetcher
        self._report, self._say = report, say
        self._unreachable = {True: 0, False: 0}

    def fetch_all(self) -> None:
        keys = self._wanted.keys()
        for number, key in enumerate(keys, 1):
            if self._is_here(key):
                self._report.kept += 1
                continue
            self._say(f"[{number}/{len(keys)}] {key.kind} {_days(key)}: {self._fetch(key)}")
        if self._report.kept:
            self._say(f"{self._report.kept} of {len(keys)} parts were here already")

    def _is_here(self, key: PartKey) -> bool:
        if not self._store.covers(key, self._wanted.last):
            return False
        return not (self._wanted.ask_empty_again and self._store.load(key).is_empty)

    def _fetch(self, key: PartKey) -> str:
        """What became of it, in words."""
        of_exchange = key.kind in EXCHANGE_KINDS
        if self._unreachable[of_exchange] >= UNREACHABLE_AT_MOST:
            self._report.missing[key] = "not asked for: the service does not answer"
            return self._report.missing[key]
        try:
            part = self._fetcher.fetch(key, self._store)
        except (OutsideError, BadMarketData, UnusableArchive) as error:
            self._unreachable[of_exchange] += isinstance(error, Unreachable)
            self._report.missing[key] = str(error)
            return f"missing, {error}"
        self._unreachable[of_exchange] = 0
        self._store.save(part)
        self._report.fetched += 1
        if part.through < min(key.last, self._wanted.last):
            self._report.unfinished.append(key)
        elif part.is_empty:
            self._report.empty.append(key)
        return _told(part)


def _told(part: Part) -> str:
    words = {"events": "markets"}
    counts = ", ".join(
        f"{len(rows)} {words.get(table, table)}" for table, rows in sorted(part.rows.items()) if rows
    )
    refused = ", ".join(f"{count} {reason}" for reason, count in sorted(part.refused.items()) if count)
    return (counts or "nothing there") + (f"; refused: {refused}" if refused else "")


def _days(key: PartKey) -> str:
    return f"{key.city} {key.first}" + ("" if key.first == key.last else f" to {key.last}")


def _write_files(out: Path, store: PartStore, sources: Mapping[str, str], report: ImportReport) -> None:
    keys = store.keys()
    cities = in_display_order({key.city for key in keys})
    written = assemble(out, cities, keys, store.load)
    report.refused, report.files = dict(written.refused), written.files
    days = [key for key in keys if key.kind == exchange_parts.LADDERS] or keys
    about = {
        "made_by": "import_history",
        "sources": dict(sources),
        "cities": [city.code for city in cities],
        "from": min((key.first for key in days), default=date.min).isoformat(),
        "to": max((key.last for key in days), default=date.min).isoformat(),
        "parts": len(keys),
    }
    write_manifest(out, written, about)


def _check(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise UnusableArchive(f"{out} is not a folder")
    if any(out.iterdir()) and not (out / PARTS).is_dir():
        raise UnusableArchive(f"{out} holds other files; name a new folder or that of an earlier import")


def _check_sources(path: Path, sources: Mapping[str, str]) -> None:
    told = json.dumps(dict(sources), sort_keys=True).encode() + b"\n"
    if not path.exists():
        write_whole(path, told)
    elif path.read_bytes() != told:
        raise UnusableArchive(f"{path.parent.parent} was imported from {path.read_text().strip()}")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Held by the process: whatever way it ends, the next one finds it free."""
    with (folder / LOCK).open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UnusableArchive(f"another import is at work in {folder.parent}") from None
        yield
