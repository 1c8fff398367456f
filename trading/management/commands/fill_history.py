"""`manage.py fill_history`: the past from a recording, into an empty database."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from milkbot.core import clock
from milkbot.core.config import get_config
from milkbot.core.errors import MilkbotError
from trading.backtest.as_of import ASSUMED_DEPTH
from trading.backtest.history import HistoryReport, fill_history
from trading.cycle import Settings

DAYS: Final = timedelta(days=7)


class Command(BaseCommand):
    help = "Live through a recorded past with the real engine, once, before anything else has run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--data",
            type=Path,
            required=True,
            help="folder in the recorded-ladder format: kalshi/ and weather/",
        )
        parser.add_argument(
            "--from",
            dest="first",
            type=date.fromisoformat,
            help="first day, UTC (default: a week before the end)",
        )
        parser.add_argument("--to", dest="last", type=date.fromisoformat, help="last day, UTC (default: now)")
        parser.add_argument(
            "--depth", type=Decimal, default=ASSUMED_DEPTH, help="contracts assumed at each recorded price"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        end = min(_midnight_after(options["last"]), now) if options["last"] else now
        start = datetime.combine(options["first"], time(), UTC) if options["first"] else end - DAYS
        settings = Settings.from_config(get_config())
        try:
            report = fill_history(options["data"], start, end, settings, now, depth=options["depth"])
        except (MilkbotError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_summary(report))


def _midnight_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _summary(report: HistoryReport) -> str:
    return (
        f"{report.start:%Y-%m-%d %H:%MZ} to {report.end:%Y-%m-%d %H:%MZ}: {report.cycles} cycles, {report.intents} "
        f"intents, {report.fills} fills, {report.settled} positions settled, P&L {report.pnl:.2f}, in {report.seconds} s; "
        f"{report.rows} rows read, {report.refused_rows} refused"
    )
