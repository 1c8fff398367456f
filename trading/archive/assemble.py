"""From parts to the files of the recorded-ladder format, a part at a time: memory does not grow with the days.

The same parts always give the same bytes. Files are written beside their places and moved there whole, the manifest last.
"""

import csv
import gzip
import hashlib
import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import TextIOWrapper
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from milkbot.core.cities import CityConfig, load_cities
from trading.archive.parts import Part, PartKey, write_whole
from trading.archive.text import Row
from trading.backtest.recorded import FORECAST_COLUMNS, HIGH_COLUMNS
from trading.backtest.recorded_events import EVENT_COLUMNS
from trading.backtest.recorded_quotes import QUOTE_COLUMNS, SIZE_COLUMNS

MANIFEST: Final = "manifest.json"
TRADE_COLUMNS: Final = ("ticker", "ts_utc", "yes_price", "count", "taker_side", "trade_id")
HOURLY_COLUMNS: Final = ("target_ts_utc", "issued_at_utc", "source", "temp_f")
OBSERVATION_COLUMNS: Final = ("station", "observed_at_utc", "available_at_utc", "kind", "temp_c", "metar")
REPORT_COLUMNS: Final = ("cli_code", "climate_date", "issued_at_utc", "is_final", "correction", "high_f")

_UNFINISHED: Final = ".unfinished"
_TIME = itemgetter(1)
_TIME_AND_TICKER = itemgetter(1, 0)


@dataclass(frozen=True, slots=True)
class Table:
    """A table, its columns, and those that name a row: a second row of the same name is left out.

    `kinds` are the parts that hold it, if it has a file for each city, named by their days.
    """

    name: str
    columns: Sequence[str]
    named_by: Sequence[int]
    kinds: frozenset[str] = frozenset()


_LADDERS: Final = frozenset({"ladders"})
EVENTS: Final = Table("events", EVENT_COLUMNS, (4,))
QUOTES: Final = Table("quotes", QUOTE_COLUMNS, (0, 1), _LADDERS)
SIZED_QUOTES: Final = Table("quotes", (*QUOTE_COLUMNS, *SIZE_COLUMNS), (0, 1), _LADDERS)
TRADES: Final = Table("trades", TRADE_COLUMNS, (0, 5), frozenset({"trades"}))
FORECASTS: Final = Table("forecasts", FORECAST_COLUMNS, (0, 1, 2, 4, 5))
HIGHS: Final = Table("highs", HIGH_COLUMNS, (0, 1, 3))
HOURLY: Final = Table("hourly", HOURLY_COLUMNS, (0, 1, 2), frozenset({"guidance", "weather"}))
OBSERVATIONS: Final = Table(
    "observations", OBSERVATION_COLUMNS, (0, 1, 3), frozenset({"readings", "weather"})
)
REPORTS: Final = Table("reports", REPORT_COLUMNS, (0, 1, 2, 4), frozenset({"reports"}))


@dataclass(slots=True)
class Written:
    """What an assembly wrote: rows and digest by file, rows of a name already there, refusals the parts told of."""

    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeated: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


def assemble(
    out: Path,
    cities: Sequence[CityConfig],
    keys: Sequence[PartKey],
    load: Callable[[PartKey], Part],
    *,
    with_sizes: bool = False,
) -> Written:
    """Write the tables of the parts `keys`, each brought by `load` when its turn comes, into `out`.

    What the reader wants is written even without a row: events, forecasts, daily highs, and the quotes of every city that
    has ladders. Raises OSError.
    """
    written, quotes = Written(), SIZED_QUOTES if with_sizes else QUOTES
    for left_behind in out.rglob(f"*{_UNFINISHED}"):
        left_behind.unlink()
    shared = {
        EVENTS.name: _File(out, "kalshi/ladders/events.csv", EVENTS, written),
        FORECASTS.name: _File(out, "weather/forecasts.csv.gz", FORECASTS, written),
        HIGHS.name: _File(out, "weather/daily_highs.csv.gz", HIGHS, written),
    }
    with _given_up_on_failure(shared.values()):
        for city in cities:
            own = sorted(
                (key for key in keys if key.city == city.code), key=lambda key: (key.first, key.last)
            )
            files = _files_of(out, city, own, quotes, written)
            with _given_up_on_failure(files.values()):
                _write_city(own, load, shared | files, written)
                for file in files.values():
                    file.close()
        for file in shared.values():
            file.close()
    return written


@contextmanager
def _given_up_on_failure(files: Iterable["_File"]) -> Iterator[None]:
    """However it ends, none of the files stays open."""
    try:
        yield
    finally:
        for file in files:
            file.give_up()


