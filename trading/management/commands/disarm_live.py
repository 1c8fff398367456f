"""`manage.py disarm_live`: take the permission to trade real money back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.arming import disarm_live
from trading.management.operator import actor


class Command(BaseCommand):
    help = "Take every arming of LIVE back: once this returns no order leaves. What rests is cancelled by the next cycle."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="kept with the action, for whoever asks later")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            taken_back = disarm_live(actor=actor(), user_id=None, reason=options["reason"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{taken_back} armings taken back: no order leaves in LIVE.")
