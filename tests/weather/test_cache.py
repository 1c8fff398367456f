"""Story 3.6: five minutes of memory per city."""

import threading
from datetime import datetime, timedelta

import pytest

from milkbot.core.errors import Unreachable
from tests.weather.bodies import NOON, snapshot
from weather.cache import DEFAULT_TTL, WeatherCache
from weather.domain.types import CityWeather

MINUTE = timedelta(minutes=1)


class Source:
    """A fetch that counts, and fails while `is_down`."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.is_down = False

    def __call__(self, city_code: str, now: datetime, held: CityWeather | None) -> CityWeather:
        self.calls.append(city_code)
        if self.is_down:
            raise Unreachable("nws", "down")
        return CityWeather(snapshot=snapshot(city_code, captured_at=now))


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def cache(source: Source) -> WeatherCache:
    return WeatherCache(source)


@pytest.mark.story("3.6", 1)
def test_cache_when_two_cities_then_each_has_its_own_entry_and_five_minutes(
    cache: WeatherCache, source: Source
) -> None:
    assert timedelta(minutes=5) == DEFAULT_TTL
    for code in ("CHI", "NYC", "CHI", "NYC"):
        reading = cache.get_weather(code, NOON)
        assert reading.snapshot is not None
        assert reading.snapshot.city_code == code
    assert source.calls == ["CHI", "NYC"]


@pytest.mark.story("3.6", 2)
@pytest.mark.parametrize(
    ("age", "calls"), [(timedelta(0), 1), (5 * MINUTE - timedelta(seconds=1), 1), (5 * MINUTE, 2)]
)
def test_get_weather_when_asked_again_then_it_fetches_only_once_the_ttl_is_over(
    age: timedelta, calls: int, cache: WeatherCache, source: Source
) -> None:
    cache.get_weather("CHI", NOON)
    reading = cache.get_weather("CHI", NOON + age)
    assert len(source.calls) == calls
    assert reading.from_cache is (calls == 1)
    assert reading.snapshot is not None
    assert reading.snapshot.captured_at == (NOON if calls == 1 else NOON + age)


def test_get_weather_when_a_shorter_age_is_wanted_then_it_is_fetched_sooner(
    cache: WeatherCache, source: Source
) -> None:
    cache.get_weather("CHI", NOON)
    assert not cache.get_weather("CHI", NOON + 2 * MINUTE, max_age=MINUTE).from_cache
    assert not cache.get_weather("CHI", NOON + 2 * MINUTE, max_age=timedelta(0)).from_cache
    assert len(source.calls) == 3


@pytest.mark.story("3.6", 3)
@pytest.mark.parametrize(
    ("age", "is_stale"), [(15 * MINUTE, False), (15 * MINUTE + timedelta(seconds=1), True)]
)
def test_get_weather_when_the_source_stays_down_then_the_last_good_is_served_and_turns_stale_after_15_minutes(
    age: timedelta, is_stale: bool, cache: WeatherCache, source: Source
) -> None:
    cache.get_weather("CHI", NOON)
    source.is_down = True
    reading = cache.get_weather("CHI", NOON + age)
    assert reading.snapshot is not None
    assert reading.snapshot.captured_at == NOON
    assert (reading.is_stale, reading.from_cache, reading.error) == (is_stale, True, "nws: down")


@pytest.mark.story("3.6", 3)
def test_get_weather_when_the_forecast_or_observation_is_old_then_a_fresh_fetch_is_not_stale() -> None:
    old = snapshot(captured_at=NOON, issued_at=NOON - timedelta(hours=88))
    reading = WeatherCache(lambda code, now, held: CityWeather(snapshot=old)).get_weather("CHI", NOON)
    assert not reading.is_stale
    assert old.issuance_blocks(NOON)


def test_get_weather_when_nothing_was_ever_fetched_then_it_is_stale_and_says_why(
    cache: WeatherCache, source: Source
) -> None:
    source.is_down = True
    reading = cache.get_weather("CHI", NOON)
    assert (reading.snapshot, reading.is_stale, reading.error) == (None, True, "nws: down")
    source.is_down = False
    assert cache.get_weather("CHI", NOON).error is None


@pytest.mark.story("3.6", 4)
def test_cache_when_asked_then_hits_and_misses_are_counted(cache: WeatherCache, source: Source) -> None:
    cache.get_weather("CHI", NOON)
    cache.get_weather("CHI", NOON + MINUTE)
    cache.get_weather("CHI", NOON + 2 * MINUTE)
    source.is_down = True
    cache.get_weather("CHI", NOON + 6 * MINUTE)
    assert (cache.hits, cache.misses) == (2, 2)


@pytest.mark.story("3.6", 5)
@pytest.mark.parametrize("is_down", [False, True])
def test_get_weather_when_many_threads_ask_at_once_then_one_fetches_and_the_others_share_its_result(
    is_down: bool,
) -> None:
    readers, arrived, release = 8, threading.Semaphore(0), threading.Event()
    calls: list[str] = []

    def fetch(code: str, now: datetime, held: CityWeather | None) -> CityWeather:
        calls.append(code)
        release.wait(5)
        if is_down:
            raise Unreachable("nws", "down")
        return CityWeather(snapshot=snapshot(code, captured_at=now))

    cache = WeatherCache(fetch)
    errors: list[str | None] = []

    def ask() -> None:
        arrived.release()
        errors.append(cache.get_weather("CHI", NOON).error)

    threads = [threading.Thread(target=ask) for _ in range(readers)]
    threads[0].start()
    while not calls:
        arrived.acquire(timeout=0.01)
    for thread in threads[1:]:
        thread.start()
    for _ in threads[1:]:
        arrived.acquire(timeout=5)
    release.set()
    for thread in threads:
        thread.join(5)
    assert errors == ["nws: down" if is_down else None] * readers
    if not is_down:
        assert calls == ["CHI"]


@pytest.mark.story("3.6", 5)
def test_get_weather_when_two_cities_are_fetched_then_neither_waits_for_the_other() -> None:
    both_inside = threading.Barrier(2, timeout=5)

    def fetch(code: str, now: datetime, held: CityWeather | None) -> CityWeather:
        both_inside.wait()
        return CityWeather(snapshot=snapshot(code, captured_at=now))

    cache = WeatherCache(fetch)
    threads = [threading.Thread(target=cache.get_weather, args=(code, NOON)) for code in ("CHI", "NYC")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert cache.misses == 2


def test_get_weather_when_our_own_code_fails_then_the_error_comes_out_and_the_next_call_fetches() -> None:
    def fetch(code: str, now: datetime, held: CityWeather | None) -> CityWeather:
        raise KeyError(code)

    cache = WeatherCache(fetch)
    for _ in range(2):
        with pytest.raises(KeyError):
            cache.get_weather("CHI", NOON)
    assert cache.misses == 2
