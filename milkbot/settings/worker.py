"""Beat and the workers. Plain connections, closed after each task: a pool would only hold what nobody shares."""

from typing import Any, Final

from milkbot.settings.base import *  # noqa: F403
from milkbot.settings.base import LOGGING, MILKBOT, database

FAST_HARD_LIMIT_S: Final = 55
"""A cycle that hangs is ended before the next one is due; the soft limit lets it leave its trace first."""
FAST_SOFT_LIMIT_S: Final = 45
LONG_LIMIT_S: Final = 3600
HELD_UP_S: Final = 15
"""A worker that is paused in the midst of a send holds the trading switch and the lease no longer than this. Well above
the longest send (1 s for its turn in the budget, 3 s for all the rest)."""

DATABASES = {"default": database(MILKBOT.database_url, idle_timeout_s=HELD_UP_S)}

# JSON only: a message in Redis can name a task and plain arguments, never code.
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True

CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"

# A task that dies with its worker is not sent again: the schedule sends the next one, with fresh data.
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"visibility_timeout": LONG_LIMIT_S + 60}

CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_DEFAULT_QUEUE = "slow"
CELERY_TASK_ROUTES = {
    "trading.tasks.run_cycle": {"queue": "fast"},
    "trading.tasks.run_variant": {"queue": "batch"},
}
CELERY_TASK_ANNOTATIONS = {
    "trading.tasks.run_cycle": {"soft_time_limit": FAST_SOFT_LIMIT_S, "time_limit": FAST_HARD_LIMIT_S}
}
CELERY_TASK_SOFT_TIME_LIMIT = LONG_LIMIT_S - 60
CELERY_TASK_TIME_LIMIT = LONG_LIMIT_S

# Our logging configuration has the redaction; Celery's own handlers would bypass it.
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
# Each task logs a summary of its own; that it came and went is noise.
LOGGING["loggers"] |= {
    name: {"level": "WARNING"} for name in ("celery.app.trace", "celery.worker.strategy", "celery.beat")
}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
