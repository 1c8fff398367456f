"""What runs how often, and on which queue. `manage.py ensure_schedule` makes the rows of Celery beat equal to it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from django_celery_beat.models import PeriodicTask

from milkbot.core.config import Config

NAME_PREFIX: Final = "milkbot: "
"""Rows so named are ours: a row of an earlier release that is no longer wanted is removed."""
LOOPS: Final = frozenset({"fast", "slow"})
"""The queues of the two loops. What runs daily stands on other queues and need not follow every start."""


@dataclass(frozen=True)
class Entry:
    """One periodic task. `expires`: a turn that has waited so long is dropped, the next one is already there."""

    name: str
    task: str
    queue: str
    every: timedelta
    expires: timedelta | None = None


class Turn(NamedTuple):
    """One turn of a loop to be sent now. `expires` in seconds."""

    task: str
    queue: str
    expires: int | None


def schedule(config: Config) -> tuple[Entry, ...]:
    """The wanted schedule. Periods are wall time; a replayed world that runs fast turns more often."""
    fast, slow = timedelta(seconds=config.fast_period_s), timedelta(seconds=config.slow_period_s)
    others = (Entry("guidance", "weather.tasks.refresh_nbm", "slow", slow, expires=slow),)
    return (
        Entry("cycle", "trading.tasks.run_cycle", "fast", fast, expires=fast),
        Entry("weather", "weather.tasks.refresh", "slow", slow, expires=slow),
        Entry("climate reports", "weather.tasks.refresh_reports", "slow", slow, expires=slow),
        *(others if config.nbm_base_url else ()),
        Entry("regimes", "weather.tasks.update_regimes", "slow", slow, expires=slow),
        Entry("settlement", "trading.tasks.settle", "slow", slow, expires=slow),
        Entry("weights", "trading.tasks.learn", "slow", slow, expires=slow),
        Entry("rollup", "analytics.tasks.rollup", "slow", slow, expires=slow),
        Entry("skill", "analytics.tasks.score", "slow", slow, expires=slow),
        Entry(
            "strategy gates",
            "analytics.tasks.judge_strategies",
            "batch",
            timedelta(days=1),
            expires=timedelta(hours=12),
        ),
        Entry(
            "calibration", "weather.tasks.calibrate", "batch", timedelta(days=1), expires=timedelta(hours=12)
        ),
        Entry("pruning", "trading.tasks.prune", "batch", timedelta(days=1), expires=timedelta(hours=12)),
    )


def turns_at_start(queues: Collection[str]) -> tuple[Turn, ...]:
    """One turn of every loop that a worker of `queues` serves and no operator has paused, in the schedule's order.

    A worker of no loop asks nothing: its database role may not even see the schedule.
    """
    loops = LOOPS.intersection(queues)
    if not loops:
        return ()
    rows = PeriodicTask.objects.filter(name__startswith=NAME_PREFIX, enabled=True, queue__in=loops)
    return tuple(
        Turn(*values) for values in rows.order_by("pk").values_list("task", "queue", "expire_seconds")
    )
