"""`manage.py settle`: book final results now instead of at the next turn of the slow loop."""

import json
from datetime import timedelta
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from milkbot.core import clock
from milkbot.core.config import get_config
from trading.oms.exchange import connect_cancels
from trading.settlement import settlement_round
from trading.settlement_checks import agreement_by_city

AGREEMENT_OVER: Final = timedelta(days=365)


class Command(BaseCommand):
    help = "Ask the exchange for final results and book them; say how often our readings agreed with them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print what was done as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        config, now = get_config(), clock.now()
        desk = connect_cancels(config)
        report = settlement_round(config.trading_mode, now, account=desk.account if desk else None)
        agreement = agreement_by_city(now - AGREEMENT_OVER)
        if options["json"]:
            cities = {city: each._asdict() for city, each in agreement.items()}
            self.stdout.write(json.dumps({**report.model_dump(mode="json"), "agreement": cities}))
        else:
            days = sum(each.days for each in agreement.values())
            mismatches = sum(each.mismatches for each in agreement.values())
            self.stdout.write(
                f"{report.settled} settled, P&L {report.pnl:.4f}, {report.orders_closed} orders closed, "
                f"{report.refused} refused, {report.revised} revised, {report.waiting} waiting\n"
                f"our reading differed on {mismatches} of {days} settled days, {report.drift} figures differ from the account"
            )
        if report.fault:
            raise CommandError(f"nothing newer could be learnt: {report.fault}")
