"""Scheduled work of the exchange side, on the default queue (slow). Each task calls one function and logs a summary."""

from celery import shared_task

from markets.services import refresh_unsettled
from milkbot.core import clock
from milkbot.logger import logger


@shared_task(name="markets.tasks.refresh_unsettled_markets", ignore_result=True)
def refresh_unsettled_markets() -> None:
    """Learn results and settlement of markets past their close."""
    finalized = refresh_unsettled(clock.now())
    logger.info("unsettled markets refreshed", extra={"finalized": len(finalized)})
