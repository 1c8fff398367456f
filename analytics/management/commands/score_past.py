"""`manage.py score_past`: the skill of a past that was lived through at once."""

from typing import Any

from django.core.management.base import BaseCommand

from analytics.skill.settled import score_settled
from milkbot.core import clock
from milkbot.core.config import get_config


class Command(BaseCommand):
    help = "Score every settled event that was not, each as of its settlement; after `fill_history`."

    def handle(self, *args: Any, **options: Any) -> None:
        report = score_settled(get_config().trading_mode, clock.now(), limit=None, is_past=True)
        self.stdout.write(f"{report.events} settled events scored, {report.scores} forecasts")
