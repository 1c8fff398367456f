"""A backtest's whole report as frozen values: everything the page and the JSON file tell, and nothing else is computed there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import numpy as np

from milkbot.core.arrays import Floats
from trading.backtest.forked import made_of_each
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
_ALL: Final = "all"


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


class _Part(NamedTuple):
    """Some of the scored ladders, and what they are called together."""

    name: str
    rows: Rows


class _Asked(NamedTuple):
    """What all parts are judged by."""

    table: LossTable
    seed: int


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


def make_report(result: BacktestResult, trials: Trials, inputs: str = "", *, processes: int = 1) -> Report:
    """All of it, from what a replay found and how many were tried. The same input gives the same report, however many
    processes share the intervals out among them."""
    seed, days = result.options.seed, event_days(result)
    table = loss_table(result.scores)
    money = measure_money(result, trials)
    parts = _parts(table)
    groups = dict(
        zip(parts, made_of_each(_group, _Asked(table, seed), [*parts.values()], processes), strict=True)
    )
    return Report(
        options=result.options,
        inputs=inputs,
        days=days[:1] + days[1:][-1:],
        counts=result.counts,
        overall=groups[_ALL, _ALL],
        by_hour=_of_kind("hour", groups),
        by_lead=_of_kind("lead", groups),
        by_city=_of_kind("city", groups),
        running=_running(table),
        reliabilities=reliabilities(result.scores, seed, processes),
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


def _parts(table: LossTable) -> dict[tuple[str, str], _Part]:
    """What the ladders are looked at by, as kind and name, in the order in which it is shown."""
    found = {(_ALL, _ALL): _Part(_ALL, table.everywhere)}
    for kind, name_of, order in _KINDS:
        for name in dict.fromkeys(name_of(ladder) for ladder in sorted(table.ladders, key=order)):
            found[kind, name] = _Part(name, _rows_named(table, name_of, name))
    return found


def _rows_named(table: LossTable, name_of: Callable[[ScoredLadder], str], name: str) -> Rows:
    return table.where(lambda ladder: name_of(ladder) == name)


def _group(asked: _Asked, part: _Part) -> Group:
    table, seed = asked
    return Group(
        name=part.name,
        scores=score_lines(table, part.rows),
        comparisons=compare_all(table, part.rows, seed),
        coverage=coverage(table, part.rows, seed),
    )


def _of_kind(kind: str, groups: Mapping[tuple[str, str], Group]) -> tuple[Group, ...]:
    return tuple(group for (of, _), group in groups.items() if of == kind)


_KINDS: Final[Sequence[tuple[str, Callable[[ScoredLadder], str], Callable[[ScoredLadder], float | str]]]] = (
    ("hour", hour_name, lambda one: one.local_hour),
    ("lead", lead_name, lambda one: -one.lead_hours),
    ("city", lambda one: one.city, lambda one: one.city),
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
