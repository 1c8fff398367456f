"""Station texts of the National Blend: every recorded bulletin, and what a hostile one may hold."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core.errors import Malformed
from weather.domain.nbm import MOST_LINES, Guidance, blocks, parse_guidance

RUN: Final = datetime(2026, 4, 7, 12, tzinfo=UTC)
TEXT: Final = """\
000
FOUS16 KWNO 071200
NBSUSA
\x1eKMDW    NBM V5.0 NBS GUIDANCE    4/07/2026  1200 UTC
DT /APR   7/APR   8                /APR   9                /APR  10
UTC  18 21 00 03 06 09 12 15 18 21 00 03 06 09 12 15 18 21 00 03 06 09 12
FHR  06 09 12 15 18 21 24 27 30 33 36 39 42 45 48 51 54 57 60 63 66 69 72
TXN        72          49         -13         999         101          44
XND         2           3           4           2           3           2
TMP  69 68 65 61 58 53 50 52 56 57 56 52 51 49 48 51 56 60 59 53 50 46 45

\x1eKNYC    NBM V5.0 NBS GUIDANCE    4/07/2026  1200 UTC
UTC  18 21 00
FHR  06 09 12
TXN        61
"""
MIDWAY: Final = Guidance(
    "KMDW",
    RUN,
    ((RUN + timedelta(hours=12), 72), (RUN + timedelta(hours=36), -13), (RUN + timedelta(hours=60), 101)),
)
RECORDED: Final = {
    "NBEUSA.txt": [
        ("CLFU1", 23, 7, [87, 86, 87, 87, 88, 88, 90]),
        ("CLHC1", 23, 7, [86, 88, 90, 91, 92, 92, 93]),
    ],
    "NBSUSA.txt": [("KALM", 8, 2, [72, 58]), ("KALN", 8, 2, [45, 42])],
    "NBSUSA_32.txt": [
        ("46083", 19, 3, [41, 43, 40]),
        ("46084", 19, 3, [42, 44, 41]),
        ("46085", 19, 3, [41, 43, 39]),
    ],
    "NBSUSA_32_station.txt": [
        ("XSBN_0", 20, 2, [33, 32]),
        ("XSHP_0", 20, 2, [32, 32]),
        ("XSHR_0", 20, 2, [65, 68]),
        ("XSIT_0", 20, 2, [31, 31]),
    ],
    "NBSUSA_empty.txt": [("45022", 0, 0, []), ("45023", 0, 0, [])],
    "NBS_12Z.txt": [("KDSM", 7, 3, [72, 59, 61])],
    "NBS_15Z.txt": [("KDSM", 8, 2, [59, 62])],
    "NBS_21Z.txt": [("KDSM", 7, 2, [71, 57])],
    "NBS_shortline.txt": [("KDSM", 8, 2, [59, 62])],
    "NBS_unknown_var.txt": [("KDSM", 8, 2, [59, 62])],
    "NBS_v5.txt": [("KDSM", 8, 2, [59, 62])],
}
"""By file: station, first day of the month with a maximum, how many, and the maxima, read off by eye."""
REFUSED: Final = {
    "NBS_badheader.txt": "no heading",
    "NBS_badtime.txt": "forecast hour 06",
    "NBXUSA.txt": "no heading",
}


def of(text: str, *stations: str) -> Iterator[Guidance]:
    for _, block in blocks(text.split("\n"), frozenset(stations)):
        yield parse_guidance(block)


def every_station(folder: Path, name: str) -> list[tuple[str, ...]]:
    lines = (folder / "texts" / "mos-nbm" / name).read_bytes().decode("ascii").split("\n")
    named = {line.strip("\x1e\x01\r ").split(" ")[0] for line in lines if " NBM " in line}
    return [block for _, block in blocks(lines, frozenset(named))]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_bulletin_is_read_as_a_person_reads_it(recorded_weather: Path, name: str) -> None:
    read = [parse_guidance(block) for block in every_station(recorded_weather, name)]

    assert [
        (
            guidance.station,
            guidance.highs(-6)[0].day.day if guidance.maxima else 0,
            len(guidance.maxima),
            [high_f for _, high_f in guidance.maxima],
        )
        for guidance in read
    ] == RECORDED[name]


@pytest.mark.parametrize("name", REFUSED)
def test_recorded_bulletin_that_contradicts_itself_is_refused(recorded_weather: Path, name: str) -> None:
    for block in every_station(recorded_weather, name):
        with pytest.raises(Malformed, match=REFUSED[name]):
            parse_guidance(block)


def test_other_guidance_of_the_recordings_is_none_of_ours(recorded_weather: Path) -> None:
    files = sorted((recorded_weather / "texts" / "mos-nbm").glob("[!N]*.txt"))
    assert len(files) == 8
    assert not [block for file in files for block in every_station(recorded_weather, file.name)]


def test_only_wanted_stations_are_read() -> None:
    assert list(of(TEXT, "KMDW")) == [MIDWAY]
    assert [guidance.station for guidance in of(TEXT, "KMDW", "KNYC", "KSFO")] == ["KMDW", "KNYC"]
    assert list(of(TEXT)) == []


@pytest.mark.parametrize("offset_hours", [-5, -6, -7, -8])
def test_a_maximum_is_of_the_day_whose_evening_it_ends_in(offset_hours: int) -> None:
    days = [(high.day, high.high_f) for high in MIDWAY.highs(offset_hours)]
    assert days == [(date(2026, 4, 7), 72), (date(2026, 4, 8), -13), (date(2026, 4, 9), 101)]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("UTC  18 21 00 03", "UTC  18 21 01 03", "is not '01'Z"),
        ("FHR  06 09", "FHR  06 06", "forecast hour 06 after 6"),
        ("FHR  06", "FHR 999", "forecast hour 999"),
        ("FHR  06 09", "XHR  06 09", "0 rows FHR"),
        ("TMP  69", "FHR  69", "2 rows FHR"),
        ("XND  ", "TXN  ", "2 rows of extremes"),
        ("TXN        72", "TXN        7x", "is no temperature"),
        ("TXN        72", "TXN       136", "not plausible"),
        ("TXN        72", "TXN        ７２", "is no temperature"),
        ("4/07/2026", "4/31/2026", "day is out of range"),
        ("4/07/2026", "4/07/0000", "year 0"),
        ("4/07/2026  1200", "4/07/2026  2500", "hour must be"),
        ("4/07/2026", "12/31/9999", "out of range"),
    ],
)
def test_text_that_contradicts_itself_is_refused(old: str, new: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        list(of(TEXT.replace(old, new, 1), "KMDW"))


def test_a_block_without_an_end_is_cut() -> None:
    lines = [*TEXT.split("\n")[:8], *["TMP  69"] * 1_000_000]
    ((_, block),) = blocks(iter(lines), frozenset({"KMDW"}))
    assert len(block) == MOST_LINES


def test_an_empty_block_is_refused() -> None:
    with pytest.raises(Malformed, match="empty block"):
        parse_guidance(())


@given(st.integers(0, len(TEXT) - 1), st.text(max_size=6), st.integers(0, 40))
def test_whatever_is_done_to_a_text_it_is_read_or_refused(at: int, put: str, cut: int) -> None:
    spoiled = TEXT[:at] + put + TEXT[at + cut :]
    try:
        read = list(of(spoiled, "KMDW", "KNYC"))
    except Malformed:
        return
    for guidance in read:
        assert all(-60 <= high_f <= 135 and ends_at.hour == 0 for ends_at, high_f in guidance.maxima)
        assert len({high.day for high in guidance.highs(-6)}) == len(guidance.maxima)
