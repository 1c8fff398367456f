"""The archive's texts: what is used, what is counted and left out, and what is no answer of the service at all."""

import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core.errors import Malformed
from tests.weather.iem.bodies import (
    FIVE_MINUTES,
    HOURLY,
    day_value,
    day_values,
    guidance,
    guidance_row,
    products,
    readings,
    report,
)
from weather.clients.iem import parse

D = Decimal
DAY = date(2025, 5, 14)


@pytest.fixture
def refused() -> "Counter[str]":
    return Counter()


def test_guidance_tells_temperatures_and_maxima(refused: "Counter[str]") -> None:
    text = guidance(
        guidance_row("2025-05-14 13", "2025-05-15 00", temp=78, high=84.0),
        guidance_row("2025-05-14 01", "2025-05-14 09", temp=""),
    )
    assert parse.parse_guidance(text, "KMDW", ("NBS",), refused) == [
        (datetime(2025, 5, 14, 1, tzinfo=UTC), datetime(2025, 5, 14, 9, tzinfo=UTC), None, None),
        (datetime(2025, 5, 14, 13, tzinfo=UTC), datetime(2025, 5, 15, 0, tzinfo=UTC), D(78), D("84.0")),
    ]
    assert not refused


def test_maximum_goes_by_two_names_and_may_have_no_column(refused: "Counter[str]") -> None:
    rows = "2024-10-12 18:00:00,2024-10-13 00:00:00,GFS,{},74,KMDW\n"
    with_n_x = "runtime,ftime,model,n_x,tmp,station\n" + rows.format(81)
    assert parse.parse_guidance(with_n_x, "KMDW", ("GFS", "AVN"), refused)[0].max_f == 81
    without = "runtime,ftime,model,tmp,station\n" + rows.replace("{},", "")
    assert parse.parse_guidance(without, "KMDW", ("GFS", "AVN"), refused)[0].max_f is None


def test_answer_about_an_unknown_station_is_a_header_alone(refused: "Counter[str]") -> None:
    assert parse.parse_guidance(guidance(), "KMDW", ("NBS",), refused) == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            guidance_row("2025-05-14 13", "2025-05-15 00", station="KORD"),
            "guidance_of_another_station_or_model",
        ),
        (guidance_row("2025-05-14 13", "2025-05-15 00", model="NBE"), "guidance_of_another_station_or_model"),
        (guidance_row("2025-05-14 13", "2025-05-13 00"), "guidance_of_the_past"),
        (guidance_row("2025-05-14 13", "2025-05-15 00", high=840), "guidance_unreadable"),
        (guidance_row("2025-05-34 13", "2025-05-15 00"), "guidance_unreadable"),
        (guidance_row("2025-05-14 13", "2025-05-15 00", temp="inf"), "guidance_unreadable"),
        (guidance_row("2025-05-14 01", "2025-05-14 09", temp=71), "guidance_twice"),
        ("2025-05-14 13:00:00,2025-05-15", "guidance_row_of_other_width"),
    ],
)
def test_guidance_that_cannot_be_used_is_counted(refused: "Counter[str]", row: str, reason: str) -> None:
    good = guidance_row("2025-05-14 01", "2025-05-14 09")
    assert len(parse.parse_guidance(guidance(good, good, row), "KMDW", ("NBS",), refused)) == 1
    assert refused == {reason: 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "<html>busy</html>\n",
        "ERROR: server over capacity, please try later",
        guidance(HOURLY)[:-4],
        "a,b\n",
    ],
)
def test_text_that_is_no_table_is_refused_as_a_whole(refused: "Counter[str]", text: str) -> None:
    with pytest.raises(Malformed):
        parse.parse_guidance(text, "KMDW", ("NBS",), refused)
    with pytest.raises(Malformed):
        parse.parse_readings(text, "KMDW", refused)


