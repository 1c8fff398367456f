"""`manage.py backtest`: trades a recorded past with the live decision and writes what came of it. No database is asked."""

from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from milkbot.core import clock
from milkbot.core.errors import MilkbotError
from trading.backtest.engine import run_backtest
from trading.backtest.forked import as_many, without_collecting
from trading.backtest.recorded_types import ReadReport
from trading.backtest.reporting.registry import default_registry
from trading.backtest.reporting.write import write_report
from trading.backtest.results import BacktestResult
from trading.management.backtest_arguments import add_backtest_arguments, asked_options

ROWS_NAMED: Final = 3
"""Of each fault; the report names more."""


class Command(BaseCommand):
    help = "Replay recorded days through the live decision; write report.html, report.json, manifest.json and tables."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_backtest_arguments(parser)
        parser.add_argument("--processes", type=int, help="default: as many as there are processors")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = asked_options(options)
        processes = as_many(options["processes"])
        began = clock.monotonic()
        try:
            # From one to the other: what the first has made would be walked before the second begins.
            with without_collecting():
                result = run_backtest(options["data"], asked, clock.now(), processes=processes)
                write_report(
                    result,
                    options["out"],
                    data=options["data"],
                    registry=default_registry(),
                    processes=processes,
                )
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
