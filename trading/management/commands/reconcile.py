"""`manage.py reconcile`: our books against the exchange's, now. Exit code 1 when they cannot be trusted."""

import json
from datetime import datetime
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from milkbot.core import clock
from milkbot.core.config import get_config
from trading.management.operator import connect_desk, instant
from trading.oms.reconcile import ReconcileReport, reconcile

_HEADS: Final = ("what", "where", "ours", "theirs")


class Command(BaseCommand):
    help = "Read the account at the exchange, book what is missing, and show what still differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="work everything out and keep nothing")
        parser.add_argument("--json", action="store_true", help="the report for programs")
        parser.add_argument(
            "--since",
            type=instant,
            help="read from this ISO 8601 time on, if it is earlier than the last complete run, from which a run reads anyway",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        config = get_config()
        desk = connect_desk(config)
        report = reconcile(
            config.trading_mode,
            desk.account,
            clock.now(),
            since=options["since"],
            dry_run=options["dry_run"],
            cities=config.cities,
        )
        self.stdout.write(_as_json(report) if options["json"] else _in_words(report, options["dry_run"]))
        if not report.is_trusted:
            raise CommandError("The books cannot be trusted; nothing new is traded on them.")


def _as_json(report: ReconcileReport) -> str:
    told = {"trusted": report.is_trusted, "external_orders": report.external_orders, **report.as_row()}
    return json.dumps(told, default=datetime.isoformat, indent=2)


def _in_words(report: ReconcileReport, dry_run: bool) -> str:
    until = f"{report.complete_until:%Y-%m-%d %H:%M:%S}Z" if report.complete_until else "not complete"
    lines = [
        f"{'Would have' if dry_run else 'Has'} booked {report.fills_booked} fills "
        f"({report.external_fills} not of our orders) and moved {report.orders_moved} orders; "
        f"read {report.orders_read} orders and {report.fills_read} fills, complete until: {until}",
        *(
            [f"orders placed by hand that may still fill: {report.external_orders}"]
            * bool(report.external_orders)
        ),
        *(f"not read: {fault}" for fault in report.faults),
        *(f"not booked: {fill}" for fill in report.unplaced),
        *(f"not counted: {order}" for order in report.uncounted),
        *_drift_table(report),
    ]
    return "\n".join(lines)


def _drift_table(report: ReconcileReport) -> list[str]:
    """One line per difference, figures right, words left."""
    if not report.drift:
        return ["No drift." if report.is_trusted else "No drift among what could be read."]
    rows = [_HEADS, *((each.what, each.where, f"{each.ours:f}", f"{each.theirs:f}") for each in report.drift)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    return [
        "  ".join(
            text.ljust(width) if column < 2 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
