"""Celery tasks of trading: each reads the clock once, calls one service and logs a summary."""

from functools import cache
from pathlib import Path
from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.db import connections

from milkbot.core import clock
from milkbot.core.config import Config, get_config
from milkbot.logger import logger
from trading import cycle, learning, retention, settlement
from trading.archive.keeping import archive_folder
from trading.cycle_report import record_failure
from trading.oms.exchange import Exchange, connect
from trading.oms.lease import LeaseHeld
from trading.reading import sources_for
from trading.schedule import turns_at_start
from trading.turn_time import StaleTurn, WrongClock


@shared_task(name="trading.tasks.run_cycle")
def run_cycle() -> dict[str, int]:
    """One turn of the fast loop. A turn that fails leaves its trace and never ends the loop."""
    config, now = get_config(), clock.now()
    settings = cycle.Settings.from_config(config)
    try:
        report = cycle.run_cycle(
            now, settings, sources=sources_for(config), exchange=_exchange(config), clock=clock.now
        )
    except (LeaseHeld, StaleTurn, WrongClock) as skipped:
        logger.warning("cycle skipped", extra={"why": str(skipped)})
        return {}
    except Exception as error:
        logger.exception("cycle failed")
        record_failure(now, settings.mode, error)
        raise
    return {"markets": report.markets, "intents": report.intents, "fills": report.fills}


@cache
def _exchange(config: Config) -> Exchange | None:
    """One for the life of the process: the key is loaded once, and connections stay open."""
    return connect(config)


@shared_task(name="trading.tasks.settle")
def settle() -> dict[str, int]:
    """Book what the exchange has made final."""
    config = get_config()
    exchange = _exchange(config)
    account = exchange.account if exchange else None
    report = settlement.settlement_round(config.trading_mode, clock.now(), account=account)
    return {"settled": report.settled, "orders_closed": report.orders_closed, "refused": report.refused}


@shared_task(name="trading.tasks.learn")
def learn() -> dict[str, int]:
    """Learn what each expert's opinion counts for from the events that are over."""
    lessons = learning.learn_from_finished(get_config().trading_mode, clock.now())
    if lessons:
        logger.info("weights learned", extra={"lessons": lessons})
    return {"lessons": lessons}


@shared_task(name="trading.tasks.prune")
def prune() -> dict[str, int]:
    """Put aside and delete what is past its retention."""
    deleted = retention.prune(clock.now(), archive_folder(get_config()))
    logger.info("pruned", extra=deleted)
    return deleted


@shared_task(name="trading.tasks.run_variant")
def run_variant(out: str, name: str) -> dict[str, str]:
    """One variant of the sweep planned in `out`."""
    # What draws plots stays out of the workers that never draw any.
    from trading.backtest.sweep import run_variant as run

    row = run(Path(out), name, clock.now())
    logger.info("variant ended", extra={"variant": name, "fills": row.fills, "error": row.error})
    return {"name": row.name, "error": row.error}


@worker_ready.connect
def send_first_turns(sender: Any, **_: Any) -> None:
    """Send this worker the first turn of its loops: what a crash left is put right without waiting for beat."""
    try:
        turns = turns_at_start(sender.app.amqp.queues.consume_from)
    finally:
        # The pool forks its children from this process: none may inherit an open connection.
        connections.close_all()
    for turn in turns:
        sender.app.send_task(turn.task, queue=turn.queue, expires=turn.expires)
    logger.info("first turns sent", extra={"tasks": [turn.task for turn in turns]})
