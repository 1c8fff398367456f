"""Reads the text of a daily climate report (CLI). Source: project reference on NWS and settlement, section 3.1."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from milkbot.core.errors import Malformed
from weather.domain.types import COLDEST_PLAUSIBLE_F, HOTTEST_PLAUSIBLE_F, CliReport

_SOURCE: Final = "nws"
_LONGEST_TEXT: Final = 100_000
_LINES: Final = re.MULTILINE | re.IGNORECASE

_HEADING = re.compile(
    r"^(?:CD|TD)[A-Z]{2}\d{2} [A-Z]{4} (?P<day>\d{2})(?P<hour>\d{2})(?P<minute>\d{2})(?: (?P<bbb>[A-Z]{3}))?\s*$",
    _LINES,
)
_CODE = re.compile(r"^(?P<code>CLI[A-Z0-9]{3})\s*$", _LINES)
_LOCAL_ISSUE = re.compile(
    r"^\d{3,4} [AP]M [A-Z]{2,5} (?:MON|TUE|WED|THU|FRI|SAT|SUN) "
    r"(?P<month>[A-Z]{3,9}) (?P<day>\d{1,2}) (?P<year>\d{4})\s*$",
    _LINES,
)
_SUMMARY = re.compile(
    r"^\s*\.\.\.(?P<site>.+?) CLIMATE SUMMARY (?:FOR|FROM) "
    r"(?P<month>[A-Z]{3,9}) (?P<day>\d{1,2}),? (?P<year>\d{4})\b[^\n]*$",
    _LINES,
)
_BLOCK = re.compile(r"^\s*TEMPERATURE\s*(?:\(F\))?\s*$", _LINES)
_DAY_WORD = re.compile(r"^\s*(TODAY|YESTERDAY)\s*$", _LINES)
# "MAXIMUM TEMPERATURE (F)" heads the normals at the bottom and is no observation.
_MAXIMUM = re.compile(r"^(?P<label>\s*MAXIMUM)(?P<gap>\s+)(?P<value>(?!TEMPERATURE)\S+)", _LINES)
_VALUE = re.compile(r"^(-?\d{1,3})(?:R|\(E\)|E)?$", re.IGNORECASE)
_OBSERVED_COLUMN_ENDS: Final = 26
_MISSING: Final = frozenset({"MM", "M"})
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def parse_cli(text: str, *, site: str | None = None) -> CliReport:
    """What a climate report says of its day's maximum.

    `site` names the wanted station when one product holds several ("HOUSTON/HOBBY AIRPORT", as in the summary line).
    Raises Malformed when the text is no CLI, contradicts itself, holds several stations and `site` picks none, or
    gives a maximum that is no plausible number. A maximum that is missing or `MM` is `high_f=None`.
    """
    if len(text) > _LONGEST_TEXT:
        raise Malformed(_SOURCE, f"climate report of {len(text)} characters")
    lines = "\n".join(line.expandtabs().rstrip() for line in text.splitlines())
    heading = _found(_HEADING, lines, "WMO heading")
    code = _found(_CODE, lines, "CLI code")["code"].upper()
    local_date = _date(_found(_LOCAL_ISSUE, lines, "local time of issue"))
    summary, body = _summary(lines, site)
    climate_date = _date(summary)
    block = _temperature_block(body)
    return CliReport(
        cli_code=code,
        climate_date=climate_date,
        issued_at=_issued_at(heading, local_date),
        is_final=_is_final(block, climate_date, local_date),
        correction=(heading["bbb"] or "").upper(),
        high_f=_maximum(block),
    )


def _found(pattern: re.Pattern[str], text: str, what: str) -> re.Match[str]:
    match = pattern.search(text)
    if match is None:
        raise Malformed(_SOURCE, f"climate report without {what}")
    return match


def _date(match: re.Match[str]) -> date:
    month = match["month"].upper()[:3]
    try:
        return date(int(match["year"]), _MONTHS.index(month) + 1, int(match["day"]))
    except ValueError:
        raise Malformed(_SOURCE, f"climate report with impossible date {match[0].strip()[:60]!r}") from None


def _summary(lines: str, site: str | None) -> tuple[re.Match[str], str]:
    """The wanted station's summary line and the text that belongs to it."""
    summaries = list(_SUMMARY.finditer(lines))
    wanted = [s for s in summaries if site is None or site.upper() in s["site"].upper()]
    if len(wanted) != 1:
        names = ", ".join(s["site"].strip() for s in summaries) or "none"
        raise Malformed(
            _SOURCE, f"climate report needs one summary for {site or 'its station'}, has: {names[:200]}"
        )
    after = (s.start() for s in summaries if s.start() > wanted[0].start())
    return wanted[0], lines[wanted[0].end() : next(after, len(lines))]


def _temperature_block(body: str) -> str:
    """The lines under TEMPERATURE (F) up to the next blank one."""
    start = _found(_BLOCK, body, "TEMPERATURE block").end()
    block, _, _ = body[start:].lstrip("\n").partition("\n\n")
    return block


def _is_final(block: str, climate_date: date, local_date: date) -> bool:
    """Whether the day was over: TODAY speaks of a running day, and so does a morning report "VALID AS OF"."""
    word = _found(_DAY_WORD, block, "TODAY or YESTERDAY")[1].upper()
    if climate_date > local_date or (word == "YESTERDAY" and climate_date == local_date):
        raise Malformed(_SOURCE, f"climate report of {local_date} calls {climate_date} {word}")
    return word == "YESTERDAY"


def _maximum(block: str) -> int | None:
    row = _MAXIMUM.search(block)
    if row is None or row["value"].upper() in _MISSING:
        return None
    if len(row["label"]) + len(row["gap"]) >= _OBSERVED_COLUMN_ENDS:
        return None  # The observed column is blank: this number is the record or the normal.
    value = _VALUE.match(row["value"])
    if value is None or not COLDEST_PLAUSIBLE_F <= int(value[1]) <= HOTTEST_PLAUSIBLE_F:
        raise Malformed(_SOURCE, f"climate report with maximum {row['value'][:20]!r}")
    return int(value[1])


def _issued_at(heading: re.Match[str], local_date: date) -> datetime:
    """The heading gives day, hour and minute in UTC; the local date of issue, at most a day off, gives the rest."""
    for days in (0, 1, -1):
        day = local_date + timedelta(days=days)
        if day.day == int(heading["day"]):
            try:
                return datetime(
                    day.year, day.month, day.day, int(heading["hour"]), int(heading["minute"]), tzinfo=UTC
                )
            except ValueError:
                break
    raise Malformed(
        _SOURCE, f"climate report heading {heading[0].strip()!r} does not fit its local date {local_date}"
    )
