"""What the weather app does for others: refresh from NWS, and tell what is known."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, TypeVar

from django.db import transaction

from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.climate_day import climate_day_bounds
from milkbot.core.config import get_config
from milkbot.core.errors import Malformed, OutsideError
from milkbot.core.health import Component
from milkbot.health import beat
from milkbot.logger import logger
from weather.cache import WeatherCache
from weather.clients.nws.client import NwsClient
from weather.domain.day_high import day_highs
from weather.domain.types import CityWeather, CliProduct, Grid, GridPoint, Observation, WeatherSnapshot
from weather.repositories import WeatherRepository

SOURCE: Final = "nws"

_CELL_ASKED_EVERY: Final = timedelta(days=1)
_CELL_RETRY_AFTER: Final = timedelta(hours=1)
_CLOCKS_MAY_DIFFER_BY: Final = timedelta(minutes=15)
_MOST_THREADS: Final = 10

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

    def __call__(self, city_code: str, now: datetime) -> CityWeather:
        """The grid and the newest readings of a city. Raises OutsideError when the grid cannot be had.

        Without usable readings the snapshot simply holds none: the forecast does not depend on them.
        """
        city = load_cities()[city_code]
        point = self._cell(city, now)
        grid = self._client.get_grid(point.office, point.x, point.y)
        if grid.issued_at > now + _CLOCKS_MAY_DIFFER_BY:
            raise Malformed(
                SOURCE, f"grid of {city_code} was issued in the future, {grid.issued_at:%d %b %H:%MZ}"
            )
        return _city_weather(city, grid, self._readings(city, now), now)

    def _readings(self, city: CityConfig, now: datetime) -> tuple[Observation, ...]:
        try:
            readings = self._client.get_observations(city.settlement_station)
        except OutsideError as error:
            logger.warning("no observations", extra={"city": city.code, "reason": str(error)})
            return ()
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
    outcomes = _side_by_side(city_codes, lambda code: source.get_weather(code, now, max_age))
    readings, crashes = _sorted_out(outcomes)
    fetched = [reading.weather for reading in readings.values() if reading.weather and not reading.from_cache]
    _store(fetched, now)
    errors = crashes | {code: reading.error for code, reading in readings.items() if reading.error}
    if fetched or errors:
        _report_health(len(city_codes), errors)
    snapshots = {code: reading.snapshot for code, reading in readings.items() if reading.snapshot}
    return WeatherRound(snapshots=snapshots, errors=errors)


def known_weather(city_codes: Sequence[str], now: datetime) -> WeatherRound:
    """What is stored of the cities, in one statement and without asking NWS; missing or stale cities are errors."""
    snapshots = WeatherRepository().get_latest_many(city_codes)
    errors = {code: "no weather was stored yet" for code in city_codes if code not in snapshots}
    for code, snapshot in snapshots.items():
        if snapshot.is_stale(now):
            errors[code] = f"weather was last fetched {snapshot.captured_at:%d %b %H:%MZ}"
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


def _city_weather(
    city: CityConfig, grid: Grid, readings: Sequence[Observation], now: datetime
) -> CityWeather:
    snapshot = WeatherSnapshot(
        city_code=city.code,
        captured_at=now,
        issued_at=grid.issued_at,
        highs=day_highs(grid, city.std_offset_hours, readings),
        observation=next(iter(readings), None),
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


def _report_health(asked: int, errors: Mapping[str, str]) -> None:
    refreshed = asked - len(errors)
    first = "; ".join(f"{code}: {error}" for code, error in list(errors.items())[:2])
    beat(
        Component.NWS_API,
        ok=refreshed > 0,
        message=f"{refreshed} of {asked} cities{'; ' if first else ''}{first}",
    )


@lru_cache(maxsize=1)
def _process_client() -> NwsClient:
    return NwsClient.from_config(get_config())


@lru_cache(maxsize=1)
def _process_cache() -> WeatherCache:
    return WeatherCache(CityFetcher(_process_client()))
