"""Celery tasks of analytics."""

from celery import shared_task

from analytics.services import refresh
from analytics.skill.gates import judge_demo
from analytics.skill.settled import score_settled
from milkbot.core import clock
from milkbot.core.config import get_config
from milkbot.logger import logger


@shared_task(name="analytics.tasks.rollup", ignore_result=True, soft_time_limit=60, time_limit=75)
def rollup() -> None:
    """Roll up the equity curve and record who is alive."""
    summary = refresh(f"http://127.0.0.1:{get_config().public_port}")
    logger.info("rollup done", extra=summary.model_dump())


@shared_task(name="analytics.tasks.score", ignore_result=True, soft_time_limit=120, time_limit=150)
def score() -> None:
    """Score the forecasts of events that have settled."""
    report = score_settled(get_config().trading_mode, clock.now())
    logger.info("skill scored", extra=report.model_dump())


@shared_task(name="analytics.tasks.judge_strategies", ignore_result=True)
def judge_strategies() -> None:
    """Judge every strategy by its record in DEMO."""
    gates = judge_demo(clock.now())
    logger.info("strategies judged", extra={gate.strategy: gate.admitted for gate in gates})
