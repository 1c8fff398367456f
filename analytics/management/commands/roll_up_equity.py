"""`manage.py roll_up_equity`: the equity curve now, instead of with the slow loop's next turn."""

from typing import Any

from django.core.management.base import BaseCommand

from analytics.rollups.equity import roll_up_equity
from milkbot.core.config import TradingMode


class Command(BaseCommand):
    help = "Copy the account as each cycle left it into the equity curve; what is there already stays."

    def handle(self, *args: Any, **options: Any) -> None:
        points = sum(roll_up_equity(mode) for mode in TradingMode)
        self.stdout.write(f"{points} points added to the equity curve")
