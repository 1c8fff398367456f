"""Celery tasks of the weather: each calls one service and logs a summary. The schedule names their queue."""

from datetime import timedelta
from typing import Final

from celery import shared_task

from milkbot.core import clock
from milkbot.core.config import get_config
from milkbot.core.constants import WEATHER_CACHE_MIN
from milkbot.logger import logger
from weather import calibrating, other_sources, regimes, services

# The schedule turns as often as the cache forgets; without this slack every second turn would come a moment early
# and be answered from memory.
_SCHEDULED_MAX_AGE: Final = timedelta(minutes=WEATHER_CACHE_MIN) / 2


@shared_task(name="weather.tasks.refresh", ignore_result=True, soft_time_limit=240, time_limit=270)
def refresh() -> None:
    """Refresh every configured city from NWS."""
    outcome = services.refresh_weather(get_config().cities, clock.now(), max_age=_SCHEDULED_MAX_AGE)
    logger.info("weather refreshed", extra={"cities": len(outcome.snapshots), "errors": dict(outcome.errors)})


@shared_task(name="weather.tasks.refresh_reports", ignore_result=True, soft_time_limit=240, time_limit=270)
def refresh_reports() -> None:
    """Fetch new climate reports of every configured city."""
    outcome = services.refresh_climate_reports(get_config().cities, clock.now())
    logger.info("climate reports refreshed", extra={"saved": outcome.saved, "errors": dict(outcome.errors)})


@shared_task(name="weather.tasks.calibrate", ignore_result=True)
def calibrate() -> None:
    """Learn the forecasts' errors anew; what proves better takes the place of what is in use."""
    verdict = calibrating.calibrate(clock.now())
    if verdict is not None:
        logger.info(
            "calibration learned",
            extra={
                "version": verdict.calibration.version,
                "promoted": verdict.promoted,
                "reason": verdict.reason,
            },
        )


@shared_task(name="weather.tasks.refresh_nbm", ignore_result=True, soft_time_limit=150, time_limit=180)
def refresh_nbm() -> None:
    """Fetch the newest run of the National Blend of Models."""
    outcome = other_sources.refresh_nbm(get_config().cities, clock.now())
    logger.info("guidance refreshed", extra=outcome._asdict())


@shared_task(name="weather.tasks.update_regimes", ignore_result=True)
def update_regimes() -> None:
    """Write down where a city's forecast has become more or less settled."""
    changed = regimes.update_regimes(get_config().cities, clock.now())
    if changed:
        logger.info("regimes changed", extra={"changed": changed})
