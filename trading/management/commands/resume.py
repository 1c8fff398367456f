"""`manage.py resume`: trading goes on, if no breaker waits for a person."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from milkbot.core import clock
from milkbot.core.config import get_config
from trading.management.operator import actor
from trading.operations import LocksStand, resume


class Command(BaseCommand):
    help = "Resume trading: the next cycle may send orders again, within all caps."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="kept with the action, for whoever asks later")
        parser.add_argument(
            "--clear-locks",
            action="store_true",
            help="also end the breakers' locks that wait for a person; each is recorded",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        mode = get_config().trading_mode
        try:
            before, cleared = resume(
                mode,
                actor=actor(),
                user_id=None,
                reason=options["reason"],
                now=clock.now(),
                clear=options["clear_locks"],
            )
        except LocksStand as error:
            raise CommandError(f"{error}. Look into each, then add --clear-locks.") from error
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{mode} was {before}, is ACTIVE now; {cleared} locks cleared.")
