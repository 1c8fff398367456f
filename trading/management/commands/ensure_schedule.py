"""`manage.py ensure_schedule`: the rows Celery beat runs from, made equal to `trading.schedule`."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

from milkbot.core.config import get_config
from trading.schedule import NAME_PREFIX, Entry, schedule


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
