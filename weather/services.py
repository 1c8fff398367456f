"""What the weather app does for others: refresh from NWS, and tell what is known."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, TypeVar

from django.db import transaction

from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.climate_day import climate_day, climate_day_bounds
from milkbot.core.config import get_config
from milkbot.core.errors import Malformed, OutsideError, Refused
from milkbot.core.health import Component
from milkbot.health import beat
from milkbot.logger import logger
from weather.cache import WeatherCache
from weather.clients.nws.client import MOST_OBSERVATIONS, NwsClient
from weather.domain.day_high import day_highs, hourly_temps
from weather.domain.so_far import day_so_far
from weather.domain.types import (
    CityWeather,
    CliProduct,
    Grid,
    GridPoint,
    Observation,
    ReportedHigh,
    WeatherSnapshot,
)
from weather.repositories import WeatherRepository

SOURCE: Final = "nws"

_CELL_ASKED_EVERY: Final = timedelta(days=1)
_CELL_RETRY_AFTER: Final = timedelta(hours=1)
_CLOCKS_MAY_DIFFER_BY: Final = timedelta(minutes=15)
_MOST_THREADS: Final = 10
_NEWEST_REACH: Final = timedelta(hours=10)
"""How far the usual number of newest readings surely reaches back: 13 an hour, somewhat more in rough weather."""

_REVISION_OVER: Final = timedelta(hours=12)
_REVISION_SLACK: Final = timedelta(hours=3)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class WeatherRound:
    """What is known of each city, possibly old (ask its ages), and why any could not be refreshed."""

    snapshots: Mapping[str, WeatherSnapshot]
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReportRound:
    """How many climate reports were new, and which cities failed why."""

    saved: int
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Cell:
    point: GridPoint
    ask_again_at: datetime


class CityFetcher:
    """Fetches one city's weather from NWS. One instance serves many threads, each with another city."""

    def __init__(self, client: NwsClient) -> None:
        self._client = client
        self._cells: dict[str, _Cell] = {}
        self._read_at: dict[str, datetime] = {}
        self._day_readings: dict[str, tuple[Observation, ...]] = {}

    def __call__(self, city_code: str, now: datetime, held: CityWeather | None = None) -> CityWeather:
        """The grid and the newest readings of a city; `held` is the last good weather of it.

        Raises OutsideError when no grid can be had that is at least as new as the held one. Without usable readings
        the held ones stay and age, or there are none: the forecast does not depend on them.
        """
        city = load_cities()[city_code]
        grid = self._grid(city, now)
        _check_issuance(city, grid, held, now)
        fetched = self._readings(city, now)
        self._day_readings[city.code] = _of_the_day(self._day_readings.get(city.code, ()), fetched, city, now)
        readings = _newer_readings(fetched, held)
        weather = _city_weather(city, grid, readings, self._day_readings[city.code], now)
        if not weather.snapshot.highs:
            raise Malformed(SOURCE, f"grid of {city.code} holds no daytime maximum")
        return weather

    def _grid(self, city: CityConfig, now: datetime) -> Grid:
        point = self._cell(city, now)
        try:
            return self._client.get_grid(point.office, point.x, point.y)
        except Refused:
            # The office may have renumbered its cells since morning: the next round asks again where the place lies.
            self._cells[city.code] = _Cell(point, ask_again_at=now)
            raise

    def _readings(self, city: CityConfig, now: datetime) -> tuple[Observation, ...]:
        """The newest readings; when they may leave a gap since the last ones, all since the climate day began."""
        last = self._read_at.get(city.code)
        try:
            if last is not None and now - last < _NEWEST_REACH:
                readings = self._client.get_observations(city.settlement_station)
            else:
                readings = self._client.get_observations(
                    city.settlement_station, MOST_OBSERVATIONS, since=_day_so_far(city, now)
                )
        except OutsideError as error:
            logger.warning("no observations", extra={"city": city.code, "reason": str(error)})
            return ()
        self._read_at[city.code] = now
        return tuple(reading for reading in readings if reading.observed_at <= now + _CLOCKS_MAY_DIFFER_BY)

    def _cell(self, city: CityConfig, now: datetime) -> GridPoint:
        known = self._cells.get(city.code)
        if known is not None and now < known.ask_again_at:
            return known.point
        seed = GridPoint(office=city.nws_office, x=city.nws_grid_x, y=city.nws_grid_y)
        believed = known.point if known else seed
        try:
            point, ask_again_at = (
                self._client.get_points(city.latitude, city.longitude),
                now + _CELL_ASKED_EVERY,
            )
        except OutsideError as error:
            logger.warning("grid cell not confirmed", extra={"city": city.code, "reason": str(error)})
            point, ask_again_at = believed, now + _CELL_RETRY_AFTER
        if point != believed:
            logger.warning(
                "grid cell moved", extra={"city": city.code, "was": str(believed), "is": str(point)}
            )
        self._cells[city.code] = _Cell(point, ask_again_at)
        return point


