"""`manage.py export_history`: what this installation recorded itself, as an archive for backtests."""

import argparse
from datetime import date
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from milkbot.core.cities import load_cities
from milkbot.core.config import get_config
from trading.archive.exporting import export_archive
from trading.archive.keeping import archive_folder
from trading.archive.parts import UnusableArchive

DESCRIPTION: Final = """\
Write what this installation recorded, days put aside before pruning included, in the recorded-ladder format: events,
prices with displayed sizes, forecasts as they were had, hourly forecasts, readings, climate reports and official highs.
More in docs/ARCHIVES.md. Exit code 0 written, 1 the disk or the database failed, 2 it cannot be done as asked.
"""


class Command(BaseCommand):
    help = DESCRIPTION

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        day = date.fromisoformat
        parser.add_argument("--out", type=Path, required=True, help="an empty or new folder")
        parser.add_argument("--from", dest="first", type=day, default=date.min, help="first climate day")
        parser.add_argument("--to", dest="last", type=day, default=date.max, help="last climate day")
        parser.add_argument(
            "--city", action="append", choices=sorted(load_cities()), help="may be given several times; default: all"
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        config, first, last = get_config(), options["first"], options["last"]
        if first > last:
            raise CommandError(f"--from {first} lies after --to {last}", returncode=2)
        try:
            report = export_archive(
                options["out"],
                options["city"] or tuple(load_cities()),
                first,
                last,
                kept=archive_folder(config),
                world=config.milkbot_world,
            )
        except UnusableArchive as error:
            raise CommandError(str(error), returncode=2) from error
        except OSError as error:
            raise CommandError(str(error)) from error
        for name, file in sorted(report.files.items()):
            self.stdout.write(f"{name}: {file['rows']} rows")
        for key, why in report.left_out.items():
            self.stdout.write(f"left out: {key.name}: {why}")
        refused = ", ".join(f"{count} {reason}" for reason, count in sorted(report.refused.items()))
        self.stdout.write(f"rows left out: {refused or 'none'}")
        self.stdout.write(f"written: {options['out']}")