def test_readings_are_exact_only_where_tenths_were_measured(refused: "Counter[str]") -> None:
    text = readings(("2025-05-14 14:55", FIVE_MINUTES), ("2025-05-14 14:53", HOURLY))
    found = parse.parse_readings(text, "KMDW", refused)
    assert [(reading.temp_c, reading.is_exact) for reading in found] == [(D("18.3"), True), (D(19), False)]
    assert [reading.observed_at.minute for reading in found] == [53, 55]
    assert found[0].metar == HOURLY


@pytest.mark.parametrize(
    ("metar", "temp_c", "is_exact"),
    [
        ("KMDW 140053Z 00000KT 10SM CLR M05/M12 A3012 RMK AO2 T10501117", D("-5.0"), True),
        ("KMDW 140053Z 00000KT 10SM CLR M05/M12 A3012 RMK AO2 SLP209", D(-5), False),
        ("KMDW 140053Z 00000KT 10SM CLR 00/M01 A3012", D(0), False),
        ("KMDW 140053Z 00000KT 1/2SM FG 07/ A3012", D(7), False),
        ("KMDW 140053Z 00000KT 10SM CLR 25/16 A2967 RMK AO2 T02500161=", D("25.0"), True),
        (
            "KMDW 140053Z 00000KT 10SM CLR 35/20 A2967 RMK AO2 10372 20211 T03500200 401001050",
            D("35.0"),
            True,
        ),
    ],
)
def test_temperature_of_a_report(
    refused: "Counter[str]", metar: str, temp_c: Decimal, is_exact: bool
) -> None:
    (found,) = parse.parse_readings(readings(("2025-05-14 00:53", metar)), "KMDW", refused)
    assert (found.temp_c, found.is_exact) == (temp_c, is_exact)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            ("2025-05-14 15:53", "KMDW 141553Z 20010KT 10SM CLR A2992 RMK AO2 $"),
            "reading_without_temperature",
        ),
        (("2025-05-14 15:53", "M"), "reading_without_temperature"),
        (("2025-05-14 15:53", "KMDW 141553Z CLR 99/09 A2992"), "reading_unreadable"),
        (("2025-05-14 25:53", HOURLY), "reading_unreadable"),
        (("2025-05-14T15:53:00+02:00", HOURLY), "reading_unreadable"),
        (("2025-05-14 15:53", f"{HOURLY},odd"), "readings_row_of_other_width"),
    ],
)
def test_reading_that_cannot_be_used_is_counted(
    refused: "Counter[str]", row: tuple[str, str], reason: str
) -> None:
    assert len(parse.parse_readings(readings(("2025-05-14 14:53", HOURLY), row), "KMDW", refused)) == 1
    assert refused == {reason: 1}


def test_readings_of_another_station_are_counted(refused: "Counter[str]") -> None:
    assert parse.parse_readings(readings(("2025-05-14 14:53", HOURLY), station="ORD"), "KMDW", refused) == []
    assert refused == {"reading_of_another_station": 1}


def test_correction_takes_the_place_of_what_it_corrects(refused: "Counter[str]") -> None:
    corrected = HOURLY.replace("T01830094", "T01940094")
    text = readings(("2025-05-14 14:53", HOURLY), ("2025-05-14 14:53", corrected))
    assert [reading.temp_c for reading in parse.parse_readings(text, "KMDW", refused)] == [D("19.4")]


def test_day_values_tell_highs_and_when_they_were_issued(refused: "Counter[str]") -> None:
    text = day_values(day_value("2025-05-15", "M"), day_value("2025-05-14", 80))
    assert parse.parse_day_values(text, "KMDW", refused) == [
        (DAY, 80, datetime(2025, 5, 15, 6, 45, tzinfo=UTC)),
        (date(2025, 5, 15), None, datetime(2025, 5, 16, 6, 45, tzinfo=UTC)),
    ]


@pytest.mark.parametrize(
    "entry",
    [
        day_value("2025-05-15", "80"),
        day_value("2025-05-15", 80.5),
        day_value("2025-05-15", 800),
        day_value("2025-05-15", True),
        day_value("2025-05-15", 80) | {"valid": "2025-05-35"},
        day_value("2025-05-15", 80, station="KORD"),
        day_value("2025-05-15", 80, product="209913456789-X"),
        {"station": "KMDW"},
        [],
    ],
)
def test_day_value_that_cannot_be_used_is_counted(refused: "Counter[str]", entry: dict[str, object]) -> None:
    found = parse.parse_day_values(day_values(day_value("2025-05-14", 80), entry), "KMDW", refused)
    assert [value.day for value in found] == [DAY]
    assert refused == {"climate_value_unreadable": 1}


