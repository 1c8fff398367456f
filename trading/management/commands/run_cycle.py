"""`manage.py run_cycle`: the fast loop at a terminal."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from milkbot.core import clock
from milkbot.core.config import get_config
from milkbot.core.errors import MilkbotError
from trading.cycle import Settings, run_cycle
from trading.cycle_report import CycleReport
from trading.oms.exchange import connect


class Command(BaseCommand):
    help = "Run the trading cycle: every period until interrupted, or once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="one turn, then stop")
        parser.add_argument(
            "--dry-run", action="store_true", help="read and decide only: store nothing, send nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        config = get_config()
        settings = Settings.from_config(config)
        try:
            exchange = connect(config)
        except MilkbotError as error:
            raise CommandError(str(error)) from error
        while True:
            try:
                report = run_cycle(clock.now(), settings, exchange=exchange, dry_run=options["dry_run"])
            except MilkbotError as error:
                raise CommandError(str(error)) from error
            self.stdout.write(_summary(report))
            if options["once"] or options["dry_run"]:
                return
            time.sleep(config.fast_period_s)


def _summary(report: CycleReport) -> str:
    counts = ", ".join(
        f"{getattr(report, name)} {name}" for name in ("cities", "markets", "signals", "intents", "fills")
    )
    codes = ", ".join(f"{code} {count}" for code, count in sorted(report.codes.items()))
    summary = f"{report.mode} {report.started_at:%Y-%m-%d %H:%M:%S}Z: {counts}"
    summary += f" [{codes}]" if codes else ""
    return summary + (f"; faults: {'; '.join(report.errors)}" if report.errors else "")
