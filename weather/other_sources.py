"""Forecasts of others than the National Weather Service's grid: fetched by the slow loop, and what is known of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from http import HTTPStatus
from typing import Final, NamedTuple

from milkbot.core.cities import load_cities
from milkbot.core.config import Config, get_config
from milkbot.core.errors import OutsideError, Refused
from milkbot.logger import logger
from weather.clients.nbm.client import NbmClient
from weather.domain.combining import SourceHigh
from weather.domain.nbm import SOURCE, Guidance
from weather.repositories import SourceForecastRepository

FetchRun = Callable[[datetime, frozenset[str]], Mapping[str, Guidance]]
"""A run's guidance by station. Raises OutsideError; Refused with status 404 while the run is not there."""

_PUBLISHED_AFTER: Final = timedelta(hours=1)
_LOOKED_BACK: Final = timedelta(hours=8)
_HOUR: Final = timedelta(hours=1)


class SourceRound(NamedTuple):
    """How many forecasts were new, and why the source could not be read, if so."""

    saved: int
    error: str | None = None


def refresh_nbm(city_codes: Sequence[str], now: datetime, *, fetch: FetchRun | None = None) -> SourceRound:
    """Store the newest run of the National Blend that is not known yet. What fails is told, never raised: nothing else
    depends on it."""
    repository = SourceForecastRepository()
    newest = repository.newest_run(SOURCE)
    try:
        found = _newest_run(fetch or _process_client().get_run, city_codes, now, newest)
    except OutsideError as error:
        return SourceRound(0, str(error))
    highs = [
        (city.code, high, found[city.settlement_station].run_at)
        for city in (load_cities()[code] for code in city_codes)
        if city.settlement_station in found
        for high in found[city.settlement_station].highs(city.std_offset_hours)
    ]
    return SourceRound(repository.save(SOURCE, highs, now))


def known_sources(
    days: Iterable[tuple[str, date]], now: datetime
) -> Mapping[tuple[str, date], list[SourceHigh]]:
    """What the other sources have said last of each (city, day), as far as it was stored by `now`; one statement."""
    return SourceForecastRepository().said_by(days, now)


def no_sources(
    days: Iterable[tuple[str, date]], now: datetime
) -> Mapping[tuple[str, date], list[SourceHigh]]:
    """Where no other source is configured there is nothing to ask for."""
    return {}


def has_other_sources(config: Config) -> bool:
    """Whether any source beside the grid is configured."""
    return bool(config.nbm_base_url)


def _newest_run(
    fetch: FetchRun, city_codes: Sequence[str], now: datetime, known: datetime | None
) -> Mapping[str, Guidance]:
    """The newest run that is out and not known; empty when there is none."""
    stations = frozenset(load_cities()[code].settlement_station for code in city_codes)
    run_at = (now - _PUBLISHED_AFTER).replace(minute=0, second=0, microsecond=0)
    while run_at > now - _LOOKED_BACK and (known is None or run_at > known):
        try:
            return fetch(run_at, stations)
        except Refused as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            logger.info("run not out yet", extra={"source": SOURCE, "run": run_at.isoformat()})
            run_at -= _HOUR
    return {}


@lru_cache(maxsize=1)
def _process_client() -> NbmClient:
    config = get_config()
    return NbmClient(config.nbm_base_url, config.nws_contact)
