"""`manage.py decide_order`: end an order whose fate the exchange will not tell any more."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from milkbot.core import clock
from milkbot.core.config import get_config
from trading.hand_decision import CannotDecide, decide_ended
from trading.management.operator import actor, connect_desk


class Command(BaseCommand):
    help = "Decide what became of an order that stays UNKNOWN, once you have looked for it on the exchange's own page."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("order", help="its intent key or its client order id")
        parser.add_argument(
            "--ended",
            action="store_true",
            required=True,
            help="the exchange does not have this order, and it never will fill",
        )
        parser.add_argument("--reason", required=True, help="kept with the action, for whoever asks later")

    def handle(self, *args: Any, **options: Any) -> None:
        config = get_config()
        try:
            decided = decide_ended(
                config.trading_mode,
                options["order"],
                connect_desk(config).account,
                actor=actor(),
                user_id=None,
                reason=options["reason"],
                now=clock.now(),
            )
        except (CannotDecide, ValueError) as error:
            raise CommandError(str(error)) from error
        order = decided.order
        done = "is over" if decided.is_new else "stood so already"
        self.stdout.write(
            f"{order.mode} {order.intent_key} {done}: {order.state}, {order.filled_count.normalize():f} of "
            f"{order.count.normalize():f} contracts filled, nothing is reserved for it."
        )
