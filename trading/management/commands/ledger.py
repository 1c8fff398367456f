"""`manage.py ledger`: the books, exact, for checks against the exchange's."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from milkbot.core.config import get_config
from trading.books_export import count_books, export_books
from trading.management.operator import instant
from trading.repositories.books import LedgerRepository


class Command(BaseCommand):
    help = "Export orders, fills, positions, ledger and settlements of this mode; Decimals as strings."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="the whole document instead of its figures")
        parser.add_argument(
            "--since", type=instant, help="only what happened or changed since this ISO 8601 time"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        mode, since = get_config().trading_mode, options["since"]
        if options["json"]:
            for piece in export_books(mode, since):
                self.stdout.write(piece, ending="")
            return
        counts = ", ".join(f"{count} {name}" for name, count in count_books(mode, since).items())
        self.stdout.write(f"{mode}: {counts}; cash {LedgerRepository(mode).cash():f}")
