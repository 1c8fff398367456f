"""`manage.py refresh_weather`: one turn of the slow loop's weather by hand."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from milkbot.core import clock
from milkbot.core.cities import load_cities
from milkbot.core.config import get_config
from weather.services import refresh_weather


class Command(BaseCommand):
    help = "Refresh the configured cities from the National Weather Service and store what changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--city", action="append", choices=sorted(load_cities()), help="only this city; repeatable"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        outcome = refresh_weather(options["city"] or get_config().cities, now, max_age=timedelta(0))
        for code, snapshot in outcome.snapshots.items():
            highs = ", ".join(f"{high.day:%d %b} {high.high_f}°F" for high in snapshot.highs[:3]) or "none"
            self.stdout.write(f"{code}  highs {highs}  issued {snapshot.issued_at or 'never'}")
        for code, error in outcome.errors.items():
            self.stderr.write(f"{code}  {error}")
        if not outcome.snapshots:
            raise CommandError("No city could be refreshed; see the reasons above.")
