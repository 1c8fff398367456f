"""What was once known of a city is not unlearnt when the service gives less, older or nothing."""

from datetime import datetime, timedelta

import pytest

from milkbot.core.errors import Malformed, Refused
from milkbot.core.health import Component
from milkbot.health import read_all
from tests.weather.bodies import (
    CHI,
    DAY,
    NOON,
    feature,
    grid_body,
    grid_path,
    observations_body,
    observations_path,
    points_body,
    points_path,
    snapshot,
)
from tests.weather.nws_stub import Answer, NwsStub
from weather.cache import WeatherCache
from weather.clients.nws.client import NwsClient
from weather.domain.types import CityWeather
from weather.models import WeatherSnapshotRow
from weather.services import CityFetcher, refresh_weather

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MIDNIGHT = NOON - 12 * HOUR


@pytest.fixture
def served(nws: NwsStub) -> NwsStub:
    """Chicago at noon: a grid two hours old and a reading of seven minutes ago."""
    nws.on(points_path(), Answer(body=points_body()))
    nws.on(grid_path(), Answer(body=grid_body()))
    nws.on(observations_path(), Answer(body=observations_body(feature())))
    return nws


@pytest.fixture
def fetch(client: NwsClient) -> CityFetcher:
    return CityFetcher(client)


def test_fetcher_when_an_edge_serves_an_older_issuance_then_it_is_refused_and_the_same_one_is_not(
    served: NwsStub, fetch: CityFetcher
) -> None:
    held = fetch("CHI", NOON)
    assert fetch("CHI", NOON, held).snapshot == held.snapshot
    served.on(grid_path(), Answer(body=grid_body(issued_at=NOON - 9 * HOUR, highs={DAY: 60})))
    with pytest.raises(Malformed, match="issued 14 May 09:00Z, before the known one of 14 May 16:00Z"):
        fetch("CHI", NOON, held)


def test_fetcher_when_a_grid_holds_no_maximum_then_it_is_refused(served: NwsStub, fetch: CityFetcher) -> None:
    body = grid_body(hourly=[(NOON, "PT1H", 70)])
    body["properties"]["maxTemperature"]["values"] = []
    served.on(grid_path(), Answer(body=body))
    with pytest.raises(Malformed, match="grid of CHI holds no daytime maximum"):
        fetch("CHI", NOON)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500, b""),
        Answer(body=observations_body()),
        Answer(body=observations_body(feature(NOON - timedelta(days=3), 5))),
        Answer(body=observations_body(feature(value=None))),
    ],
    ids=["down", "empty", "three days old", "null"],
)
def test_fetcher_when_readings_fail_then_the_held_ones_stay_and_age(
    answer: Answer, served: NwsStub, fetch: CityFetcher
) -> None:
    held = fetch("CHI", NOON)
    served.on(observations_path(), answer)
    later = fetch("CHI", NOON + 80 * MINUTE, held)
    assert later.snapshot.observation == held.snapshot.observation
    assert later.snapshot.captured_at == NOON + 80 * MINUTE
    assert later.snapshot.observation_usable(NOON + 83 * MINUTE)
    assert not later.snapshot.observation_usable(NOON + 84 * MINUTE)


def test_fetcher_when_readings_fail_then_the_night_that_was_measured_is_still_known(
    served: NwsStub, fetch: CityFetcher
) -> None:
    night = [feature(MIDNIGHT + hour * HOUR, 30 if hour == 0 else 20) for hour in range(7)]
    served.on(observations_path(), Answer(body=observations_body(*night)))
    held = fetch("CHI", NOON)
    served.on(observations_path(), Answer(500, b""))
    today = fetch("CHI", NOON, held).snapshot.highs[0]
    assert (today.day, today.high_f, today.knows_night) == (DAY, 86, True)
    assert not fetch("CHI", NOON).snapshot.highs[0].knows_night


def test_fetcher_when_a_newer_reading_comes_then_it_replaces_the_held_one(
    served: NwsStub, fetch: CityFetcher
) -> None:
    held = fetch("CHI", NOON)
    served.on(observations_path(), Answer(body=observations_body(feature(NOON + 3 * MINUTE, 24))))
    newer = fetch("CHI", NOON + 5 * MINUTE, held).snapshot.observation
    assert newer is not None
    assert newer.temp_c == 24.0


def test_fetcher_when_the_cell_is_gone_then_the_next_round_asks_where_the_place_lies(
    served: NwsStub, fetch: CityFetcher
) -> None:
    fetch("CHI", NOON)
    moved = CHI.model_copy(update={"nws_grid_y": CHI.nws_grid_y + 7})
    served.on(grid_path(), Answer(404, {"type": "https://api.weather.gov/problems/NotFound"}))
    served.on(points_path(), Answer(body=points_body(moved)))
    served.on(grid_path(moved), Answer(body=grid_body(moved, highs={DAY: 85})))
    with pytest.raises(Refused):
        fetch("CHI", NOON + 5 * MINUTE)
    assert fetch("CHI", NOON + 10 * MINUTE).snapshot.high_on(DAY) == 85


