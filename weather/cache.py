"""Five minutes of memory per city, so that many readers cost NWS one fetch."""

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from milkbot.core.constants import WEATHER_CACHE_MIN
from milkbot.core.errors import OutsideError
from weather.domain.types import CityWeather, WeatherSnapshot

Fetch = Callable[[str, datetime, CityWeather | None], CityWeather]
"""Fetches a city's weather as of a time, given the last good one. Raises OutsideError when the source cannot be used."""

DEFAULT_TTL: Final = timedelta(minutes=WEATHER_CACHE_MIN)


@dataclass(frozen=True, slots=True)
class WeatherReading:
    """An answer of the cache. `is_stale` speaks of our own fetch only, never of observation or issuance."""

    weather: CityWeather | None
    is_stale: bool
    from_cache: bool
    error: str | None = None

    @property
    def snapshot(self) -> WeatherSnapshot | None:
        """What is known of the city, possibly old; None when nothing was ever fetched."""
        return self.weather.snapshot if self.weather else None


@dataclass(slots=True)
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    weather: CityWeather | None = None
    error: str | None = None
    attempts: int = 0


class WeatherCache:
    """The last good weather of each city. Thread-safe: one fetch per city at a time, the others wait for its result."""

    def __init__(self, fetch: Fetch, ttl: timedelta = DEFAULT_TTL) -> None:
        self._fetch = fetch
        self._ttl = ttl
        self._guard = threading.Lock()
        self._entries: defaultdict[str, _Entry] = defaultdict(_Entry)
        self._hits = 0
        self._misses = 0

    @property
    def hits(self) -> int:
        """Answers that needed no fetch of their own."""
        return self._hits

    @property
    def misses(self) -> int:
        """Answers that had to ask the source."""
        return self._misses

    def get_weather(self, city_code: str, now: datetime, max_age: timedelta | None = None) -> WeatherReading:
        """The city's weather as of `now`: remembered when younger than `max_age` (default: the TTL), else fetched.

        When the fetch fails the last good weather is served with the error; it is stale once its own fetch lies more
        than WEATHER_STALE_MIN back.
        """
        entry, attempts_seen = self._entry(city_code)
        with entry.lock:
            if entry.attempts != attempts_seen or self._is_fresh(
                entry, now, self._ttl if max_age is None else max_age
            ):
                self._count(hit=True)
                return _reading(entry, now, from_cache=True)
            self._count(hit=False)
            try:
                entry.weather, entry.error = self._fetch(city_code, now, entry.weather), None
            except OutsideError as error:
                entry.error = str(error)
            finally:
                entry.attempts += 1
            return _reading(entry, now, from_cache=entry.error is not None)

    def needs_fetch(self, city_code: str, now: datetime, max_age: timedelta | None = None) -> bool:
        """Whether `get_weather` with these arguments would ask the source."""
        entry, _ = self._entry(city_code)
        return not self._is_fresh(entry, now, self._ttl if max_age is None else max_age)

    def recall(self, snapshot: WeatherSnapshot) -> None:
        """Take `snapshot`, which another process stored, for the last good weather unless ours is as new."""
        entry, _ = self._entry(snapshot.city_code)
        with entry.lock:
            held = entry.weather
            if held is None or held.snapshot.captured_at < snapshot.captured_at:
                readings = (snapshot.observation,) if snapshot.observation else ()
                entry.weather = CityWeather(snapshot=snapshot, observations=readings)

    def amend(self, snapshot: WeatherSnapshot) -> None:
        """Take `snapshot` for the held one of the same fetch: the store knew something to add."""
        entry, _ = self._entry(snapshot.city_code)
        with entry.lock:
            held = entry.weather
            if held is not None and held.snapshot.captured_at == snapshot.captured_at:
                entry.weather = held.model_copy(update={"snapshot": snapshot})

    def _entry(self, city_code: str) -> tuple[_Entry, int]:
        with self._guard:
            entry = self._entries[city_code]
            return entry, entry.attempts

    def _is_fresh(self, entry: _Entry, now: datetime, max_age: timedelta) -> bool:
        return entry.weather is not None and entry.weather.snapshot.ages(now).fetched_age < max_age

    def _count(self, *, hit: bool) -> None:
        with self._guard:
            if hit:
                self._hits += 1
            else:
                self._misses += 1


def _reading(entry: _Entry, now: datetime, *, from_cache: bool) -> WeatherReading:
    is_stale = entry.weather is None or entry.weather.snapshot.is_stale(now)
    return WeatherReading(entry.weather, is_stale, from_cache, entry.error)
