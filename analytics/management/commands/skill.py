"""`manage.py skill`: our score beside the market's at the same instants."""

import argparse
import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from analytics.skill.comparing import Line
from analytics.skill.report import SHOWN_FOR, Report, read_report
from milkbot.core import clock
from milkbot.core.config import TradingMode, get_config
from trading.backtest.results import P_MODEL


class Command(BaseCommand):
    help = "Show our log loss beside the market's at the same instants, by hour, lead and city, with 95 % intervals."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--forecaster", default=P_MODEL, help=f"p_model, p_trade, flat or a strategy (default: {P_MODEL})"
        )
        parser.add_argument("--days", type=int, default=SHOWN_FOR.days, help="climate days back from now")
        parser.add_argument("--mode", type=TradingMode, choices=list(TradingMode), help="default: this one's")
        parser.add_argument("--json", action="store_true", help="one JSON object with stable keys")

    def handle(self, *args: Any, **options: Any) -> None:
        mode = options["mode"] or get_config().trading_mode
        report = read_report(mode, options["forecaster"], clock.now(), span=timedelta(days=options["days"]))
        text = json.dumps(report.as_json(), indent=2) if options["json"] else "\n".join(_lines(report))
        self.stdout.write(text)


def _lines(report: Report) -> Iterator[str]:
    yield f"{report.mode}, events since {report.since}: log loss in nats per event, smaller is better."
    yield "Difference: ours minus the market's at the same instants, 95 % interval from blocks of days."
    yield from _table("forecaster", report.forecasters)
    yield from _table(f"{report.forecaster} by local standard hour", report.by_hour)
    yield from _table(f"{report.forecaster} by lead", report.by_lead)
    yield from _table(f"{report.forecaster} by city", report.by_city)
    skipped = ", ".join(f"{count} {reason}" for reason, count in report.skipped.items())
    yield ""
    yield f"Event hours of {report.forecaster} that could not be scored: {skipped or 'none'}."


def _table(title: str, lines: Sequence[Line]) -> Iterator[str]:
    if not lines:
        return
    yield ""
    yield f"{title:<34} {'n':>6} {'events':>6} {'days':>4} {'ours':>6} {'market':>6} {'diff':>7}  95 % interval"
    for line in lines:
        yield _row(line)


def _row(line: Line) -> str:
    ours, market, difference = (_figure(value) for value in (line.ours, line.market, line.difference))
    span = f"{line.interval.low:+.3f} to {line.interval.high:+.3f}" if line.interval else "n/a"
    counts = f"{line.scores:>6} {line.events:>6} {line.days:>4}"
    signed = difference if line.difference is None or line.difference < 0 else f"+{difference}"
    return f"{line.label:<34} {counts} {ours:>6} {market:>6} {signed:>7}  {span:<16}  {line.sentence}"


def _figure(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
