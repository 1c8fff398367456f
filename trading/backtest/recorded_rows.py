"""The lines of a recording's files: typed fields, and a tally of what became of every row."""

import csv
import gzip
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from milkbot.core.errors import MilkbotError
from milkbot.core.money import parse_decimal
from trading.backtest.recorded_types import Fault, FileCount, ReadReport, RowNote

NOTES_PER_FAULT: Final = 100
"""Rows named per fault and file; further ones are counted. A spoiled file of millions must not fill the memory."""
LOWEST_PRICE: Final = Decimal("0.01")
HIGHEST_PRICE: Final = Decimal("0.99")
PRICE_PLACES: Final = 6
COUNT_PLACES: Final = 2
MOST_CONTRACTS: Final = 10**12

T = TypeVar("T")


class UnreadableRecording(MilkbotError):
    """A folder that is no recording: a file is missing, broken, or has other columns. Nothing of it was used."""


class BadRow(Exception):
    """A row that must not be used."""

    def __init__(self, fault: Fault, text: str) -> None:
        super().__init__(text)
        self.fault = fault


class Line(NamedTuple):
    """A data row and where it stands."""

    file: str
    number: int
    fields: Sequence[str]


class Tally:
    """Counts every row of every file once: used, outside what was asked for, or refused."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._outside: Counter[str] = Counter()
        self._refused: Counter[tuple[str, Fault]] = Counter()
        self._flagged: Counter[tuple[str, Fault]] = Counter()
        self._notes: dict[tuple[str, Fault], list[RowNote]] = defaultdict(list)

    def read(self, file: str, rows: int) -> None:
        """So many rows of a file, each of which is used unless something else is said of it."""
        self._rows[file] += rows

    def outside(self, file: str, rows: int = 1) -> None:
        """So many rows of a file, of what was not asked for."""
        self._outside[file] += rows

    def refuse(self, line: Line, fault: Fault, text: str) -> None:
        self._note(self._refused, line, fault, text)

    def flag(self, line: Line, fault: Fault, text: str) -> None:
        self._note(self._flagged, line, fault, text)

    def add(self, other: "Tally") -> None:
        """What `other` counted, of files that were not counted here."""
        self._rows.update(other._rows)
        self._outside.update(other._outside)
        self._refused.update(other._refused)
        self._flagged.update(other._flagged)
        for place, notes in other._notes.items():
            self._notes[place].extend(notes)

    def report(self) -> ReadReport:
        """All that was counted so far."""
        refused_in = Counter[str]()
        for (file, _), number in self._refused.items():
            refused_in[file] += number
        return ReadReport(
            files={
                file: FileCount(
                    rows=rows,
                    used=rows - self._outside[file] - refused_in[file],
                    outside=self._outside[file],
                    refused=refused_in[file],
                )
                for file, rows in self._rows.items()
            },
            refused=_by_fault(self._refused),
            flagged=_by_fault(self._flagged),
            notes=tuple(sorted(note for notes in self._notes.values() for note in notes)),
        )

    def _note(self, counts: Counter[tuple[str, Fault]], line: Line, fault: Fault, text: str) -> None:
        counts[line.file, fault] += 1
        notes = self._notes[line.file, fault]
        if len(notes) < NOTES_PER_FAULT:
            notes.append(RowNote(line.file, line.number, fault, text[:200]))


def lines_of(
    path: Path, columns: Sequence[str], tally: Tally, optional: Sequence[str] = ()
) -> Iterator[Line]:
    """The data rows of a CSV file, plain or gzipped, each counted; rows of another width are refused here.

    The file may end in the `optional` columns, all of them or none; without them their fields read as empty. Raises
    UnreadableRecording when the file is no CSV in UTF-8 with exactly these columns.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    name, number, rows = path.name, 0, 0
    try:
        with opener(path, "rt", encoding="utf-8", newline="") as text:
            reader = csv.reader(text, strict=True)
            width, missing = _width(tuple(next(reader, ())), columns, optional, name)
            for fields in reader:
                number, rows = reader.line_num, rows + 1
                line = Line(name, number, fields + missing)
                if len(fields) == width:
                    yield line
                else:
                    tally.refuse(line, Fault.FIELD_COUNT, f"{len(fields)} fields instead of {width}")
            tally.read(name, rows)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        reason = f"{type(error).__name__}: {error}"
        raise UnreadableRecording(f"{name}: cannot be read after line {number} ({reason})") from None


