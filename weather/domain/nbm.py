"""Reads the station texts of the National Blend of Models (NBS and NBE): forecast daytime maxima.

A text is a run of blocks, one a station: a heading with the run's time, a row of forecast hours, and rows of values that
stand right under them. TXN (X/N or N/X in older versions) holds a maximum where the hour is 00Z and a minimum where it
is 12Z. Source: project reference on NWS and settlement, section 4; versions 1 to 5 as recorded 2018-2026.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from milkbot.core.errors import Malformed
from weather.domain.types import COLDEST_PLAUSIBLE_F, HOTTEST_PLAUSIBLE_F, DayHigh

SOURCE: Final = "nbm_text"
MOST_LINES: Final = 80
"""Of a block: real ones have about forty."""
_LONGEST_LINE: Final = 200
_LONGEST_LEAD_H: Final = 264
_HEADING = re.compile(
    r"^(?P<station>[A-Z0-9_]{3,9}) +NBM +(?:V\d\.\d +)?NB[SE] GUIDANCE +"
    r"(?P<month>\d{1,2})/(?P<day>\d{2})/(?P<year>\d{4}) +(?P<hour>\d{2})00 UTC *$",
    re.ASCII,
)
_BEGINS_LIKE_A_HEADING = re.compile(r"^(?P<station>[A-Z0-9_]{3,9}) +NBM ", re.ASCII)
_EXTREMES: Final = ("TXN", "X/N", "N/X")
_HOURS = re.compile(r"\d+", re.ASCII)
_VALUE = re.compile(r"^ *(-?\d{1,3})$", re.ASCII)
_MISSING: Final = frozenset({999, -99})
_WIDTH: Final = 3
_CONTROL: Final = {number: None for number in range(32) if chr(number) not in "\t\n"}


class Guidance(NamedTuple):
    """One station of one run: the time each maximum ends at, always 00Z, and the maximum, °F."""

    station: str
    run_at: datetime
    maxima: tuple[tuple[datetime, int], ...]

    def highs(self, std_offset_hours: int) -> tuple[DayHigh, ...]:
        """By climate day: a maximum that ends at 00Z is of the day whose afternoon that is."""
        offset = timedelta(hours=std_offset_hours)
        return tuple(
            DayHigh(day=(ends_at + offset).date(), high_f=high_f, knows_night=False)
            for ends_at, high_f in self.maxima
        )


def blocks(lines: Iterable[str], stations: frozenset[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The wanted stations' blocks, heading first, without control characters.

    A block ends before the next heading or after MOST_LINES lines; empty lines do not count.
    """
    station, block = "", list[str]()
    for raw in lines:
        line = raw[:_LONGEST_LINE].translate(_CONTROL).rstrip()
        heading = _BEGINS_LIKE_A_HEADING.match(line)
        if block and (heading or len(block) == MOST_LINES):
            yield station, tuple(block)
            block = []
        if heading and heading["station"] in stations:
            station, block = heading["station"], [line]
        elif block and line and not heading:
            block.append(line)
    if block:
        yield station, tuple(block)


def parse_guidance(block: tuple[str, ...]) -> Guidance:
    """The maxima of one block. One without values has none; whatever contradicts itself raises Malformed."""
    heading = _HEADING.match(block[0]) if block else None
    if heading is None:
        raise Malformed(SOURCE, f"no heading: {block[0][:60]!r}" if block else "an empty block")
    station = heading["station"]
    try:
        year, month, day, hour = (int(heading[part]) for part in ("year", "month", "day", "hour"))
        run_at = datetime(year, month, day, hour, tzinfo=UTC)
        columns = _columns(run_at, _row(block, "FHR"), _row(block, "UTC"))
    except (ValueError, OverflowError) as error:
        raise Malformed(SOURCE, f"{station}: {error}") from None
    rows = [line for line in block if line.startswith(_EXTREMES)]
    if len(rows) > 1:
        raise Malformed(SOURCE, f"{station}: {len(rows)} rows of extremes")
    found = ((at, _value(station, rows[0], end)) for end, at in columns if at.hour == 0) if rows else ()
    return Guidance(station, run_at, tuple((at, high_f) for at, high_f in found if high_f is not None))


def _row(block: tuple[str, ...], name: str) -> str:
    rows = [line for line in block if line.startswith(f"{name} ")]
    if len(rows) != 1:
        raise ValueError(f"{len(rows)} rows {name}")
    return rows[0]


def _columns(run_at: datetime, hours: str, clock: str) -> list[tuple[int, datetime]]:
    """Where each column ends in the line, and the time it speaks of: both rows must say the same, and go forward."""
    columns: list[tuple[int, datetime]] = []
    last_h = 0
    for match in _HOURS.finditer(hours):
        lead_h = int(match[0])
        if not last_h < lead_h <= _LONGEST_LEAD_H or hours[match.start() - 1] == "-":
            raise ValueError(f"forecast hour {match[0][:9]} after {last_h}")
        at, last_h = run_at + timedelta(hours=lead_h), lead_h
        said = clock[match.end() - 2 : match.end()]
        if said != f"{at.hour:02}":
            raise ValueError(f"hour {lead_h} after {run_at:%H}Z is not {said!r}Z")
        columns.append((match.end(), at))
    return columns


def _value(station: str, line: str, end: int) -> int | None:
    text = line[end - _WIDTH : end]
    if not text.strip():
        return None
    match = _VALUE.match(text)
    if match is None:
        raise Malformed(SOURCE, f"{station}: {text!r} is no temperature")
    value = int(match[1])
    if value in _MISSING:
        return None
    if not COLDEST_PLAUSIBLE_F <= value <= HOTTEST_PLAUSIBLE_F:
        raise Malformed(SOURCE, f"{station}: {value} °F is not plausible")
    return value
