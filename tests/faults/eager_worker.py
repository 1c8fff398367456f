"""The Celery application as installed, whose trader wants something in every turn: run it as `celery -A` this module."""

from typing import Final
from unittest.mock import patch

from celery.signals import worker_process_init

from milkbot.celery import app

__all__ = ["app"]

SEED: Final = 2


@worker_process_init.connect
def want(**_: object) -> None:
    """In each process that takes turns, once Django is set up there."""
    from tests.faults.wishes import Eager
    from trading import cycle

    patch.object(cycle, "decide", Eager(SEED, each_turn=2)).start()
