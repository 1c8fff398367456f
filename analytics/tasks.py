"""Celery tasks of analytics."""

from celery import shared_task

from analytics.services import refresh
from milkbot.core.config import get_config
from milkbot.logger import logger


@shared_task(name="analytics.tasks.rollup", ignore_result=True, soft_time_limit=60, time_limit=75)
def rollup() -> None:
    """Roll up the equity curve and record who is alive."""
    summary = refresh(f"http://127.0.0.1:{get_config().public_port}")
    logger.info("rollup done", extra=summary.model_dump())
