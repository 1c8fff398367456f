"""`manage.py disarm_live`: take the permission to trade real money back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from milkbot.core import clock
from milkbot.core.config import TradingMode, get_config
from trading.arming import disarm_live
from trading.management.operator import actor, installation
from trading.under_way import sends_under_way


class Command(BaseCommand):
    help = (
        "Take every arming of LIVE back: at once no send begins. What rests is cancelled by the next cycle."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reason", required=True, help="kept with the action, for whoever asks later")

    def handle(self, *args: Any, **options: Any) -> None:
        config = get_config()
        try:
            taken_back = disarm_live(actor=actor(), user_id=None, reason=options["reason"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        where, mode = installation(config), config.trading_mode
        if mode is not TradingMode.LIVE:
            raise CommandError(
                f"{taken_back} armings taken back here, but this installation does not run LIVE ({where}): "
                "one that does goes on as it is armed. Disarm it there."
            )
        self.stdout.write(f"{taken_back} armings taken back ({where}): no send begins in LIVE.")
        self.stdout.write(str(sends_under_way(mode, clock.now()) or "No order leaves any more."))
