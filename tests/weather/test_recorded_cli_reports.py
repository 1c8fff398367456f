"""Every recorded climate report, read by the parser as a person reads it."""

from pathlib import Path
from typing import Final, NamedTuple

import pytest

from milkbot.core.errors import Malformed
from weather.domain.cli_report import parse_cli

FINAL, SO_FAR = True, False


class Read(NamedTuple):
    """What the text says: station, climate day, time of issue, whether the day was over, its maximum in °F."""

    cli_code: str
    climate_date: str
    issued_at: str
    is_final: bool
    high_f: int | None
    correction: str = ""


BY_HAND: Final = {
    "cli/CLIABY.txt": Read("CLIABY", "2014-09-29", "2014-09-30T06:32Z", FINAL, 79),
    "cli/CLIACT.txt": Read("CLIACT", "2014-12-15", "2014-12-15T22:25Z", SO_FAR, 69),
    "cli/CLIALO.txt": Read("CLIALO", "2014-01-03", "2014-01-03T23:30Z", SO_FAR, 19),
    "cli/CLIANN.txt": Read("CLIANN", "2015-03-02", "2015-03-03T09:05Z", FINAL, 53),
    "cli/CLIBET.txt": Read("CLIBET", "2014-01-01", "2014-01-02T12:51Z", FINAL, 17),
    "cli/CLIBGR.txt": Read("CLIBGR", "2014-11-02", "2014-11-03T05:27Z", FINAL, 35),
    "cli/CLIBNA.txt": Read("CLIBNA", "2015-10-19", "2015-10-19T14:22Z", SO_FAR, 47),
    "cli/CLIBOI.txt": Read("CLIBOI", "2014-12-29", "2014-12-29T16:31Z", SO_FAR, 28),
    "cli/CLICKV.txt": Read("CLICKV", "2014-12-29", "2014-12-30T08:14Z", FINAL, 39),
    "cli/CLICVG.txt": Read("CLICVG", "2020-04-22", "2020-04-23T05:47Z", FINAL, 69),
    "cli/CLICVG_2007.txt": Read("CLICVG", "2007-06-30", "2007-07-01T05:57Z", FINAL, 82),
    "cli/CLICVG_colon.txt": Read("CLICVG", "2021-02-04", "2021-02-05T05:34Z", FINAL, 39),
    "cli/CLICVG_newer.txt": Read("CLICVG", "2020-04-22", "2020-04-23T05:50Z", FINAL, 70),
    "cli/CLICVG_older.txt": Read("CLICVG", "2020-04-22", "2020-04-23T05:46Z", FINAL, 68),
    "cli/CLICVG_tab.txt": Read("CLICVG", "2013-05-09", "2013-05-10T05:41Z", FINAL, 81),
    "cli/CLIDCA.txt": Read("CLIDCA", "2026-06-28", "2026-06-29T06:40Z", FINAL, 76),
    "cli/CLIDMH.txt": Read("CLIDMH", "2019-05-09", "2019-05-10T05:31Z", FINAL, 74),
    "cli/CLIDRT.txt": Read("CLIDRT", "2014-12-29", "2014-12-29T13:35Z", SO_FAR, 42),
    "cli/CLIDSM.txt": Read("CLIDSM", "2013-08-01", "2013-08-02T07:06Z", FINAL, 89),
    "cli/CLIDSM2.txt": Read("CLIDSM", "2014-10-12", "2014-10-12T22:27Z", SO_FAR, 56),
    "cli/CLIEAR.txt": Read("CLIEAR", "2014-11-13", "2014-11-13T23:31Z", SO_FAR, 25),
    "cli/CLIECP.txt": Read("CLIECP", "2014-12-29", "2014-12-29T22:35Z", SO_FAR, 70),
    "cli/CLIEKA.txt": Read("CLIEKA", "2014-12-28", "2014-12-29T12:16Z", FINAL, 55),
    "cli/CLIEST.txt": Read("CLIEST", "2014-10-12", "2014-10-13T06:47Z", FINAL, 62, "RRA"),
    "cli/CLIEWN.txt": Read("CLIEWN", "2014-09-28", "2014-10-18T13:30Z", FINAL, 83),
    "cli/CLIFFC.txt": Read("CLIFFC", "2014-10-03", "2014-10-03T20:32Z", SO_FAR, 79),
    "cli/CLIFMY.txt": Read("CLIFMY", "2014-12-29", "2014-12-29T12:26Z", SO_FAR, None),
    "cli/CLIICT.txt": Read("CLIICT", "2014-12-29", "2014-12-29T13:00Z", SO_FAR, None),
    "cli/CLIJNU.txt": Read("CLIJNU", "2013-06-30", "2013-07-01T00:42Z", SO_FAR, 75),
    "cli/CLILWD.txt": Read("CLILWD", "2017-05-29", "2017-05-30T06:49Z", FINAL, 76, "RRA"),
    "cli/CLIMAI.txt": Read("CLIMAI", "2014-12-29", "2014-12-29T22:35Z", SO_FAR, 69),
    "cli/CLIMBS.txt": Read("CLIMBS", "2014-12-29", "2014-12-30T05:41Z", FINAL, 29),
    "cli/CLIMSO.txt": Read("CLIMSO", "2014-12-29", "2014-12-29T15:31Z", SO_FAR, None),
    "cli/CLIMSO_2.txt": Read("CLIMSO", "2015-01-09", "2015-01-09T15:31Z", SO_FAR, None),
    "cli/CLIMUO.txt": Read("CLIMUO", "2021-06-23", "2021-06-24T09:34Z", FINAL, 92),
    "cli/CLIMYV.txt": Read("CLIMYV", "2022-11-12", "2022-11-13T09:05Z", FINAL, 60),
    "cli/CLINYC.txt": Read("CLINYC", "2013-01-02", "2013-01-03T06:16Z", FINAL, 33),
    "cli/CLIOLF.txt": Read("CLIOLF", "2014-12-29", "2014-12-29T12:31Z", SO_FAR, 1),
    "cli/CLIOME.txt": Read("CLIOME", "2014-10-23", "2014-10-24T09:04Z", FINAL, 33),
    "cli/CLIOME_2.txt": Read("CLIOME", "2006-11-08", "2006-11-09T09:51Z", FINAL, 29),
    "cli/CLIPPG2.txt": Read("CLIPPG", "2021-06-23", "2021-06-24T04:14Z", SO_FAR, 86),
    "cli/CLIPPG3.txt": Read("CLIPPG", "2022-02-06", "2022-02-07T03:58Z", SO_FAR, 89),
    "cli/CLIPPG4.txt": Read("CLIPPG", "2023-03-30", "2023-03-31T11:29Z", FINAL, 86),
    "cli/CLIRDU.txt": Read("CLIRDU", "2021-03-19", "2021-03-20T05:47Z", FINAL, 57),
    "cli/CLIRDU_v2.txt": Read("CLIRDU", "2021-03-20", "2021-03-21T09:22Z", FINAL, 57, "CCA"),
    "cli/CLISAD.txt": Read("CLISAD", "2021-08-06", "2021-08-06T14:27Z", SO_FAR, None),
    "cli/CLISEW.txt": Read("CLISEW", "2014-12-29", "2014-12-30T08:29Z", FINAL, 44),
    "cli/CLITCS.txt": Read("CLITCS", "2014-12-29", "2014-12-30T09:29Z", FINAL, 60),
    "cli-2026/mia_record_final_2026-08-18.txt": Read("CLIMIA", "2026-08-18", "2026-08-19T08:22Z", FINAL, 100),
    "cli-2026/nyc_final_2026-08-21.txt": Read("CLINYC", "2026-08-21", "2026-08-22T06:26Z", FINAL, 79),
    "cli-2026/nyc_preliminary_2026-08-21.txt": Read("CLINYC", "2026-08-21", "2026-08-21T20:44Z", SO_FAR, 79),
}
REFUSED: Final = {
    "cli/CLIANC.txt": "needs one summary",
    "cli/CLIHOU.txt": "needs one summary",
    "cli/CLIPPG.txt": "does not fit its local date",
}
"""Two products of several stations, and one whose heading is six days off its own local date."""


