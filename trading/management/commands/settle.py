"""`manage.py settle`: book final results now instead of at the next turn of the slow loop."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from milkbot.core import clock
from milkbot.core.config import get_config
from trading.settlement import settlement_round


class Command(BaseCommand):
    help = "Ask the exchange for final results and book them."

    def handle(self, *args: Any, **options: Any) -> None:
        report = settlement_round(get_config().trading_mode, clock.now())
        self.stdout.write(
            f"{report.settled} settled, P&L {report.pnl:.4f}, "
            f"{report.orders_closed} orders closed, {report.refused} refused"
        )
        if report.fault:
            raise CommandError(f"nothing newer could be learnt: {report.fault}")
