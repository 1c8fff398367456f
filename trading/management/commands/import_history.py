"""`manage.py import_history`: an own archive for backtests, from public histories. No database is asked."""

import argparse
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser

from markets.clients.kalshi.transport import Transport
from milkbot.core import clock
from milkbot.core.cities import load_cities
from milkbot.core.config import KALSHI_LIVE_URL, LOOPBACK_HOSTS, get_config
from milkbot.core.errors import ConfigError
from trading.archive.exchange_parts import TRADES, ExchangeParts, polite_budget
from trading.archive.importing import KINDS, WEATHER_KINDS, Fetcher, ImportReport, Wanted, import_archive
from trading.archive.parts import UnusableArchive
from trading.archive.patience import Patience
from trading.archive.weather_parts import WeatherParts
from weather.clients.iem.client import IemClient
from weather.clients.iem.transport import IEM_URL, IemTransport

USUAL_KINDS: Final = tuple(kind for kind in KINDS if kind != TRADES)
CALLS_PER_S: Final = 5
NAMED: Final = 20

DESCRIPTION: Final = """\
Build an archive in the recorded-ladder format from public histories: events, prices by the minute and, if asked for,
trades from Kalshi; forecasts as they were issued, station readings, climate reports and official highs from the Iowa
Environmental Mesonet. Stopped at any moment, it goes on where it was; what is complete is not fetched again.
Sources, their terms and what an archive cannot tell: docs/ARCHIVES.md.
Exit code 0 complete, 1 some parts are missing (they are named), 2 it cannot be done as asked.
"""


class Command(BaseCommand):
    help = DESCRIPTION
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        day, codes = date.fromisoformat, sorted(load_cities())
        parser.add_argument(
            "--out", type=Path, required=True, help="a new folder, or that of an earlier import"
        )
        parser.add_argument("--from", dest="first", type=day, required=True, help="first climate day")
        parser.add_argument("--to", dest="last", type=day, required=True, help="last climate day")
        parser.add_argument(
            "--city", action="append", choices=codes, help="may be given several times; default: all"
        )
        parser.add_argument(
            "--only", action="append", choices=KINDS,
            help=f"what to fetch, may be given several times; default: all but {TRADES}",
        )  # fmt: skip
        parser.add_argument(
            "--calls-per-second", type=int, default=CALLS_PER_S, choices=range(1, 11), metavar="1-10",
            help="reads a second at the exchange; default 5",
        )  # fmt: skip
        parser.add_argument(
            "--iem-url", default=IEM_URL, help="of the weather archive; default: the public one"
        )
        parser.add_argument(
            "--retry-empty", action="store_true", help="ask again for what the sources had nothing of"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now, config = clock.now(), get_config()
        wanted = _wanted(options, now.date())
        patience = Patience(on_wait=lambda wait_s, why: self._say(f"waiting {wait_s:.0f} s: {why}"))
        url = config.kalshi_base_url or KALSHI_LIVE_URL
        sources = {"exchange": _host(url), "weather": _host(options["iem_url"])}
        _check_one_world(sources, wanted)
        try:
            exchange = Transport(url, budget=polite_budget(options["calls_per_second"]), attempts=1)
            weather = IemTransport(options["iem_url"], config.nws_contact)
            fetcher = Fetcher(
                ExchangeParts(exchange, patience, now), WeatherParts(IemClient(weather), patience, now)
            )
            report = import_archive(options["out"], wanted, fetcher, sources, self._say)
        except (UnusableArchive, ConfigError) as error:
            raise CommandError(str(error), returncode=2) from error
        except OSError as error:
            raise CommandError(f"{error}; run it again to go on") from error
        except KeyboardInterrupt:
            raise CommandError("stopped; run it again to go on") from None
        self._summarise(report, options["out"])

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _summarise(self, report: ImportReport, out: Path) -> None:
        for name, file in sorted(report.files.items()):
            self._say(f"{name}: {file['rows']} rows")
        refused = ", ".join(f"{count} {reason}" for reason, count in sorted(report.refused.items()))
        self._say(f"answers refused: {refused or 'none'}")
        for title, keys in (("nothing to be had", report.empty), ("not over yet", report.unfinished)):
            for key in keys[:NAMED]:
                self._say(f"{title}: {key.name}")
            if len(keys) > NAMED:
                self._say(f"{title}: and {len(keys) - NAMED} more")
        for key, why in report.missing.items():
            self._say(f"missing: {key.name}: {why}")
        if not report.is_complete:
            count = len(report.missing) + len(report.unfinished)
            raise CommandError(
                f"{count} parts are missing or not over yet; run it again to go on", returncode=1
            )
        self._say(f"complete: {out}")


def _wanted(options: dict[str, Any], today: date) -> Wanted:
    first, last = options["first"], options["last"]
    if first > last:
        raise CommandError(f"--from {first} lies after --to {last}", returncode=2)
    if last > today + timedelta(days=1):
        raise CommandError(f"--to {last} has not come yet", returncode=2)
    return Wanted(
        first=first,
        last=last,
        cities=options["city"] or tuple(load_cities()),
        kinds=options["only"] or USUAL_KINDS,
        ask_empty_again=options["retry_empty"],
    )


def _check_one_world(sources: Mapping[str, str], wanted: Wanted) -> None:
    """A sandbox's prices beside the weather that really was would be an archive of nothing."""
    is_sandbox = {name: host in LOOPBACK_HOSTS for name, host in sources.items()}
    has_weather = any(kind in WEATHER_KINDS for kind in wanted.kinds)
    if has_weather and is_sandbox["exchange"] and not is_sandbox["weather"]:
        raise CommandError(
            "this profile's exchange is a sandbox, whose weather the IEM does not know: name --only ladders",
            returncode=2,
        )


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