def text_of(folder: Path, name: str) -> str:
    return (folder / "texts" / name).read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize("name", BY_HAND)
def test_parse_cli_when_a_recorded_report_then_it_says_what_a_person_reads(
    name: str, recorded_weather: Path
) -> None:
    report = parse_cli(text_of(recorded_weather, name))

    issued_at = f"{report.issued_at:%Y-%m-%dT%H:%MZ}"
    found = (report.cli_code, str(report.climate_date), issued_at, report.is_final, report.high_f)
    assert Read(*found, report.correction) == BY_HAND[name]


@pytest.mark.parametrize("name", REFUSED)
def test_parse_cli_when_a_recorded_report_is_broken_then_it_says_why(
    name: str, recorded_weather: Path
) -> None:
    with pytest.raises(Malformed, match=REFUSED[name]):
        parse_cli(text_of(recorded_weather, name))


def test_recorded_reports_are_all_read(recorded_weather: Path) -> None:
    texts = recorded_weather / "texts"
    assert {str(file.relative_to(texts)) for file in texts.glob("cli*/*.txt")} == {*BY_HAND, *REFUSED}


@pytest.mark.parametrize(
    ("site", "high_f"), [("HOUSTON INTERCONTINENTAL", 80), ("HOUSTON/HOBBY AIRPORT", 79)]
)
def test_parse_cli_when_a_product_holds_two_stations_then_the_named_one_is_read(
    site: str, high_f: int, recorded_weather: Path
) -> None:
    text = text_of(recorded_weather, "cli/CLIHOU.txt")

    assert parse_cli(text, site=site).high_f == high_f
    with pytest.raises(Malformed, match="HOBBY"):
        parse_cli(text)
