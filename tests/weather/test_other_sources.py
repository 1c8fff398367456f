"""The National Blend as a second source: fetched, kept as it was had, combined, and never in anybody's way."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import pytest

from milkbot.core.config import load_config
from milkbot.core.errors import Malformed, OutsideError, Refused, Unreachable
from tests.factories import SourceForecastFactory
from tests.weather.bodies import DAY, NOON
from tests.weather.nws_stub import Answer, NwsStub
from tests.weather.test_nbm import MIDWAY, RUN, TEXT
from trading.reading import sources_for
from trading.schedule import schedule
from weather.clients.nbm.client import NbmClient
from weather.domain.combining import SourceHigh
from weather.domain.nbm import SOURCE, Guidance
from weather.models import SourceForecastRow
from weather.other_sources import known_sources, no_sources, refresh_nbm
from weather.repositories import SourceForecastRepository

pytestmark = pytest.mark.django_db

HOUR: Final = timedelta(hours=1)
PATH: Final = "/blend.20260407/12/text/blend_nbstx.t12z"
NOW: Final = RUN + timedelta(hours=1, minutes=20)
STATIONS: Final = frozenset({"KMDW", "KNYC"})


@pytest.fixture
def client(nws: NwsStub) -> Iterator[NbmClient]:
    made = NbmClient(nws.url, "(milkbot tests)", total_timeout_s=2, max_bytes=200_000)
    yield made
    made.close()


def test_client_reads_the_wanted_stations_of_a_run(nws: NwsStub, client: NbmClient) -> None:
    other = TEXT.replace("KMDW", "KDSM").replace("KNYC", "KDSM").encode()
    nws.on(PATH, Answer(body=other * 20 + TEXT.encode() + other * 20))

    found = client.get_run(RUN, STATIONS)

    assert found["KMDW"] == MIDWAY
    assert set(found) == STATIONS
    assert nws.headers_of(0)["user-agent"] == "(milkbot tests)"


def test_client_leaves_out_a_station_it_cannot_read(nws: NwsStub, client: NbmClient) -> None:
    nws.on(PATH, Answer(body=TEXT.replace("TXN        61", "TXN        6x").encode()))
    assert set(client.get_run(RUN, STATIONS)) == {"KMDW"}


@pytest.mark.parametrize(
    ("answer", "error", "why"),
    [
        (Answer(404), Refused, "404"),
        (Answer(503), Unreachable, "503"),
        (Answer(429), Unreachable, "429"),
        (Answer(302, headers={"Location": "http://example.org/"}), Malformed, "302"),
        (Answer(body=b"<html>maintenance</html>"), Malformed, "none of the stations"),
        (Answer(body=TEXT.replace("1200 UTC", "1100 UTC").encode()), Malformed, "none of the stations"),
        (Answer(body=TEXT.replace("4/07/2026", "4/06/2026").encode()), Malformed, "of another run"),
        (Answer(body=b"x" * 100_000), Malformed, "without an end"),
        (Answer(body=b"x\n" * 150_000), Malformed, "larger than"),
        (Answer(body=bytes(range(256)) * 9), Malformed, "none of the stations"),
        (Answer(hang_up=True), Unreachable, "ConnectionError"),
    ],
)
def test_client_refuses_what_is_no_run(
    nws: NwsStub, client: NbmClient, answer: Answer, error: type[OutsideError], why: str
) -> None:
    nws.on(PATH, answer)
    with pytest.raises(error, match=why):
        client.get_run(RUN, STATIONS)


class Service:
    """Runs by their hour, and what was asked for."""

    def __init__(self, *runs: datetime, error: OutsideError | None = None) -> None:
        self.asked: list[datetime] = []
        self._runs, self._error = runs, error

    def __call__(self, run_at: datetime, stations: frozenset[str]) -> Mapping[str, Guidance]:
        self.asked.append(run_at)
        if self._error:
            raise self._error
        if run_at not in self._runs:
            raise Refused(SOURCE, "not there", status=404)
        moved = ((ends_at - RUN + run_at, high_f) for ends_at, high_f in MIDWAY.maxima if run_at == RUN)
        return {"KMDW": Guidance("KMDW", run_at, tuple(moved))}


def test_refresh_stores_the_newest_run_that_is_out_once() -> None:
    service = Service(RUN)

    first = refresh_nbm(["CHI", "NYC"], NOW + 2 * HOUR, fetch=service)
    again = refresh_nbm(["CHI", "NYC"], NOW + 2 * HOUR, fetch=service)

    assert (first.saved, first.error, again.saved) == (3, None, 0)
    assert service.asked == [RUN + 2 * HOUR, RUN + HOUR, RUN, RUN + 2 * HOUR, RUN + HOUR]
    row = SourceForecastRow.objects.earliest("event_date")
    assert (row.source, row.city_code, row.high_f, row.issued_at) == ("nbm_text", "CHI", 72, RUN)
    assert (row.event_date.isoformat(), row.received_at) == ("2026-04-07", NOW + 2 * HOUR)


@pytest.mark.parametrize(
    "error", [Unreachable(SOURCE, "down"), Malformed(SOURCE, "html"), Refused(SOURCE, "no", status=403)]
)
def test_refresh_that_fails_says_so_and_stores_nothing(error: OutsideError) -> None:
    assert refresh_nbm(["CHI"], NOW, fetch=Service(error=error)) == (0, str(error))
    assert not SourceForecastRow.objects.exists()


def test_refresh_looks_back_no_further_than_it_would_trade_on() -> None:
    service = Service()
    assert refresh_nbm(["CHI"], NOW, fetch=service) == (0, None)
    assert len(service.asked) == 7


def test_known_sources_are_the_newest_had_by_then_with_their_revision() -> None:
    for high_f, issued_before, received_before in ((70, 15, 14), (72, 13, 12), (74, 3, 2), (99, 0, -1)):
        SourceForecastFactory.create(
            event_date=DAY,
            high_f=high_f,
            issued_at=NOON - issued_before * HOUR,
            received_at=NOON - received_before * HOUR,
        )

    found = known_sources([("CHI", DAY), ("NYC", DAY)], NOON)

    assert found == {("CHI", DAY): [SourceHigh("nbm_text", 74.0, NOON - 3 * HOUR, 2.0)]}
    assert known_sources([("CHI", DAY)], NOON - 13 * HOUR) == {
        ("CHI", DAY): [SourceHigh("nbm_text", 70.0, NOON - 15 * HOUR)]
    }
    assert known_sources([], NOON) == {}


def test_known_sources_forget_what_is_too_old_to_be_traded_on() -> None:
    SourceForecastFactory.create(event_date=DAY, issued_at=NOON - 18 * HOUR, received_at=NOON - 17 * HOUR)
    assert SourceForecastRepository().said_at([("CHI", DAY, NOON)]) == {}


def test_source_is_off_unless_it_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = {entry.task for entry in schedule(load_config())}
    assert "weather.tasks.refresh_nbm" not in tasks
    assert sources_for(load_config()).others is no_sources

    monkeypatch.setenv("NBM_BASE_URL", "http://127.0.0.1:9/nbm")

    assert {entry.task for entry in schedule(load_config())} - tasks == {"weather.tasks.refresh_nbm"}
    assert sources_for(load_config()).others is known_sources
