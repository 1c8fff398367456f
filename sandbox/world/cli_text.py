"""Climate reports as text. No two offices of the ten lay them out alike, as the recorded ones show; project reference on
NWS and settlement, 3.1, lists what differs: the clock's form, the width and presence of columns, indents, headings.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Literal

from sandbox.cities import City
from sandbox.english import report_day, report_issue_time
from sandbox.world.climate import high_spread, normal_high, normal_low
from sandbox.world.climate_reports import DayReport

Clock = Literal["plain", "colon", "padded", "none"]

FIRST_YEAR_ON_RECORD: Final = 1895
RECORD_SPREADS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Layout:
    """How an office prints. `indent` is the number of blanks before MAXIMUM; `padding` of blanks at line ends."""

    clock: Clock
    indent: int = 2
    padding: int = 0
    heading: str = "TEMPERATURE (F)"
    normal_period: str = "CLIMATE NORMAL PERIOD 1991 TO 2020"
    record_columns: bool = True
    last_year: bool = True
    normals_table: bool = True
    blank_after_code: int = 1
    dots: int = 67
    tabs: bool = False
    explained: bool = True


LAYOUTS: Final = {
    "NYC": Layout("plain", padding=22),
    "CHI": Layout("plain", normal_period="CLIMATE NORMAL PERIOD: 1991 TO 2020", dots=66, blank_after_code=2),
    "LAX": Layout("colon", padding=12, normals_table=False),
    "MIA": Layout("colon", padding=22, normal_period="CLIMATE NORMAL PERIOD: 1991 TO 2020"),
    "AUS": Layout("plain", dots=66, last_year=False, blank_after_code=2),
    "DEN": Layout("padded", indent=1, heading="TEMPERATURE"),
    "PHL": Layout("plain", padding=8, explained=False),
    "BOS": Layout("colon", tabs=True, normals_table=False),
    "SEA": Layout("plain", record_columns=False, dots=52, blank_after_code=2),
    "SFO": Layout("none", dots=59, normal_period="CLIMATE NORMAL PERIOD 1991 TO 2020"),
}


def report_text(city: City, report: DayReport) -> str:
    """The product text of a climate report, in its office's layout."""
    layout = LAYOUTS[city.code]
    lines = [
        *_opening(city, report, layout),
        *_summary(city, report, layout),
        *_column_heads(layout),
        *_temperatures(city, report, layout),
        *_precipitation(report, layout),
        *(_normals_table(city, report) if layout.normals_table else ()),
        *(_explanations() if layout.explained else ()),
        "$$",
        "",
    ]
    return "\n".join(line + " " * layout.padding if line else line for line in lines)


def _opening(city: City, report: DayReport, layout: Layout) -> list[str]:
    bbb = f" {report.correction}" if report.correction else ""
    title = "CLIMATE REPORT...CORRECTED" if report.correction else "CLIMATE REPORT"
    return [
        "",
        "000",
        f"{city.cli_wmo_header} K{city.office} {report.issued_at.astimezone(UTC):%d%H%M}{bbb}",
        f"CLI{city.cli_location}",
        *[""] * layout.blank_after_code,
        title,
        f"NATIONAL WEATHER SERVICE {city.office_name}",
        report_issue_time(report.issued_at.astimezone(city.zone)),
        "",
        "." * 35,
        "",
    ]


def _summary(city: City, report: DayReport, layout: Layout) -> list[str]:
    day = report.climate_date
    valid = []
    if report.as_of is not None:
        local = report.as_of.astimezone(city.zone)
        valid = [f"VALID TODAY AS OF {local.hour % 12 or 12:02}{local.minute:02} PM LOCAL TIME."]
    return [
        f"...THE {city.cli_summary_name} CLIMATE SUMMARY FOR {report_day(day)}...",
        *valid,
        "",
        layout.normal_period,
        f"CLIMATE RECORD PERIOD{':' if ':' in layout.normal_period else ''} {FIRST_YEAR_ON_RECORD} TO {day.year}",
        "",
        "",
    ]


def _column_heads(layout: Layout) -> list[str]:
    first, second, third = "WEATHER ITEM   OBSERVED", "                VALUE  ", " " * 23
    if layout.clock != "none":
        first, second, third = f"{first} TIME  ", f"{second} (LST) ", f"{third}       "
    if layout.record_columns:
        first, second, third = f"{first} RECORD YEAR", f"{second} VALUE      ", f"{third}            "
    first, second, third = f"{first} NORMAL DEPARTURE", f"{second} VALUE  FROM", f"{third}        NORMAL"
    if layout.last_year:
        first, second = f"{first} LAST", f"{second}      YEAR"
    return [first, second, third, "." * layout.dots]