def write_manifest(out: Path, written: Written, about: Mapping[str, Any]) -> None:
    """Say what the folder holds; files of a former assembly that this one did not write are removed."""
    for name in files_named(out) - written.files.keys():
        (out / name).unlink(missing_ok=True)
    content = {
        "format": "recorded-ladder",
        **about,
        "files": written.files,
        "refused": dict(written.refused),
        "rows_left_out_as_repeated": dict(written.repeated),
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    write_whole(out / MANIFEST, text.encode("utf-8"))


def files_named(out: Path) -> set[str]:
    """The files that the manifest in `out` names; none without a readable one."""
    try:
        told = json.loads((out / MANIFEST).read_bytes())["files"]
        names = {str(name) for name in told}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {name for name in names if ".." not in name and name.startswith(("kalshi/", "weather/"))}


def _files_of(
    out: Path, city: CityConfig, keys: Sequence[PartKey], quotes: Table, written: Written
) -> dict[str, "_File"]:
    places = (
        (quotes, "kalshi/ladders/quotes_", city.kalshi_series),
        (TRADES, "kalshi/ladders/trades_", city.kalshi_series),
        (HOURLY, "weather/hourly_forecasts_", city.code),
        (OBSERVATIONS, "weather/observations_", city.code),
        (REPORTS, "weather/climate_reports_", city.code),
    )
    files = {}
    for table, begins, whose in places:
        own = [key for key in keys if key.kind in table.kinds]
        if own:
            days = f"{min(key.first for key in own)}_{max(key.last for key in own)}"
            files[table.name] = _File(out, f"{begins}{whose}_{days}.csv.gz", table, written)
    return files


def _write_city(
    keys: Iterable[PartKey], load: Callable[[PartKey], Part], files: Mapping[str, "_File"], written: Written
) -> None:
    """Parts come by day. Two events of a city overlap: prices of the first wait for the opening of the second."""
    waiting = {name: _Waiting(files[name]) for name in (QUOTES.name, TRADES.name) if name in files}
    for key in keys:
        part = load(key)
        written.refused.update(part.refused)
        for name, rows in part.rows.items():
            if name in waiting:
                waiting[name].add(rows)
            else:
                files[name].add(rows)
    for held in waiting.values():
        held.flush()


class _Waiting:
    """Rows of several events, put into one order of time."""

    def __init__(self, file: "_File") -> None:
        self._file = file
        self._rows: list[Row] = []

    def add(self, rows: Sequence[Row]) -> None:
        """Rows of an event that opens later than those before it."""
        if not rows:
            return
        begins = min(map(_TIME, rows))
        done = bisect_left(self._rows, begins, key=_TIME)
        self._file.add(self._rows[:done])
        self._rows = sorted([*self._rows[done:], *rows], key=_TIME_AND_TICKER)

    def flush(self) -> None:
        self._file.add(self._rows)
        self._rows = []


class _File:
    """A table on its way to its file; the file is made with the first row, or when it is closed if it must be there."""

    def __init__(self, out: Path, name: str, table: Table, written: Written) -> None:
        self._path, self._name, self._table, self._written = out / name, name, table, written
        self._beside = self._path.with_name(self._path.name + _UNFINISHED)
        self._must_be = table.name in (EVENTS.name, FORECASTS.name, HIGHS.name, QUOTES.name)
        self._lines: _Lines | None = None
        self._before: set[Row] = set()
        self._rows = 0

    def add(self, rows: Iterable[Row]) -> None:
        """Rows of one part; those that the part before it named already are counted and left out."""
        now: set[Row] = set()
        fresh = list(self._fresh(rows, now))
        if fresh:
            self._open().write(fresh)
            self._rows += len(fresh)
        if now:
            self._before = now

    def close(self) -> None:
        """Move the file to its place."""
        if self._must_be:
            self._open()
        if self._lines is None:
            return
        digest = self._lines.close()
        self._lines = None
        self._beside.replace(self._path)
        self._written.files[self._name] = {"rows": self._rows, "sha256": digest}

    def give_up(self) -> None:
        """Let go of a file that was not finished; the next assembly begins it anew."""
        if self._lines is not None:
            with suppress(OSError):
                self._lines.close()
            self._lines = None

    def _fresh(self, rows: Iterable[Row], now: set[Row]) -> Iterator[Row]:
        for row in rows:
            name = tuple(row[column] for column in self._table.named_by)
            if name in self._before or name in now:
                self._written.repeated[self._table.name] += 1
            else:
                yield row
            now.add(name)

    def _open(self) -> "_Lines":
        if self._lines is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lines = _Lines(self._beside, self._table.columns, packed=self._path.suffix == ".gz")
        return self._lines


class _Lines:
    """CSV lines, packed or not, without a name or a time of the file in its bytes."""

    def __init__(self, path: Path, columns: Sequence[str], *, packed: bool) -> None:
        self._path = path
        self._raw = path.open("wb")
        self._packed = gzip.GzipFile("", "wb", 6, fileobj=self._raw, mtime=0) if packed else None
        self._text = TextIOWrapper(self._packed or self._raw, encoding="utf-8", newline="")
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow(columns)

    def write(self, rows: Iterable[Row]) -> None:
        self._writer.writerows(rows)

    def close(self) -> str:
        """SHA-256 of the file in hexadecimal digits."""
        self._text.close()
        self._raw.close()
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def in_display_order(codes: Iterable[str]) -> tuple[CityConfig, ...]:
    """The cities of these codes in the order in which they are shown everywhere."""
    wanted = set(codes)
    return tuple(city for code, city in load_cities().items() if code in wanted)