@pytest.mark.django_db
def test_refresh_weather_when_started_anew_then_the_stored_issuance_is_the_known_one(
    served: NwsStub, client: NwsClient
) -> None:
    refresh_weather(["CHI"], NOON, client=client)
    served.on(grid_path(), Answer(body=grid_body(issued_at=NOON - 9 * HOUR, highs={DAY: 60})))
    later = NOON + 10 * MINUTE
    outcome = refresh_weather(["CHI"], later, client=client)
    assert "before the known one" in outcome.errors["CHI"]
    assert outcome.snapshots["CHI"].captured_at == NOON
    assert outcome.snapshots["CHI"].high_on(DAY) == 80
    assert WeatherSnapshotRow.objects.get().last_seen_at == NOON


@pytest.mark.django_db
def test_refresh_weather_when_started_anew_while_nws_is_down_then_the_stored_weather_is_served(
    served: NwsStub, client: NwsClient
) -> None:
    stored = refresh_weather(["CHI"], NOON, client=client).snapshots["CHI"]
    served.on(grid_path(), Answer(500, b""))
    outcome = refresh_weather(["CHI"], NOON + 10 * MINUTE, client=client)
    assert outcome.snapshots == {"CHI": stored}
    assert "500" in outcome.errors["CHI"]


@pytest.mark.django_db
def test_refresh_weather_when_another_process_stored_newer_weather_then_no_older_follows_it(
    served: NwsStub, client: NwsClient
) -> None:
    ours = WeatherCache(CityFetcher(client))
    refresh_weather(["CHI"], NOON, cache=ours)
    served.on(grid_path(), Answer(body=grid_body(issued_at=NOON, highs={DAY: 83})))
    refresh_weather(["CHI"], NOON + 5 * MINUTE, client=client)
    served.on(grid_path(), Answer(body=grid_body()))
    outcome = refresh_weather(["CHI"], NOON + 10 * MINUTE, cache=ours)
    assert outcome.snapshots["CHI"].high_on(DAY) == 83
    assert "before the known one" in outcome.errors["CHI"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("issued_ago", "observed_ago", "words"),
    [
        (2 * HOUR, 7 * MINUTE, "1 of 1 cities"),
        (13 * HOUR, 7 * MINUTE, "1 of 1 cities; CHI: forecast issued 14 May 05:00Z"),
        (2 * HOUR, 91 * MINUTE, "1 of 1 cities; CHI: last observation 14 May 16:29Z"),
        (2 * HOUR, None, "1 of 1 cities; CHI: no observation"),
    ],
)
def test_refresh_weather_when_something_is_old_then_health_names_the_city_and_it(
    issued_ago: timedelta,
    observed_ago: timedelta | None,
    words: str,
    served: NwsStub,
    client: NwsClient,
) -> None:
    served.on(grid_path(), Answer(body=grid_body(issued_at=NOON - issued_ago)))
    readings = [] if observed_ago is None else [feature(NOON - observed_ago)]
    served.on(observations_path(), Answer(body=observations_body(*readings)))
    refresh_weather(["CHI"], NOON, client=client)
    health = read_all()[Component.NWS_API]
    assert (health.ok, health.message) == (True, words)


def test_cache_when_recalled_then_only_newer_weather_replaces_what_is_held() -> None:
    cache = WeatherCache(lambda code, now, held: CityWeather(snapshot=snapshot(captured_at=now)))
    five, three = (snapshot(captured_at=NOON + minutes * MINUTE) for minutes in (5, 3))
    cache.recall(five)
    cache.recall(three)
    assert not cache.needs_fetch("CHI", NOON + 9 * MINUTE)
    assert cache.needs_fetch("CHI", NOON + 10 * MINUTE)
    assert cache.get_weather("CHI", NOON + 6 * MINUTE).snapshot == five


def asked_of_the_station(served: NwsStub) -> list[str]:
    return [path.partition("?")[2] for path in served.asked(observations_path())]


@pytest.mark.parametrize(
    ("first_at", "start"),
    [
        (MIDNIGHT + 22 * HOUR, "2025-05-14T06%3A00%3A00Z"),  # late in the day: from its midnight
        (MIDNIGHT + 1 * HOUR, "2025-05-13T21%3A00%3A00Z"),  # soon after it: the evening before as well
    ],
)
def test_fetcher_reads_the_whole_day_first_and_then_the_newest(
    served: NwsStub, fetch: CityFetcher, first_at: datetime, start: str
) -> None:
    served.on(grid_path(), Answer(body=grid_body(issued_at=first_at - HOUR)))
    for minutes in (0, 5, 10):
        fetch("CHI", first_at + minutes * MINUTE)

    assert asked_of_the_station(served) == [f"limit=500&start={start}", "limit=150", "limit=150"]


def test_fetcher_when_readings_failed_for_long_then_reads_the_whole_day_again(
    served: NwsStub, fetch: CityFetcher
) -> None:
    fetch("CHI", NOON)
    served.on(observations_path(), Answer(404))
    for hours in (3, 6, 9):
        fetch("CHI", NOON + hours * HOUR)
    served.on(observations_path(), Answer(body=observations_body(feature())))
    fetch("CHI", NOON + 10 * HOUR)
    fetch("CHI", NOON + 11 * HOUR)

    limits = [query.partition("&")[0] for query in asked_of_the_station(served)]
    assert limits == ["limit=500", *["limit=150"] * 3, "limit=500", "limit=150"]
