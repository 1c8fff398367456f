"""`manage.py backtest`: trades a recorded past with the live decision and writes what came of it. No database is asked."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from milkbot.core import clock
from milkbot.core.cities import load_cities
from milkbot.core.constants import STARTING_CAPITAL
from milkbot.core.errors import MilkbotError
from trading.backtest.as_of import ASSUMED_DEPTH
from trading.backtest.engine import run_backtest
from trading.backtest.recorded_types import ReadReport
from trading.backtest.reporting.registry import default_registry
from trading.backtest.reporting.write import write_report
from trading.backtest.results import BacktestOptions, BacktestResult
from trading.domain.decide import STRATEGIES

ROWS_NAMED: Final = 3
"""Of each fault; the report names more."""
DEFAULT_SEED: Final = 7


class Command(BaseCommand):
    help = "Replay recorded days through the live decision; write report.html, report.json, manifest.json and tables."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--data",
            type=Path,
            required=True,
            help="folder in the recorded-ladder format: kalshi/ladders and weather",
        )
        parser.add_argument("--out", type=Path, required=True, help="folder for the report; made if need be")
        parser.add_argument(
            "--from", dest="first", type=date.fromisoformat, default=date.min,
            help="first climate day (default: the recording's first); weather before it is learned from",
        )  # fmt: skip
        parser.add_argument(
            "--to",
            dest="last",
            type=date.fromisoformat,
            default=date.max,
            help="last climate day (default: its last)",
        )
        parser.add_argument(
            "--city",
            action="append",
            choices=sorted(load_cities()),
            help="may be given several times (default: all)",
        )
        parser.add_argument(
            "--strategy",
            choices=sorted(strategy.name for strategy in STRATEGIES),
            help="let only this one trade",
        )
        parser.add_argument(
            "--seed", type=int, default=DEFAULT_SEED, help="of the report's resampling (default: 7)"
        )
        parser.add_argument(
            "--assumed-depth", type=Decimal, default=ASSUMED_DEPTH,
            help="contracts taken to stand at each recorded price (default: 10); 1, 10 and 50 are compared in any case",
        )  # fmt: skip
        parser.add_argument(
            "--capital", type=Decimal, default=STARTING_CAPITAL, help="dollars (default: 10000)"
        )
        parser.add_argument("--processes", type=int, help="default: as many as there are processors")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = BacktestOptions(
            first=options["first"],
            last=options["last"],
            cities=tuple(code for code in load_cities() if code in (options["city"] or load_cities())),
            strategy=options["strategy"],
            seed=options["seed"],
            assumed_depth=options["assumed_depth"],
            capital=options["capital"],
        )
        began = clock.monotonic()
        try:
            result = run_backtest(options["data"], asked, clock.now(), processes=options["processes"])
            write_report(result, options["out"], data=options["data"], registry=default_registry())
        except (MilkbotError, ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        for line in (*_rows(result.read_report), *_summary(result)):
            self.stdout.write(line)
        self.stdout.write(f"report in {options['out']}, after {clock.monotonic() - began:.1f} s")


def _rows(report: ReadReport) -> list[str]:
    """What became of every row, file by file, and the first rows of each fault."""
    lines = [
        f"{name}: {file.rows} rows, {file.used} used, {file.outside} outside, {file.refused} refused"
        for name, file in sorted(report.files.items())
    ]
    lines.append(str(report))
    for fault in sorted({note.fault for note in report.notes}):
        lines += [f"  {note}" for note in report.notes if note.fault is fault][:ROWS_NAMED]
    return lines


def _summary(result: BacktestResult) -> list[str]:
    counts, skipped = result.counts, result.counts.skipped_events
    left_out = ", ".join(f"{number} {reason}" for reason, number in skipped.items()) or "none"
    lines = [
        f"{counts.events} events, left out: {left_out}",
        f"{counts.snapshots} snapshots at {counts.instants} instants, {counts.decided} of them decided in full, "
        f"{counts.intents} intents, {len(result.trades)} fills",
    ]
    lines += [
        f"with {each.assumed_depth} contracts at each price: {each.fills} fills, fees {each.fees:.2f}, P&L {each.pnl:.2f}"
        for each in result.depth
    ]
    return lines