def refresh_weather(
    city_codes: Sequence[str],
    now: datetime,
    *,
    client: NwsClient | None = None,
    cache: WeatherCache | None = None,
    max_age: timedelta | None = None,
) -> WeatherRound:
    """Bring the cities up to date and store what changed.

    A city younger than `max_age` (default: the cache's TTL) is not fetched again. The fetches run side by side, so
    a round takes as long as its slowest city; one that fails keeps its last good snapshot and never stops the others.
    """
    source = cache or (_process_cache() if client is None else WeatherCache(CityFetcher(client)))
    _recall_stored(source, [code for code in city_codes if source.needs_fetch(code, now, max_age)])
    outcomes = _side_by_side(city_codes, lambda code: source.get_weather(code, now, max_age))
    readings, crashes = _sorted_out(outcomes)
    new = [reading.weather for reading in readings.values() if reading.weather and not reading.from_cache]
    fetched = _completed(new, now)
    for weather in fetched:
        source.amend(weather.snapshot)
    _store(fetched, now)
    errors = crashes | {code: reading.error for code, reading in readings.items() if reading.error}
    known = {code: reading.snapshot for code, reading in readings.items() if reading.snapshot}
    snapshots = known | {weather.snapshot.city_code: weather.snapshot for weather in fetched}
    if fetched or errors:
        _report_health(len(city_codes), errors, _aging(snapshots, now))
    return WeatherRound(snapshots=snapshots, errors=errors)


def known_weather(city_codes: Sequence[str], now: datetime) -> WeatherRound:
    """What is stored of the cities, in one statement and without asking NWS; missing or stale cities are errors."""
    snapshots = WeatherRepository().get_latest_many(city_codes)
    errors = {code: "no weather was stored yet" for code in city_codes if code not in snapshots}
    for code, snapshot in snapshots.items():
        if snapshot.is_stale(now):
            errors[code] = f"weather was last fetched {_moment(snapshot.captured_at)}"
    return WeatherRound(snapshots=snapshots, errors=errors)


def refresh_climate_reports(
    city_codes: Sequence[str], now: datetime, *, client: NwsClient | None = None
) -> ReportRound:
    """Fetch the newest climate reports of the cities and store the versions not known yet."""
    source = client or _process_client()
    outcomes = _side_by_side(city_codes, lambda code: _reports(source, load_cities()[code], now))
    products, errors = _sorted_out(outcomes)
    saved = WeatherRepository().save_climate_reports(products, now)
    return ReportRound(saved=saved, errors=errors)


def _completed(weathers: Sequence[CityWeather], now: datetime) -> list[CityWeather]:
    """With what only the store knows: the day's climate report so far, and the forecast of half a day before."""
    if not weathers:
        return []
    cities = load_cities()
    today = {
        weather.snapshot.city_code: climate_day(now, cities[weather.snapshot.city_code].std_offset_hours)
        for weather in weathers
    }
    repository = WeatherRepository()
    reported = repository.get_reported_highs(today.items())
    earlier = repository.get_latest_many(today, at=now - _REVISION_OVER)
    return [
        weather.model_copy(
            update={"snapshot": _with_stored(weather.snapshot, reported, earlier.get(code), now)}
        )
        for code, weather in ((weather.snapshot.city_code, weather) for weather in weathers)
    ]


def _with_stored(
    snapshot: WeatherSnapshot,
    reported: Mapping[str, ReportedHigh],
    earlier: WeatherSnapshot | None,
    now: datetime,
) -> WeatherSnapshot:
    is_near = earlier is not None and now - earlier.captured_at <= _REVISION_OVER + _REVISION_SLACK
    return snapshot.model_copy(
        update={
            "reported": reported.get(snapshot.city_code),
            "earlier_highs": earlier.highs if earlier is not None and is_near else (),
        }
    )


def _recall_stored(source: WeatherCache, city_codes: Sequence[str]) -> None:
    """What this process does not know to be fresh, an earlier or another one may have stored: no older may follow it."""
    if city_codes:
        for snapshot in WeatherRepository().get_latest_many(city_codes).values():
            source.recall(snapshot)


def _day_so_far(city: CityConfig, now: datetime) -> datetime:
    """Where a first reading begins: at the climate day's midnight, and shortly after it with the evening before."""
    begins_at, _ = climate_day_bounds(climate_day(now, city.std_offset_hours), city.std_offset_hours)
    return min(begins_at, now - _NEWEST_REACH)


def _check_issuance(city: CityConfig, grid: Grid, held: CityWeather | None, now: datetime) -> None:
    """Edge servers answer 200 with forecasts of days ago: what was once known is not unlearnt."""
    if grid.issued_at > now + _CLOCKS_MAY_DIFFER_BY:
        raise Malformed(SOURCE, f"grid of {city.code} was issued in the future, {_moment(grid.issued_at)}")
    newest = held.snapshot.issued_at if held else None
    if newest is not None and grid.issued_at < newest:
        raise Malformed(
            SOURCE,
            f"grid of {city.code} was issued {_moment(grid.issued_at)}, before the known one of {_moment(newest)}",
        )


def _newer_readings(fetched: Sequence[Observation], held: CityWeather | None) -> Sequence[Observation]:
    """The readings, newest first, that reach further: an edge server may serve those of days ago, or none."""
    known = held.observations if held else ()
    if known and (not fetched or fetched[0].observed_at < known[0].observed_at):
        return known
    return fetched


