"""A backtest's whole report as frozen values: everything the page and the JSON file tell, and nothing else is computed there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from milkbot.core.arrays import Floats
from trading.backtest.recorded_types import ReadReport
from trading.backtest.reporting.attribution import Slice, slices
from trading.backtest.reporting.calibration import (
    Coverage,
    Pit,
    Reliability,
    coverage,
    pit,
    reliabilities,
)
from trading.backtest.reporting.comparing import (
    Comparison,
    ScoreLine,
    compare_all,
    score_lines,
)
from trading.backtest.reporting.losses import LossTable, Metric, Rows, daily_means, loss_table
from trading.backtest.reporting.money import Money, Trials, event_days, measure_money
from trading.backtest.reporting.suspicion import LOOKAHEAD_SUSPECTED, Suspicion, suspicions
from trading.backtest.results import (
    MARKET,
    P_MODEL,
    P_TRADE,
    BacktestOptions,
    BacktestResult,
    Counts,
    DepthOutcome,
    ScoredLadder,
)

_LEADS: Final = ((0.0, "at the peak or later"), (6.0, "up to 6 h"), (12.0, "6 to 12 h"), (24.0, "12 to 24 h"))
_FARTHEST: Final = "more than 24 h"


@dataclass(frozen=True, slots=True)
class Group:
    """Skill on some of the scored ladders."""

    name: str
    scores: tuple[ScoreLine, ...]
    comparisons: tuple[Comparison, ...]
    coverage: Coverage

    def comparison(self, subject: str, reference: str, metric: Metric = Metric.LOG) -> Comparison | None:
        """None when it was not made for this group."""
        wanted = (subject, reference, metric)
        return next((c for c in self.comparisons if (c.subject, c.reference, c.metric) == wanted), None)


@dataclass(frozen=True, slots=True)
class Running:
    """Log loss minus the market's, summed over the dates so far: falling is winning."""

    day: date
    p_model: float | None
    p_trade: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """See the module. Tuples are in the order in which they are shown."""

    options: BacktestOptions
    inputs: str
    """Digest of the files that were replayed: what variants share in the registry."""
    days: tuple[date, ...]
    """Climate days on which anything was scored or traded: first and last, or none."""
    counts: Counts
    overall: Group
    by_hour: tuple[Group, ...]
    by_lead: tuple[Group, ...]
    by_city: tuple[Group, ...]
    running: tuple[Running, ...]
    reliabilities: tuple[Reliability, ...]
    pit: Pit | None
    money: Money
    slices: Mapping[str, tuple[Slice, ...]]
    depth: tuple[DepthOutcome, ...]
    decisions: Mapping[str, int]
    suspicions: tuple[Suspicion, ...]
    read_report: ReadReport

    @property
    def flags(self) -> tuple[str, ...]:
        """Codes that must be cleared up before anything else is read."""
        return (LOOKAHEAD_SUSPECTED,) if any(one.fired for one in self.suspicions) else ()


def make_report(result: BacktestResult, trials: Trials, inputs: str = "") -> Report:
    """All of it, from what a replay found and how many were tried. The same input gives the same report."""
    seed, days = result.options.seed, event_days(result)
    table = loss_table(result.scores)
    money = measure_money(result, trials)
    return Report(
        options=result.options,
        inputs=inputs,
        days=days[:1] + days[1:][-1:],
        counts=result.counts,
        overall=_group("all", table, table.everywhere, seed),
        by_hour=_groups(table, hour_name, seed, order=lambda one: one.local_hour),
        by_lead=_groups(table, lead_name, seed, order=lambda one: -one.lead_hours),
        by_city=_groups(table, lambda one: one.city, seed, order=lambda one: one.city),
        running=_running(table),
        reliabilities=reliabilities(result.scores, seed),
        pit=pit(result.scores, seed),
        money=money,
        slices=slices(result.trades),
        depth=result.depth,
        decisions=dict(sorted(result.decisions.items(), key=lambda code: (-code[1], code[0]))),
        suspicions=suspicions(table, money.sharpe, seed),
        read_report=result.read_report,
    )


def hour_name(ladder: ScoredLadder) -> str:
    """In local standard time."""
    hour = ladder.local_hour
    return f"{hour % 24:02}:00 the day before" if hour < 0 else f"{hour:02}:00"


def lead_name(ladder: ScoredLadder) -> str:
    """Hours to the usual time of the maximum, in classes."""
    return next((name for most, name in _LEADS if ladder.lead_hours <= most), _FARTHEST)


def _groups(
    table: LossTable,
    name_of: Callable[[ScoredLadder], str],
    seed: int,
    *,
    order: Callable[[ScoredLadder], float | str],
) -> tuple[Group, ...]:
    names = dict.fromkeys(name_of(ladder) for ladder in sorted(table.ladders, key=order))
    return tuple(_group(name, table, _rows_named(table, name_of, name), seed) for name in names)


def _rows_named(table: LossTable, name_of: Callable[[ScoredLadder], str], name: str) -> Rows:
    return table.where(lambda ladder: name_of(ladder) == name)


def _group(name: str, table: LossTable, rows: Rows, seed: int) -> Group:
    return Group(
        name=name,
        scores=score_lines(table, rows),
        comparisons=compare_all(table, rows, seed),
        coverage=coverage(table, rows, seed),
    )


def _running(table: LossTable) -> tuple[Running, ...]:
    ours = {name: _summed(table, name) for name in (P_MODEL, P_TRADE)}
    days = sorted({day for found in ours.values() for day in found})
    return tuple(Running(day, ours[P_MODEL].get(day), ours[P_TRADE].get(day)) for day in days)


def _summed(table: LossTable, name: str) -> dict[date, float]:
    differences: Floats = table.of(name, Metric.LOG) - table.of(MARKET, Metric.LOG)
    days, daily = daily_means(table, differences, table.everywhere)
    summed: Sequence[float] = np.cumsum(daily).tolist()
    return dict(zip(days, summed, strict=True))
