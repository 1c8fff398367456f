"""`report.html`: one file, without scripts, that needs nothing from anywhere."""

from dataclasses import dataclass
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from milkbot.core.config import PROJECT_ROOT
from milkbot.core.money import signed_dollars
from trading.backtest.reporting import page_money, page_skill
from trading.backtest.reporting.cells import Tone, number, signed, span, tone_of
from trading.backtest.reporting.comparing import Verdict
from trading.backtest.reporting.drawing import NARROW, WIDE
from trading.backtest.reporting.figures import (
    Drawn,
    attribution_plot,
    equity_plot,
    hours_plot,
    pit_plot,
    reliability_plot,
    running_plot,
    skill_plot,
)
from trading.backtest.reporting.manifest import Manifest
from trading.backtest.reporting.report import Report
from trading.backtest.results import MARKET, P_MODEL, BacktestResult

STYLES: Final = ("tokens.css", "publicsite/site.css", "backtest/report.css")
"""The public site's own, so that the report looks like it."""
NOTES_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the five figures on top."""

    term: str
    value: str
    under: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Plot:
    """`svg` is markup of our own making."""

    svg: SafeString
    sentence: str


def render_page(report: Report, result: BacktestResult, manifest: Manifest) -> str:
    """The whole file. The same input gives the same bytes."""
    return render_to_string("backtest/report.html", _context(report, result, manifest))


def _context(report: Report, result: BacktestResult, manifest: Manifest) -> dict[str, Any]:
    read = report.read_report
    capital = float(report.options.capital)
    return {
        "styles": style_sheets(),
        "options": report.options,
        "report": report,
        "code": (manifest.code.git or "no checkout")[:10],
        "figures": _figures(report),
        "verdict": _verdict(report),
        "equity_wide": _plot(equity_plot("equity-wide", result.equity, capital, WIDE)),
        "equity_narrow": _plot(equity_plot("equity-narrow", result.equity, capital, NARROW)),
        "attribution": _plot(attribution_plot(report.money.parts)),
        "costs": page_money.costs_sentence(report.money),
        "skill": _plot(skill_plot(report.by_hour)),
        "hours": _plot(hours_plot(report.by_hour)),
        "running": _plot(running_plot(report.running)),
        "reliability": _plot(reliability_plot(report.reliabilities)),
        "pit": _plot(pit_plot(report.pit)),
        "scores": page_skill.score_table(report.overall),
        "comparisons": page_skill.comparison_table(report.overall),
        "groups": page_skill.groups_table(report),
        "calibration": page_skill.calibration_table(report.reliabilities),
        "coverage": page_skill.coverage_table(report),
        "suspicions": page_skill.suspicion_table(report.suspicions),
        "slices": page_money.slice_table(report.slices),
        "sharpe": page_money.sharpe_table(report.money),
        "depth": page_money.depth_table(report.depth),
        "depth_notes": page_money.depth_notes(report.depth, report.options.policy),
        "decisions": page_money.decision_table(report.decisions),
        "counts": page_money.count_table(report.counts),
        "files": page_money.read_table(read),
        "faults": page_money.fault_table(read),
        "refused": sum(read.refused.values()),
        "flagged": sum(read.flagged.values()),
        "notes": [str(note) for note in read.notes[:NOTES_SHOWN]],
        "notes_left": max(0, len(read.notes) - NOTES_SHOWN),
        "manifest": page_money.manifest_table(manifest),
    }


def style_sheets() -> list[SafeString]:
    """What goes into a page."""
    return [_trusted((PROJECT_ROOT / "static" / name).read_text("utf-8")) for name in STYLES]


def _figures(report: Report) -> tuple[Figure, ...]:
    money = report.money
    drawdown, line = money.drawdown, money.parts.closing_line
    skill = report.overall.comparison(P_MODEL, MARKET)
    assert skill is not None
    return (
        Figure(
            "P&L after fees",
            signed_dollars(money.pnl),
            f"95% {span(money.pnl_interval, 0)}",
            tone_of(money.pnl),
        ),
        Figure(
            "Against the market's last price",
            signed_dollars(line),
            f"before fees, 95% {span(money.closing_line_interval, 0)}",
            tone_of(line),
        ),
        Figure(
            "Deepest drawdown",
            signed_dollars(-drawdown.dollars) if drawdown.dollars else "none",
            f"{drawdown.share:.2%} of equity",
            Tone.LOSS if drawdown.dollars else Tone.PLAIN,
        ),
        Figure(
            "Fills",
            f"{money.trades + money.open_trades:,}",
            f"${money.staked:,.0f} staked on {money.days} days",
        ),
        Figure(
            "p_model's skill against the market",
            _VERDICTS[skill.verdict],
            f"log loss {signed(skill.mean, 3)}, n = {skill.n:,} on {skill.days} days",
        ),
    )


_VERDICTS: Final = {
    Verdict.BETTER: "Better",
    Verdict.WORSE: "Worse",
    Verdict.NOT_DISTINGUISHABLE: "Not distinguishable from zero",
    Verdict.TOO_FEW: "Too few days to tell",
}


def _verdict(report: Report) -> list[str]:
    """What a reader must not miss, in sentences."""
    overall = report.overall
    told = [
        found.sentence
        for found in (overall.comparison(P_MODEL, MARKET), overall.comparison("p_trade", MARKET))
        if found
    ]
    needed = overall.comparison(P_MODEL, MARKET)
    if needed and needed.days_needed and needed.verdict is Verdict.NOT_DISTINGUISHABLE:
        told.append(
            f"To see a difference of that size four times in five takes about {number(needed.days_needed, 0)} days; "
            f"these are {needed.days}."
        )
    return told


def _plot(drawn: Drawn | None) -> Plot | None:
    return drawn and Plot(_trusted(drawn.svg), drawn.sentence)


def _trusted(markup: str) -> SafeString:
    """Style sheets of ours, and drawings whose texts were escaped when drawn."""
    return mark_safe(markup)  # noqa: S308