def _of_the_day(
    known: Sequence[Observation], fetched: Sequence[Observation], city: CityConfig, now: datetime
) -> tuple[Observation, ...]:
    """All readings of the climate day, each (instant, kind) once, the last value winning."""
    begins_at, _ = climate_day_bounds(climate_day(now, city.std_offset_hours), city.std_offset_hours)
    every = {(reading.observed_at, reading.is_metar): reading for reading in (*known, *fetched)}
    return tuple(reading for reading in every.values() if reading.observed_at >= begins_at)


def _city_weather(
    city: CityConfig,
    grid: Grid,
    readings: Sequence[Observation],
    of_the_day: Sequence[Observation],
    now: datetime,
) -> CityWeather:
    today = climate_day(now, city.std_offset_hours)
    _, tomorrow_ends_at = climate_day_bounds(today + timedelta(days=1), city.std_offset_hours)
    snapshot = WeatherSnapshot(
        city_code=city.code,
        captured_at=now,
        issued_at=grid.issued_at,
        highs=day_highs(grid, city.std_offset_hours, readings),
        observation=readings[0].temperature_only() if readings else None,
        hourly=hourly_temps(grid, tomorrow_ends_at),
        so_far=day_so_far(of_the_day, today, city.std_offset_hours),
    )
    return CityWeather(
        snapshot=snapshot, observations=tuple(readings), raw={"grid": grid.model_dump(mode="json")}
    )


def _reports(client: NwsClient, city: CityConfig, now: datetime) -> tuple[CliProduct, ...]:
    return tuple(
        _confirmed(product, city)
        for product in client.get_cli_reports(city.cli_location)
        if product.report.issued_at <= now + _CLOCKS_MAY_DIFFER_BY
    )


def _confirmed(product: CliProduct, city: CityConfig) -> CliProduct:
    """Under daylight time a report of 00:30 says YESTERDAY while the climate day still runs: that one is not final."""
    _, end = climate_day_bounds(product.report.climate_date, city.std_offset_hours)
    if product.report.issued_at >= end:
        return product
    return product.model_copy(update={"report": product.report.model_copy(update={"is_final": False})})


def _side_by_side(city_codes: Sequence[str], work: Callable[[str], _T]) -> dict[str, "_T | BaseException"]:
    """`work` for each city in threads of its own; what it returned or raised. No thread touches the database."""
    with ThreadPoolExecutor(max_workers=min(len(city_codes), _MOST_THREADS) or 1) as pool:
        futures = {code: pool.submit(work, code) for code in city_codes}
    return {code: future.exception() or future.result() for code, future in futures.items()}


def _sorted_out(outcomes: Mapping[str, "_T | BaseException"]) -> tuple[dict[str, _T], dict[str, str]]:
    """Results and errors apart. An error that is no OutsideError is a fault of ours and logged as one."""
    results: dict[str, _T] = {}
    errors: dict[str, str] = {}
    for code, outcome in outcomes.items():
        if not isinstance(outcome, BaseException):
            results[code] = outcome
            continue
        errors[code] = (
            str(outcome) if isinstance(outcome, OutsideError) else f"failed: {type(outcome).__name__}"
        )
        if not isinstance(outcome, OutsideError):
            logger.error("weather round failed for a city", exc_info=outcome, extra={"city": code})
    return results, errors


def _store(fetched: Sequence[CityWeather], now: datetime) -> None:
    if not fetched:
        return
    repository = WeatherRepository()
    with transaction.atomic():
        repository.save_snapshots(fetched)
        repository.save_observations({w.snapshot.city_code: w.observations for w in fetched}, now)


def _aging(snapshots: Mapping[str, WeatherSnapshot], now: datetime) -> dict[str, str]:
    """Cities of which something is older than it usually gets, and what."""
    aging = {}
    for code, snapshot in snapshots.items():
        reading, issued_at = snapshot.observation, snapshot.issued_at
        if snapshot.issuance_warns(now):
            aging[code] = f"forecast issued {_moment(issued_at)}" if issued_at else "forecast of unknown age"
        elif not snapshot.observation_usable(now):
            aging[code] = f"last observation {_moment(reading.observed_at)}" if reading else "no observation"
    return aging


def _report_health(asked: int, errors: Mapping[str, str], aging: Mapping[str, str]) -> None:
    refreshed = asked - len(errors)
    first = list({**errors, **{code: note for code, note in aging.items() if code not in errors}}.items())[:2]
    notes = "; ".join(f"{code}: {note}" for code, note in first)
    beat(
        Component.NWS_API,
        ok=refreshed > 0,
        message=f"{refreshed} of {asked} cities{'; ' if notes else ''}{notes}",
    )


def _moment(instant: datetime) -> str:
    return f"{instant:%d %b %H:%MZ}"


@lru_cache(maxsize=1)
def _process_client() -> NwsClient:
    return NwsClient.from_config(get_config())


@lru_cache(maxsize=1)
def _process_cache() -> WeatherCache:
    return WeatherCache(CityFetcher(_process_client()))
