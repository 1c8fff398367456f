"""`manage.py ensure_schedule`: the rows Celery beat runs from, made equal to what is written here."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.core.management.base import BaseCommand
from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

from milkbot.core.config import Config, get_config

NAME_PREFIX: Final = "milkbot: "
"""Rows so named are ours: a row of an earlier release that is no longer wanted is removed."""


@dataclass(frozen=True)
class Entry:
    """One periodic task. `expires`: a turn that has waited so long is dropped, the next one is already there."""

    name: str
    task: str
    queue: str
    every: timedelta
    expires: timedelta | None = None


def schedule(config: Config) -> tuple[Entry, ...]:
    """The wanted schedule. Periods are wall time; a replayed world that runs fast turns more often."""
    fast, slow = timedelta(seconds=config.fast_period_s), timedelta(seconds=config.slow_period_s)
    return (
        Entry("cycle", "trading.tasks.run_cycle", "fast", fast, expires=fast),
        Entry("weather", "weather.tasks.refresh", "slow", slow, expires=slow),
        Entry("climate reports", "weather.tasks.refresh_reports", "slow", slow, expires=slow),
        Entry("settlement", "trading.tasks.settle", "slow", slow, expires=slow),
        Entry("rollup", "analytics.tasks.rollup", "slow", slow, expires=slow),
        Entry("pruning", "trading.tasks.prune", "batch", timedelta(days=1), expires=timedelta(hours=12)),
    )


class Command(BaseCommand):
    help = "Make the periodic tasks equal to this release's schedule; whether one is enabled stays as the operator set it."

    def handle(self, *args: Any, **options: Any) -> None:
        entries = schedule(get_config())
        with transaction.atomic():
            names = [_ensure(entry) for entry in entries]
            PeriodicTask.objects.filter(name__startswith=NAME_PREFIX).exclude(name__in=names).delete()
            PeriodicTasks.update_changed()
        if options["verbosity"]:
            self.stdout.write(f"{len(entries)} periodic tasks are in place.")


def _ensure(entry: Entry) -> str:
    interval, _ = IntervalSchedule.objects.get_or_create(
        every=round(entry.every.total_seconds()), period=IntervalSchedule.SECONDS
    )
    name = NAME_PREFIX + entry.name
    wanted = {
        "task": entry.task,
        "queue": entry.queue,
        "interval": interval,
        "crontab": None,
        "one_off": False,
        "expire_seconds": round(entry.expires.total_seconds()) if entry.expires else None,
    }
    PeriodicTask.objects.update_or_create(name=name, defaults=wanted)
    return name
