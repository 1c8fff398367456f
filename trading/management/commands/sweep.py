"""`manage.py sweep`: many variants of one backtest, as a group of tasks on the queue `batch`."""

import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from celery import group
from django.core.management.base import BaseCommand, CommandError, CommandParser

from milkbot.celery import app
from milkbot.core import clock
from milkbot.core.errors import MilkbotError
from trading.backtest.reporting.registry import default_registry
from trading.backtest.reporting.sweep_rows import SweepRow
from trading.backtest.sweep import MOST_VARIANTS, Plan, begin, ended, plan_variants, run_variant
from trading.management.backtest_arguments import add_backtest_arguments, asked_options

TASK: Final = "trading.tasks.run_variant"
QUEUE: Final = "batch"
LOOK_AGAIN_S: Final = 1.0


class Command(BaseCommand):
    help = (
        "Backtest every combination of the values of --vary, each as a task on the queue 'batch', and set them side by "
        "side. A worker takes them: celery -A milkbot.celery worker --queues batch."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_backtest_arguments(parser)
        parser.add_argument(
            "--vary",
            action="append",
            required=True,
            metavar="NAME=VALUE,VALUE",
            help="strategy, assumed_depth, policy.FIELD or limits.FIELD; may be given several times, at most "
            f"{MOST_VARIANTS} combinations",
        )
        parser.add_argument(
            "--here",
            action="store_true",
            help="run them in this process, one after another, without a broker",
        )
        parser.add_argument(
            "--wait",
            type=float,
            default=3600.0,
            metavar="SECONDS",
            help="for the tasks to end (default: 3600)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        given = Namespace(**options)
        out: Path = given.out.absolute()
        try:
            variants = plan_variants(asked_options(options), given.vary)
            plan = Plan(data=given.data.absolute(), registry=default_registry().absolute(), variants=variants)
            begin(plan, out)
            if given.here:
                for variant in variants:
                    run_variant(out, variant.name, clock.now())
            else:
                send(plan, out)
            rows = wait_for(plan, out, given.wait)
        except (MilkbotError, ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        for line in summary(rows):
            self.stdout.write(line)
        if missing := len(variants) - len(rows):
            raise CommandError(
                f"{missing} of {len(variants)} variants have not ended; their rows come to {out}"
            )
        self.stdout.write(f"table in {out / 'sweep.html'}")


def send(plan: Plan, out: Path) -> None:
    """All variants at once; their results come back as files, not through the broker."""
    tasks = (app.signature(TASK, args=(str(out), variant.name), queue=QUEUE) for variant in plan.variants)
    group(tasks, app=app).apply_async()


def wait_for(plan: Plan, out: Path, seconds: float) -> tuple[SweepRow, ...]:
    """The rows there are when all have ended, or when so many seconds are over."""
    until = clock.monotonic() + seconds
    while len(rows := ended(plan, out)) < len(plan.variants) and clock.monotonic() < until:
        time.sleep(min(LOOK_AGAIN_S, max(0.0, until - clock.monotonic())))
    return rows


def summary(rows: Sequence[SweepRow]) -> list[str]:
    """A line a variant."""
    return [f"{row.name} {_settings(row)}: {row.error or _figures(row)}" for row in rows]


def _settings(row: SweepRow) -> str:
    return " ".join(f"{name}={value}" for name, value in row.settings.items())


def _figures(row: SweepRow) -> str:
    skill = "unscored" if row.skill is None else f"{row.skill:+.3f} nats to the market"
    return f"{row.fills} fills, P&L {row.pnl:.2f}, {skill} ({row.verdict})"