def _temperatures(city: City, report: DayReport, layout: Layout) -> list[str]:
    day = report.climate_date
    margin = " " * (layout.indent - 1)
    usual_high, usual_low = round(normal_high(city.code, day)), round(normal_low(city.code, day))
    spread = RECORD_SPREADS * high_spread(city.code, day)
    record_high, record_low = round(usual_high + spread), round(usual_low - spread)
    is_record = report.high_f is not None and report.high_f >= record_high
    maximum = _row(
        city, "MAXIMUM", _value(report.high_f, is_record), report.high_at, (record_high, usual_high), report
    )
    minimum = _row(city, "MINIMUM", _value(report.low_f), report.low_at, (record_low, usual_low), report)
    average = _row(
        city, "AVERAGE", _value(_average(report)), None, (None, (usual_high + usual_low) // 2), report
    )
    return [
        layout.heading,
        f"{margin}{'TODAY' if report.as_of else 'YESTERDAY'}",
        *(" " * layout.indent + row for row in (maximum, minimum, average)),
        "",
    ]


def _row(
    city: City,
    label: str,
    value: str,
    at: datetime | None,
    record_and_normal: tuple[int | None, int],
    report: DayReport,
) -> str:
    """One line of the block: value, time, record and its year, normal, departure, last year's value."""
    layout = LAYOUTS[city.code]
    record, normal = record_and_normal
    cells = [f"{label:<15}{value:<4}" if not layout.tabs else f"{label}\t{value:<4}"]
    if layout.clock != "none":
        cells.append(f"{_clock(city, at, layout.clock) if label != 'AVERAGE' else '':>8}")
    if layout.record_columns:
        year = _record_year(city, report.climate_date, label)
        cells.append(f"{'' if record is None else record:>4}{'' if record is None else year:>8}")
    observed = value.strip().rstrip("R")
    departure = "MM" if observed == "MM" else str(int(observed) - normal)
    cells.append(f"{normal:>4}{departure:>7}")
    if layout.last_year:
        cells.append(f"{normal + _record_year(city, report.climate_date, 'LAST') % 9 - 4:>9}")
    return "".join(cells).rstrip()


def _value(value: int | None, is_record: bool = False) -> str:
    return " MM" if value is None else f"{value:>3}{'R' if is_record else ''}"


def _average(report: DayReport) -> int | None:
    if report.high_f is None or report.low_f is None:
        return None
    return (report.high_f + report.low_f + 1) // 2


def _clock(city: City, at: datetime | None, form: Clock) -> str:
    """Local standard time, in summer too: ` 259 PM`, `2:59 PM` or `0259 PM`."""
    if at is None:
        return "MM"
    local = at.astimezone(UTC) + city.standard_offset
    half, hour = "AM" if local.hour < 12 else "PM", local.hour % 12 or 12
    if form == "colon":
        return f"{hour}:{local.minute:02} {half}"
    return f"{hour:02}{local.minute:02} {half}" if form == "padded" else f"{hour}{local.minute:02} {half}"


def _record_year(city: City, day: date, what: str) -> int:
    """Some year, always the same for the same date."""
    mixed = 37 * day.month + 11 * day.day + sum(map(ord, f"{city.code}{what}"))
    return FIRST_YEAR_ON_RECORD + mixed * 7 % 130


def _precipitation(report: DayReport, layout: Layout) -> list[str]:
    word = "TODAY" if report.as_of else "YESTERDAY"
    return ["PRECIPITATION (IN)", f"  {word:<16} MM", "." * layout.dots, "", ""]


def _normals_table(city: City, report: DayReport) -> list[str]:
    """The table at the bottom whose MAXIMUM is no observation."""
    day = report.climate_date
    word = "TOMORROW" if report.as_of else "TODAY"
    high, low = round(normal_high(city.code, day)), round(normal_low(city.code, day))
    record = round(RECORD_SPREADS * high_spread(city.code, day))
    return [
        f"THE {city.cli_summary_name} CLIMATE NORMALS FOR {word}",
        f"{'':25}NORMAL    RECORD    YEAR",
        f" MAXIMUM TEMPERATURE (F)  {high:>3}       {high + record:>3}      {_record_year(city, day, 'UP')}",
        f" MINIMUM TEMPERATURE (F)  {low:>3}       {low - record:>3}      {_record_year(city, day, 'DOWN')}",
        "",
        "",
    ]


def _explanations() -> list[str]:
    return [
        "-  INDICATES NEGATIVE NUMBERS.",
        "R  INDICATES RECORD WAS SET OR TIED.",
        "MM INDICATES DATA IS MISSING.",
        "T  INDICATES TRACE AMOUNT.",
        "",
    ]