def _width(
    header: Sequence[str], columns: Sequence[str], optional: Sequence[str], name: str
) -> tuple[int, list[str]]:
    """How many fields a row has by its header, and the empty ones that stand for columns it lacks."""
    if header == (*columns, *optional):
        return len(header), []
    if header != tuple(columns):
        ending = f", and may end in {','.join(optional)}" if optional else ""
        raise UnreadableRecording(f"{name}:1: the columns must be {','.join(columns)}{ending}")
    return len(header), [""] * len(optional)


def one_file(folder: Path, stem: str) -> Path:
    """`<stem>.csv` or `<stem>.csv.gz`. Raises UnreadableRecording when neither is there."""
    for suffix in (".csv", ".csv.gz"):
        path = folder / f"{stem}{suffix}"
        if path.is_file():
            return path
    raise UnreadableRecording(f"{folder} holds no {stem}.csv or {stem}.csv.gz")


@lru_cache(maxsize=10_000)
def instant(text: str) -> datetime:
    """A time in UTC, written with Z. Raises BadRow: NOT_UTC for any other zone or none."""
    if not text.endswith("Z"):
        raise BadRow(Fault.NOT_UTC, f"{text!r} is no time in UTC, which ends in Z")
    return _parsed(text, datetime.fromisoformat, "a time")


@lru_cache(maxsize=10_000)
def day(text: str) -> date:
    return _parsed(text, date.fromisoformat, "a date")


@lru_cache(maxsize=10_000)
def number(text: str) -> Decimal:
    return _parsed(text, parse_decimal, "a number")


def whole(text: str) -> int | None:
    """A whole number; None when empty."""
    return _parsed(text, int, "a whole number") if text else None


@lru_cache(maxsize=10_000)
def price(text: str) -> Decimal | None:
    """Dollars from 0.01 to 0.99; None when empty. 0 and 1 are placeholders that a recording must not hold."""
    if not text:
        return None
    value = number(text)
    if not LOWEST_PRICE <= value <= HIGHEST_PRICE:
        raise BadRow(Fault.PRICE_OUT_OF_RANGE, f"{text} is not between {LOWEST_PRICE} and {HIGHEST_PRICE}")
    return _at_most_places(value, PRICE_PLACES)


@lru_cache(maxsize=100_000)
def count(text: str) -> Decimal | None:
    """Contracts; None when empty."""
    if not text:
        return None
    value = _parsed(text, parse_decimal, "a number")
    if not 0 <= value < MOST_CONTRACTS:
        raise BadRow(Fault.IMPLAUSIBLE, f"{text[:60]} contracts")
    return _at_most_places(value, COUNT_PLACES)


def _at_most_places(value: Decimal, places: int) -> Decimal:
    """`value`, if it has no more decimal places than the tables keep."""
    if value != round(value, places):
        raise BadRow(Fault.UNREADABLE, f"{value} has more than {places} decimal places")
    return value


def _parsed(text: str, parse: Callable[[str], T], wanted: str) -> T:
    try:
        return parse(text)
    except ValueError:
        raise BadRow(Fault.UNREADABLE, f"{text[:60]!r} is not {wanted}") from None


def _by_fault(counts: Counter[tuple[str, Fault]]) -> dict[Fault, int]:
    total = Counter[Fault]()
    for (_, fault), rows in counts.items():
        total[fault] += rows
    return dict(total)
