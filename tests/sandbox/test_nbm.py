"""The National Blend's texts of a world, and the application that reads them."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from milkbot.core.cities import load_cities
from sandbox.nbm.text import run_text
from sandbox.recorded import RecordedDay
from tests.sandbox.stages import Client, client_at
from tests.sandbox.world.weathers import city_of, feed
from weather.domain.nbm import blocks, parse_guidance

MORNING: Final = datetime(2026, 5, 19, 13, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)


@pytest.fixture
def morning(invented_day: RecordedDay) -> Client:
    """The sandbox on the morning of the day."""
    return client_at(invented_day, MORNING)


def path_of(run_at: datetime) -> str:
    return f"/nbm/blend.{run_at:%Y%m%d}/{run_at:%H}/text/blend_nbstx.t{run_at:%H}z"


def test_run_is_there_once_it_is_published_and_as_long_as_it_is_kept(morning: Client) -> None:
    statuses = {
        hours: morning.get(path_of(MORNING - hours * HOUR)).status_code for hours in (-1, 0, 1, 48, 49)
    }
    assert statuses == {-1: 404, 0: 404, 1: 200, 48: 200, 49: 404}


@pytest.mark.parametrize(
    "path",
    [
        "/nbm/blend.20260519/12/text/blend_nbstx.t11z",
        "/nbm/blend.20260519/99/text/blend_nbstx.t99z",
        "/nbm/blend.2026/12/text/blend_nbstx.t12z",
        "/nbm/blend.x/12/text/blend_nbstx.t12z",
    ],
)
def test_other_files_are_not_there(morning: Client, path: str) -> None:
    assert morning.get(path).status_code == 404


@pytest.mark.parametrize("hour", range(24))
def test_application_reads_every_run_of_every_city(hour: int) -> None:
    run_at = datetime(2025, 6, 10, hour, tzinfo=UTC)
    cities = {city.settlement_station: city for city in load_cities().values()}
    text = run_text([city_of(code) for code in load_cities()], feed(), run_at)

    read = [parse_guidance(block) for _, block in blocks(text.split("\n"), frozenset(cities))]

    assert [guidance.station for guidance in read] == list(cities)
    for guidance in read:
        city = cities[guidance.station]
        issuance = feed().issuance(city_of(city.code), run_at)
        assert issuance is not None
        office = dict(issuance.highs_f)
        highs = guidance.highs(city.std_offset_hours)
        assert guidance.run_at == run_at
        assert 2 <= len(highs) <= 3
        assert all(abs(high.high_f - office[high.day]) <= 15 for high in highs)


def test_run_says_the_same_whenever_it_is_asked_for(morning: Client) -> None:
    run_at = MORNING - 5 * HOUR
    first = morning.get(path_of(run_at)).text
    assert "KMDW    NBM V5.0 NBS GUIDANCE    5/19/2026  0800 UTC" in first
    assert morning.get(path_of(run_at)).text == first
