"""`manage.py arm_live`: let LIVE trade real money for a stated time."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from milkbot.core.config import TradingMode, get_config
from trading.arming import arm_live
from trading.management.operator import actor, duration


class Command(BaseCommand):
    help = "Let LIVE send orders with real money until the time is up or `manage.py disarm_live`."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--for",
            dest="duration",
            type=duration,
            required=True,
            help="how long, e.g. 90m or 2h; at most 12h",
        )
        parser.add_argument("--reason", required=True, help="kept with the action, for whoever asks later")

    def handle(self, *args: Any, **options: Any) -> None:
        mode = get_config().trading_mode
        if mode is not TradingMode.LIVE:
            raise CommandError(f"This installation runs {mode}; only LIVE is armed.")
        try:
            until = arm_live(options["duration"], actor=actor(), user_id=None, reason=options["reason"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"LIVE is armed until {until:%Y-%m-%d %H:%M:%S}Z: orders with real money may leave."
        )
