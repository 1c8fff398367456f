"""A sweep's table: one row a variant, each Sharpe ratio deflated by all that were run on the same inputs."""

import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from django.template.loader import render_to_string
from pydantic import BaseModel, ConfigDict

from milkbot.core.scoring.evidence import Interval
from milkbot.core.scoring.sharpe import expected_max_sharpe
from trading.backtest.reporting.cells import (
    Cell,
    Column,
    Table,
    Tone,
    money,
    percent,
    signed,
    span,
    table,
)
from trading.backtest.reporting.comparing import Verdict
from trading.backtest.reporting.money import Sharpe, Trials, deflate
from trading.backtest.reporting.page import style_sheets
from trading.backtest.reporting.plain import as_json
from trading.backtest.reporting.registry import count_trials
from trading.backtest.reporting.report import Report
from trading.backtest.results import MARKET, P_TRADE


class SweepRow(BaseModel):
    """What became of one variant: its figures, or why it has none."""

    model_config = ConfigDict(frozen=True)

    name: str
    settings: dict[str, str]
    error: str = ""
    inputs: str = ""
    """Names the inputs in the registry."""
    flags: tuple[str, ...] = ()
    fills: int = 0
    pnl: Decimal | None = None
    pnl_interval: Interval | None = None
    closing_line: Decimal | None = None
    skill: float | None = None
    """Log loss of p_trade minus the market's."""
    skill_interval: Interval | None = None
    verdict: Verdict | None = None
    sharpe: Sharpe | None = None


def row_of(name: str, settings: dict[str, str], report: Report) -> SweepRow:
    """The figures that variants are compared by."""
    skill = report.overall.comparison(P_TRADE, MARKET)
    assert skill is not None
    return SweepRow(
        name=name,
        settings=settings,
        inputs=report.inputs,
        flags=report.flags,
        fills=report.money.trades,
        pnl=report.money.pnl,
        pnl_interval=report.money.pnl_interval,
        closing_line=report.money.parts.closing_line,
        skill=skill.mean,
        skill_interval=skill.interval,
        verdict=skill.verdict,
        sharpe=report.money.sharpe,
    )


def write_table(rows: Sequence[SweepRow], out: Path, registry: Path) -> None:
    """`sweep.json` and `sweep.html` of a sweep that has ended. Raises OSError when a file cannot be written."""
    trials = {row.inputs: count_trials(registry, row.inputs) for row in rows if row.inputs}
    most = max(trials.values(), key=lambda one: one.count, default=Trials())
    finished = [_deflated(row, trials.get(row.inputs, most)) for row in rows]
    best = expected_max_sharpe(most.count, most.sharpe_variance) if most.count >= 2 else None
    found = {"trials": most, "best_of_worthless": best, "variants": finished}
    page = {
        "styles": style_sheets(),
        "table": sweep_table(finished),
        "count": len(rows),
        "failed": sum(bool(row.error) for row in rows),
        "trials": most.count,
        "best": signed(best, 3),
    }
    for name, text in (("sweep.json", as_json(found)), ("sweep.html", _page(page))):
        draft = out / f"{name}.{os.getpid()}"
        draft.write_text(text, encoding="utf-8")
        draft.replace(out / name)


def sweep_table(rows: Sequence[SweepRow]) -> Table:
    """In the order of the plan: a table sorted by profit invites to take the first row."""
    columns = (
        Column("Variant", is_number=False),
        Column("Settings", is_number=False),
        Column("Fills"),
        Column("p_trade − market"),
        Column("95%", is_wide=True),
        Column("Closing line", is_wide=True),
        Column("P&L"),
        Column("95%", is_wide=True),
        Column("Sharpe, a day", is_wide=True),
        Column("above 0", is_wide=True),
        Column("deflated"),
    )
    return table(columns, (_cells(row) for row in rows))


def _cells(row: SweepRow) -> Sequence[Cell | str]:
    settings = ", ".join(f"{name}={value}" for name, value in row.settings.items())
    if row.error:
        return (row.name, Cell(f"{settings}: {row.error}", Tone.WARN), *([""] * 9))
    sharpe = row.sharpe
    tones = {Verdict.BETTER: Tone.GAIN, Verdict.WORSE: Tone.LOSS}
    tone = Tone.QUIET if row.verdict is None else tones.get(row.verdict, Tone.QUIET)
    return (
        Cell(row.name, Tone.WARN if row.flags else Tone.PLAIN),
        ", ".join((settings, *row.flags)),
        f"{row.fills:,}",
        Cell(signed(row.skill, 3), tone),
        span(row.skill_interval, 3),
        money(row.closing_line),
        money(row.pnl),
        span(row.pnl_interval, 0),
        signed(sharpe.ratio if sharpe else None, 3),
        percent(sharpe.probabilistic if sharpe else None, 1),
        percent(sharpe.deflated if sharpe else None, 1),
    )


def _deflated(row: SweepRow, trials: Trials) -> SweepRow:
    """By the count at the end of the sweep, not by that when this variant happened to be run."""
    return row.model_copy(update={"sharpe": row.sharpe and deflate(row.sharpe, trials)})


def _page(context: dict[str, object]) -> str:
    return render_to_string("backtest/sweep.html", context)
