"""Weather from a small archive on loopback, in the forms the IEM describes: what an import makes of it."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.trading.archive.worlds import fetch_from, tree
from tests.weather.iem import bodies
from tests.weather.nws_stub import Answer, NwsStub, serving
from trading.archive.importing import WEATHER_KINDS, ImportReport
from trading.archive.parts import PartKey

MAY = (date(2025, 5, 1), date(2025, 5, 31))
LATER = datetime(2026, 2, 1, tzinfo=UTC)
GUIDANCE, READINGS = "/cgi-bin/request/mos.py", "/cgi-bin/request/asos.py"
HIGHS, REPORTS = "/json/cli.py", "/cgi-bin/afos/retrieve.py"
DAY = date(2025, 5, 14)


@pytest.fixture
def iem() -> Iterator[NwsStub]:
    with serving() as stub:
        tell(stub)
        yield stub


def tell(stub: NwsStub) -> None:
    """A May in Chicago."""
    stub.on(GUIDANCE, text(bodies.month_of_guidance(date(2025, 4, 27), date(2025, 6, 1))))
    stub.on(
        READINGS,
        text(bodies.readings(("2025-05-14 14:53", bodies.HOURLY), ("2025-05-14 14:55", bodies.FIVE_MINUTES))),
    )
    early = bodies.day_value("2025-05-20", 66, product="202505202145-KLOT-CDUS43-CLIMDW")
    stub.on(
        HIGHS,
        text(
            bodies.day_values(bodies.day_value("2025-05-14", 80), bodies.day_value("2025-05-16", "M"), early)
        ),
    )
    texts = [
        bodies.report(DAY, 79, word="TODAY", hour=21),
        bodies.report(DAY, 80),
        bodies.report(DAY, 81, correction="CCA", hour=12),
        bodies.report(date(2025, 6, 2), 75),
    ]
    stub.on(REPORTS, text(bodies.products(texts)))


def text(body: str) -> Answer:
    return Answer(body=body.encode(), headers={"Content-Type": "text/plain"})


def run(out: Path, iem: NwsStub, at: datetime = LATER, **given: Any) -> ImportReport:
    given = {"kinds": WEATHER_KINDS, "days": MAY, "cities": ("CHI",), **given}
    return fetch_from(out, at, iem_url=iem.url, **given)


def rows_of(out: Path, name: str) -> list[str]:
    return gzip.decompress((out / "weather" / name).read_bytes()).decode().splitlines()[1:]


def asked(iem: NwsStub, path: str) -> dict[str, list[str]]:
    (url,) = iem.asked(path)
    return parse_qs(urlsplit(url).query)


def test_month_is_asked_for_once_and_in_the_archives_words(iem: NwsStub, tmp_path: Path) -> None:
    report = run(tmp_path / "a", iem)

    assert report.is_complete
    assert len(iem.requests) == 4
    assert asked(iem, GUIDANCE) == {
        "station": ["KMDW"], "model": ["NBS"], "format": ["csv"],
        "sts": ["2025-04-27T00:00Z"], "ets": ["2025-06-02T00:00Z"],
    }  # fmt: skip
    assert asked(iem, READINGS) == {
        "station": ["MDW"], "data": ["tmpf", "metar"], "tz": ["UTC"], "format": ["onlycomma"], "missing": ["M"],
        "report_type": ["1,3,4"], "sts": ["2025-05-01T00:00Z"], "ets": ["2025-06-01T00:00Z"],
    }  # fmt: skip
    assert asked(iem, HIGHS) == {"station": ["KMDW"], "year": ["2025"]}
    assert asked(iem, REPORTS) == {
        "pil": ["CLIMDW"], "fmt": ["text"], "limit": ["9999"], "order": ["asc"],
        "sdate": ["2025-05-01T00:00Z"], "edate": ["2025-06-04T00:00Z"],
    }  # fmt: skip


def test_every_run_tells_the_days_ahead_of_it_and_when_it_could_be_had(iem: NwsStub, tmp_path: Path) -> None:
    run(tmp_path / "a", iem)
    rows = rows_of(tmp_path / "a", "forecasts.csv.gz")
    mine = [row for row in rows if row.startswith("CHI,2025-05-14,")]
    # Each day is today, tomorrow or the day after of some run; the column of 00Z is the evening of the day before it.
    assert mine == [
        "CHI,2025-05-14,2025-05-12T01:00:00Z,2025-05-12T04:00:00Z,nbm_nbs,day_high,72",
        "CHI,2025-05-14,2025-05-12T13:00:00Z,2025-05-12T16:00:00Z,nbm_nbs,day_high,72",
        "CHI,2025-05-14,2025-05-13T01:00:00Z,2025-05-13T04:00:00Z,nbm_nbs,day_high,71",
        "CHI,2025-05-14,2025-05-13T13:00:00Z,2025-05-13T16:00:00Z,nbm_nbs,day_high,71",
        "CHI,2025-05-14,2025-05-14T01:00:00Z,2025-05-14T04:00:00Z,nbm_nbs,day_high,70",
        "CHI,2025-05-14,2025-05-14T13:00:00Z,2025-05-14T16:00:00Z,nbm_nbs,day_high,70",
    ]
    targets = {row.split(",")[1] for row in rows}
    assert (min(targets), max(targets), len(targets)) == ("2025-05-01", "2025-05-31", 31)
    hourly = rows_of(tmp_path / "a", "hourly_forecasts_CHI_2025-05-01_2025-05-31.csv.gz")
    assert "2025-05-14T06:00:00Z,2025-05-14T01:00:00Z,nbm_nbs,66" in hourly


def test_readings_keep_their_texts(iem: NwsStub, tmp_path: Path) -> None:
    run(tmp_path / "a", iem)
    assert rows_of(tmp_path / "a", "observations_CHI_2025-05-01_2025-05-31.csv.gz") == [
        f"KMDW,2025-05-14T14:53:00Z,,metar,18.3,{bodies.HOURLY}",
        f"KMDW,2025-05-14T14:55:00Z,,whole_c,19.0,{bodies.FIVE_MINUTES}",
    ]


def test_high_is_official_only_from_a_report_after_the_day(iem: NwsStub, tmp_path: Path) -> None:
    report = run(tmp_path / "a", iem)
    assert rows_of(tmp_path / "a", "daily_highs.csv.gz") == ["CHI,2025-05-14,80,cli,", "CHI,2025-05-16,,cli,"]
    assert report.refused == {"high_of_a_day_not_over": 1}


def test_every_version_of_a_report_is_kept(iem: NwsStub, tmp_path: Path) -> None:
    run(tmp_path / "a", iem)
    assert rows_of(tmp_path / "a", "climate_reports_CHI_2025-05-01_2025-05-31.csv.gz") == [
        "CLIMDW,2025-05-14,2025-05-14T21:45:00Z,no,,79",
        "CLIMDW,2025-05-14,2025-05-15T06:45:00Z,yes,,80",
        "CLIMDW,2025-05-14,2025-05-15T12:45:00Z,yes,CCA,81",
    ]


def test_faults_that_pass_cost_waits_and_change_nothing(iem: NwsStub, tmp_path: Path) -> None:
    run(tmp_path / "a", iem)
    good = bodies.month_of_guidance(date(2025, 4, 27), date(2025, 6, 1))
    iem.on(
        GUIDANCE,
        Answer(503, b"ERROR: server over capacity", {"Retry-After": "42"}),
        Answer(429, b"slow down", {"Retry-After": "3"}),
        Answer(body=good[:500].encode(), headers={"Content-Length": str(len(good))}),
        text(good),
    )
    naps: list[float] = []
    assert run(tmp_path / "b", iem, naps=naps).is_complete
    assert naps == [42.0, 3.0, 4.0]
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_answer_cut_inside_a_row_is_not_taken_for_a_month(iem: NwsStub, tmp_path: Path) -> None:
    good = bodies.month_of_guidance(date(2025, 4, 27), date(2025, 6, 1))
    iem.on(GUIDANCE, text(good[: len(good) // 2]))
    report = run(tmp_path / "a", iem)
    assert list(report.missing) == [PartKey("guidance", "CHI", *MAY)]
    tell(iem)
    assert run(tmp_path / "a", iem).fetched == 1
    run(tmp_path / "b", iem)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_month_under_way_is_asked_for_again_until_it_is_over(iem: NwsStub, tmp_path: Path) -> None:
    days = (date(2025, 5, 1), date(2025, 5, 14))
    early = run(tmp_path / "a", iem, datetime(2025, 5, 15, 12, tzinfo=UTC), days=days)
    assert {key.kind for key in early.unfinished} == set(WEATHER_KINDS)
    # Two days after the last day that is wanted nothing of it comes any more, though the month goes on.
    settled = run(tmp_path / "a", iem, datetime(2025, 5, 17, 12, tzinfo=UTC), days=days)
    assert (settled.is_complete, settled.fetched) == (True, 4)
    assert run(tmp_path / "a", iem, datetime(2025, 5, 18, tzinfo=UTC), days=days).kept == 4
    assert run(tmp_path / "a", iem, LATER).fetched == 4
    run(tmp_path / "b", iem, LATER)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_archive_that_had_nothing_is_named(iem: NwsStub, tmp_path: Path) -> None:
    iem.on(GUIDANCE, text(bodies.guidance()))
    iem.on(REPORTS, text("ERROR: Could not Find: CLIMDW"))
    report = run(tmp_path / "a", iem)
    assert [key.kind for key in report.empty] == ["guidance", "reports"]
    tell(iem)
    assert run(tmp_path / "a", iem, again=True).fetched == 2


def test_refused_rows_stand_in_the_manifest(iem: NwsStub, tmp_path: Path) -> None:
    iem.on(READINGS, text(bodies.readings(("2025-05-14 14:53", "M"), ("2025-07-14 14:53", bodies.HOURLY))))
    run(tmp_path / "a", iem, kinds=("readings",))
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    assert manifest["refused"] == {"reading_not_asked_for": 1, "reading_without_temperature": 1}


def test_definite_no_leaves_the_part_missing_at_once(iem: NwsStub, tmp_path: Path) -> None:
    iem.on(HIGHS, Answer(422, b"no such station"))
    naps: list[float] = []
    report = run(tmp_path / "a", iem, naps=naps)
    assert ["422" in why for why in report.missing.values()] == [True]
    assert naps == []
    assert report.fetched == 3
