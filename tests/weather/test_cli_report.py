"""Reading climate reports."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core.errors import Malformed
from weather.domain.cli_report import parse_cli

FINAL = """
000
CDUS43 KLOT 150646
CLIMDW

CLIMATE REPORT
NATIONAL WEATHER SERVICE CHICAGO/ROMEOVILLE IL
146 AM CDT THU MAY 15 2025

...................................

...THE CHICAGO-MIDWAY CLIMATE SUMMARY FOR MAY 14 2025...

WEATHER ITEM   OBSERVED TIME   RECORD YEAR NORMAL DEPARTURE LAST
TEMPERATURE (F)
 YESTERDAY
  MAXIMUM         80    259 PM  92    1932  70     10       72
  MINIMUM         58    424 AM  37    1996  51      7       59
  AVERAGE         69                        61      8       66

PRECIPITATION (IN)
  YESTERDAY        T

THE CHICAGO-MIDWAY CLIMATE NORMALS FOR TODAY
 MAXIMUM TEMPERATURE (F)   71        92      1962
"""
PRELIMINARY = (
    FINAL.replace("150646", "142145")
    .replace("146 AM CDT THU MAY 15 2025", "445 PM CDT WED MAY 14 2025")
    .replace("MAY 14 2025...", "MAY 14 2025...\nVALID TODAY AS OF 0400 PM LOCAL TIME.")
    .replace(" YESTERDAY\n  MAX", " TODAY\n  MAX")
)
ROW = "  MAXIMUM         80    259 PM  92    1932  70     10       72"


def with_row(row: str) -> str:
    return FINAL.replace(ROW, row)


def test_parse_cli_when_final_then_every_field_is_read() -> None:
    report = parse_cli(FINAL)
    assert report.cli_code == "CLIMDW"
    assert report.climate_date == date(2025, 5, 14)
    assert report.issued_at == datetime(2025, 5, 15, 6, 46, tzinfo=UTC)
    assert (report.is_final, report.correction, report.high_f) == (True, "", 80)


def test_parse_cli_when_of_the_running_day_then_it_is_not_final() -> None:
    report = parse_cli(PRELIMINARY)
    assert (report.is_final, report.climate_date, report.high_f) == (False, date(2025, 5, 14), 80)


@pytest.mark.parametrize(
    ("heading", "correction"), [("150646 CCA", "CCA"), ("150646 RRA", "RRA"), ("150646", "")]
)
def test_parse_cli_when_the_heading_has_a_bbb_group_then_it_is_the_correction(
    heading: str, correction: str
) -> None:
    assert parse_cli(FINAL.replace("150646", heading)).correction == correction


@pytest.mark.parametrize(
    ("row", "high_f"),
    [
        ("  MAXIMUM        100R  2:47 PM  96    2022  91      9       94", 100),
        ("  MAXIMUM            53R 0151 PM    50  2003     43      10     27", 53),
        ("  MAXIMUM         57(E)  221 AM  88    1945  64     -7       81", 57),
        ("  MAXIMUM         57 E  300 PM  88    1948  65     -8       86", 57),
        ("   MAXIMUM         92    103    1990    94", 92),
        ("MAXIMUM 89 150 PM 91 2008 88 1 82", 89),
        ("MAXIMUM\t89\t150 PM\t91", 89),
        ("  MAXIMUM        -12   1159 PM  41    1968  13      4       35", -12),
        ("  MAXIMUM         MM", None),
        ("  MAXIMUM         M    259 PM", None),
        (
            "  MAXIMUM                       92    1932  70     10       72",
            None,
        ),  # blank value: 92 is the record
        ("", None),
    ],
)
def test_parse_cli_when_rows_differ_between_offices_then_only_the_observed_value_is_read(
    row: str, high_f: int | None
) -> None:
    assert parse_cli(with_row(row)).high_f == high_f


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ROW, "  MAXIMUM        180    259 PM"),  # implausible
        (ROW, "  MAXIMUM        8O    259 PM"),  # a letter
        ("CLIMDW", "AFDLOT"),
        ("CDUS43 KLOT 150646", "CDUS43 KLOT 220646"),  # a day that does not fit the local date
        ("CDUS43 KLOT 150646", "CDUS43 KLOT 152561"),
        ("CDUS43 KLOT 150646", ""),
        ("MAY 14 2025...", "MAY 34 2025..."),
        ("MAY 14 2025...", "MAI 14 2025..."),
        ("MAY 14 2025...", "MAY 16 2025..."),  # a day that has not begun
        ("MAY 14 2025...", "MAY 15 2025..."),  # today cannot be YESTERDAY
        ("CLIMATE SUMMARY FOR", "SUMMARY OF"),
        ("TEMPERATURE (F)\n YESTERDAY", "TEMPERATURE (F)\n SOMETIME"),
        ("\nTEMPERATURE (F)\n", "\n"),
        ("146 AM CDT THU MAY 15 2025", ""),
    ],
)
def test_parse_cli_when_the_text_is_broken_or_contradicts_itself_then_it_is_refused(
    before: str, after: str
) -> None:
    assert before in FINAL
    with pytest.raises(Malformed):
        parse_cli(FINAL.replace(before, after))


def test_parse_cli_when_the_year_turns_then_issue_and_climate_date_lie_in_their_own_years() -> None:
    text = (
        FINAL.replace("150646", "010646")
        .replace("THU MAY 15 2025", "THU JAN 1 2026")
        .replace("MAY 14 2025", "DECEMBER 31 2025")
    )
    report = parse_cli(text)
    assert (report.climate_date, report.issued_at) == (
        date(2025, 12, 31),
        datetime(2026, 1, 1, 6, 46, tzinfo=UTC),
    )


def test_parse_cli_when_issued_late_on_the_last_of_a_month_then_utc_is_the_next_month() -> None:
    text = (
        PRELIMINARY.replace("142145", "010145").replace(
            "445 PM CDT WED MAY 14 2025", "845 PM CDT SAT MAY 31 2025"
        )
    ).replace("MAY 14 2025", "MAY 31 2025")
    assert parse_cli(text).issued_at == datetime(2025, 6, 1, 1, 45, tzinfo=UTC)


def test_parse_cli_when_endless_then_it_is_refused() -> None:
    with pytest.raises(Malformed, match="characters"):
        parse_cli(FINAL + " " * 200_000)


@given(st.text(max_size=400), st.integers(0, len(FINAL)))
def test_parse_cli_when_text_is_damaged_anywhere_then_it_reads_or_refuses_and_never_crashes(
    junk: str, at: int
) -> None:
    try:
        report = parse_cli(FINAL[:at] + junk + FINAL[at + len(junk) :])
    except Malformed:
        return
    assert report.high_f is None or -60 <= report.high_f <= 135
