"""`manage.py status`: what the bot does, from any shell."""

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error

from analytics.status import Equity, LastCycle, Status, collect_status
from milkbot.core import clock
from milkbot.core.config import get_config
from milkbot.core.money import signed_dollars

HEALTHY, DEGRADED, UNREADABLE = 0, 1, 2


class Command(BaseCommand):
    help = "Show mode, trading state, last cycle, orders, equity and health; exit 0 healthy, 1 degraded, 2 unreadable."
    # Asking for the state must also work where system checks would refuse to start.
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object with stable keys")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            status = collect_status(get_config().trading_mode, now=clock.now(), wall_now=clock.wall_now())
        except Error as error:
            first_line = str(error).strip().split("\n")[0]
            self.stderr.write(f"The database cannot be read ({first_line}); start the bot with `make run`.")
            sys.exit(UNREADABLE)
        text = status.model_dump_json(indent=2) if options["json"] else "\n".join(_lines(status))
        self.stdout.write(text)
        sys.exit(HEALTHY if status.healthy else DEGRADED)


def _lines(status: Status) -> Iterator[str]:
    world = f", {status.world}" if status.world else ""
    yield _line("mode", f"{status.mode}  (profile {status.profile or 'n/a'}{world})")
    yield _line("time", f"{status.now:%Y-%m-%d %H:%M:%S} UTC")
    yield _line("trading", status.trading_state.value)
    yield from _cycle_lines(status.last_cycle)
    yield _line("signals", f"{status.signals:,}")
    counted = "  ".join(f"{state} {count}" for state, count in status.orders.items() if count)
    yield _line("orders", counted or "none")
    yield _line("fills", f"{status.fills:,}")
    yield _line("open positions", f"{status.open_positions:,}")
    yield _line("equity", _equity_words(status.equity))
    for component, state in status.health.items():
        verdict = "degraded" if state.degraded else "ok"
        age = "never" if state.age_s is None else f"{state.age_s:.0f} s ago"
        yield _line(component.value, f"{verdict:<9} {age:<12} {state.message}".rstrip())
    yield _line("verdict", "healthy" if status.healthy else "degraded")


def _cycle_lines(cycle: LastCycle | None) -> Iterator[str]:
    if cycle is None:
        yield _line("last cycle", "none yet")
        return
    outcome = "ok" if cycle.ok else "failed"
    yield _line("last cycle", f"{outcome}, {cycle.age_s:.0f} s ago, took {cycle.duration_ms} ms")
    yield _line(
        "",
        f"{cycle.cities} cities, {cycle.markets} markets, {cycle.signals} signals, "
        f"{cycle.intents} intents, {cycle.fills} fills",
    )
    if cycle.codes:
        yield _line("", "  ".join(f"{code} {count}" for code, count in sorted(cycle.codes.items())))
    for error in cycle.errors:
        yield _line("error", str(error))


def _equity_words(equity: Equity | None) -> str:
    if equity is None:
        return "n/a"
    realized, unrealized = signed_dollars(equity.realized), signed_dollars(equity.unrealized)
    return f"${equity.total:,.2f}  (cash ${equity.cash:,.2f}, realized {realized}, unrealized {unrealized})"


def _line(label: str, text: str) -> str:
    return f"{label:<15} {text}"
