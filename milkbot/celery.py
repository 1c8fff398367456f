"""The Celery application: queues and where each task runs. The schedule is rows, made by `ensure_schedule`."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_ready

from milkbot.core.config import get_config
from milkbot.logger import logger

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "milkbot.settings.worker")

app = Celery("milkbot")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _keep_our_logging(**_: Any) -> None:
    """A receiver here makes Celery leave logging to Django's settings, where secrets are struck out."""


@worker_ready.connect
def announce(**_: Any) -> None:
    """Say, first of all, whether this process may touch real money."""
    config = get_config()
    logger.info(
        "worker started",
        extra={
            "mode": config.trading_mode.value,
            "profile": config.milkbot_profile,
            "exchange": config.kalshi_url,
        },
    )