def test_second_value_of_a_day_is_counted(refused: "Counter[str]") -> None:
    text = day_values(day_value("2025-05-14", 80), day_value("2025-05-14", 81))
    assert [value.high_f for value in parse.parse_day_values(text, "KMDW", refused)] == [80]
    assert refused == {"climate_value_twice": 1}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"results": 3}', '{"results": [', "[" * 100_000])
def test_text_that_is_no_json_of_the_archive_is_refused(refused: "Counter[str]", text: str) -> None:
    with pytest.raises(Malformed):
        parse.parse_day_values(text, "KMDW", refused)


def test_every_version_of_a_report_is_read(refused: "Counter[str]") -> None:
    early = report(DAY, 79, word="TODAY", hour=21)
    final, corrected = report(DAY, 80), report(DAY, 81, correction="CCA", hour=12)
    other = report(DAY, 90, code="CLIORD")
    found = parse.parse_products(
        products([early, final, other, "nonsense", corrected, final]), "CLIMDW", refused
    )
    assert [(one.report.high_f, one.report.is_final, one.report.correction) for one in found] == [
        (79, False, ""),
        (80, True, ""),
        (81, True, "CCA"),
    ]
    assert refused == {"report_of_another_station": 1, "report_unreadable": 1, "report_twice": 1}


def test_report_that_breaks_off_is_counted(refused: "Counter[str]") -> None:
    text = products([report(DAY, 80), report(DAY, 81, correction="CCA", hour=12)])
    found = parse.parse_products(text[: text.rindex("MINIMUM")], "CLIMDW", refused)
    assert [one.report.high_f for one in found] == [80]
    assert refused == {"report_unreadable": 1}


def test_no_reports_at_all_is_an_answer(refused: "Counter[str]") -> None:
    assert parse.parse_products("ERROR: Could not Find: CLIMDW", "CLIMDW", refused) == []
    with pytest.raises(Malformed):
        parse.parse_products("<html>busy</html>", "CLIMDW", refused)


def test_recorded_report_is_read_out_of_an_answer(recorded_weather: Path, refused: "Counter[str]") -> None:
    texts = [
        (recorded_weather / "texts" / "cli-2026" / name).read_text(encoding="utf-8")
        for name in ("nyc_preliminary_2026-08-21.txt", "nyc_final_2026-08-21.txt")
    ]
    found = parse.parse_products(products(texts), "CLINYC", refused)
    assert [(one.report.is_final, one.report.high_f) for one in found] == [(False, 79), (True, 79)]


@given(text=st.text(max_size=300))
def test_no_text_at_all_raises_anything_but_malformed(text: str) -> None:
    """Whatever an answer says: rows, counts, or Malformed."""
    tails = (
        text,
        f"station,valid,metar\nMDW,{text}\n",
        f"runtime,ftime,model,station\n{text}\n",
        f"\001\n{text}\n\003",
    )
    for tail in tails:
        for read in (
            lambda: parse.parse_guidance(tail, "KMDW", ("NBS",), Counter()),  # noqa: B023 - called at once
            lambda: parse.parse_readings(tail, "KMDW", Counter()),  # noqa: B023
            lambda: parse.parse_day_values(tail, "KMDW", Counter()),  # noqa: B023
            lambda: parse.parse_products(tail, "CLIMDW", Counter()),  # noqa: B023
        ):
            try:
                read()
            except Malformed:
                continue


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=12,
    )
)
def test_no_entry_of_climate_values_raises(value: object) -> None:
    entries = [value, {"station": "KMDW", "valid": value, "high": value, "product": value}]
    found = parse.parse_day_values(json.dumps({"results": entries}), "KMDW", Counter())
    assert len(found) <= 1
