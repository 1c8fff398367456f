"""Tables of the page as text: every figure already written as it is read, with the tone it is shown in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from milkbot.core.money import signed_dollars
from milkbot.core.scoring.evidence import Interval

NONE: Final = "—"
FEW: Final = 20
"""Cases; fewer are shown grey."""


class Tone(StrEnum):
    """Class of the page's style sheet."""

    PLAIN = ""
    QUIET = "quiet"
    GAIN = "gain"
    LOSS = "loss"
    MARKET = "market"
    OURS = "ours"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Column:
    """`is_wide` columns are left out where the page is narrow."""

    label: str
    is_number: bool = True
    is_wide: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Heading:
    """A line across the table that names the rows below it."""

    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """Cells with the columns they stand in; the first one names the row. A heading has none."""

    cells: tuple[tuple[Column, Cell], ...]
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def table(columns: Sequence[Column], rows: Iterable[Sequence[Cell | str] | Heading]) -> Table:
    """Raises ValueError for a row of another width."""
    return Table(tuple(columns), tuple(_row(columns, row) for row in rows))


def number(value: float | Decimal | None, places: int, unit: str = "") -> str:
    return NONE if value is None else _minus(f"{value:z,.{places}f}{unit}")


def signed(value: float | Decimal | None, places: int, unit: str = "") -> str:
    return NONE if value is None else _minus(f"{value:+z,.{places}f}{unit}")


def span(interval: Interval | None, places: int, unit: str = "") -> str:
    """Both ends of a 95 % interval."""
    if interval is None:
        return "too few days"
    return f"{signed(interval.low, places)} to {signed(interval.high, places)}{unit}"


def money(value: Decimal | None) -> Cell:
    """A gain or a loss: blue or vermilion, always with its sign."""
    if value is None:
        return Cell(NONE, Tone.QUIET)
    return Cell(signed_dollars(value), tone_of(value))


def tone_of(value: Decimal | float) -> Tone:
    if value == 0:
        return Tone.PLAIN
    return Tone.GAIN if value > 0 else Tone.LOSS


def cents(dollars: Decimal) -> str:
    return f"{dollars * 100:.1f}¢"


def percent(share: float | Decimal | None, places: int = 0) -> str:
    return NONE if share is None else f"{share:.{places}%}"


def _row(columns: Sequence[Column], row: Sequence[Cell | str] | Heading) -> Row:
    if isinstance(row, Heading):
        return Row((), row.text)
    cells = [cell if isinstance(cell, Cell) else Cell(cell) for cell in row]
    return Row(tuple(zip(columns, cells, strict=True)))


def _minus(text: str) -> str:
    return text.replace("-", "−")
