"""Who was better, and whether that can be told: mean losses, paired differences, intervals, and a sentence.

Source: project reference on probability and sizing, section 6.4. Cities of a date are averaged first, intervals come from
blocks of five days, the Diebold-Mariano test uses lags up to two days; see `milkbot.core.scoring.evidence`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from scipy.special import stdtr

from milkbot.core.arrays import Floats
from milkbot.core.scoring.evidence import (
    BLOCK_DAYS,
    Interval,
    block_bootstrap,
    diebold_mariano,
    sample_size,
)
from trading.backtest.reporting.losses import LADDER_METRICS, LossTable, Metric, Rows, daily_means
from trading.backtest.results import CLIMATOLOGY, FLAT, FORECASTERS, MARKET, P_MODEL, P_TRADE, POINT_SPREAD

OURS: Final = (P_MODEL, P_TRADE)
REFERENCES: Final = (MARKET, FLAT, CLIMATOLOGY, POINT_SPREAD)
LEAST_DAYS: Final = 2 * BLOCK_DAYS
"""Fewer hold no two blocks: no interval is given, and no verdict."""
HORIZON: Final = 3
"""Of the Diebold-Mariano test: autocovariances up to lag 2."""
_SAME: Final = 1e-9
"""Days that differ by less are alike: what is left is rounding, and no variance."""

NAMES: Final = {
    MARKET: "market",
    P_MODEL: "p_model",
    P_TRADE: "p_trade",
    FLAT: "flat",
    CLIMATOLOGY: "climatology",
    POINT_SPREAD: "point + spread",
}
UNITS: Final = {Metric.LOG: "nats", Metric.BRIER: "Brier", Metric.RPS: "RPS", Metric.CRPS: "°F"}


class Verdict(StrEnum):
    BETTER = "BETTER"
    WORSE = "WORSE"
    NOT_DISTINGUISHABLE = "NOT_DISTINGUISHABLE"
    TOO_FEW = "TOO_FEW"


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """A forecaster's mean losses over the ladders on which it spoke. None where there are none."""

    forecaster: str
    n: int
    """Ladders scored."""
    events: int
    log: float | None
    brier: float | None
    rps: float | None
    crps_f: float | None
    clipped: int
    """Ladders on which the log score was cut off at its floor."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`subject`'s loss minus `reference`'s on the same ladders at the same instants: below 0 the subject is better."""

    subject: str
    reference: str
    metric: Metric
    n: int
    days: int
    mean: float | None
    """Over dates; None without any."""
    interval: Interval | None
    """95 %, block bootstrap; None below LEAST_DAYS."""
    dm: float | None
    """Diebold-Mariano statistic with the small-sample factor; None where its variance cannot be had."""
    p_value: float | None
    """Two-sided, Student-t."""
    days_needed: int | None
    """To see a difference of this size four times in five; None without a difference."""
    verdict: Verdict

    @property
    def sentence(self) -> str:
        """In words, with the figures it rests on."""
        ours, theirs, unit = NAMES[self.subject], NAMES[self.reference], UNITS[self.metric]
        if self.mean is None:
            return f"{ours} and {theirs} were never scored together."
        size = f"{self.mean:+.3f} {unit}".replace("-", "−")
        if self.interval is None:
            return f"{ours} against {theirs}: {size} on {self.days} days, too few to tell."
        span = f"{self.interval.low:+.3f} to {self.interval.high:+.3f}".replace("-", "−")
        found = {
            Verdict.BETTER: f"{ours} is better than {theirs}",
            Verdict.WORSE: f"{ours} is worse than {theirs}",
        }.get(self.verdict, f"{ours} against {theirs}: not distinguishable from zero")
        return f"{found}: {size} (95% {span}, {self.days} days)."


def score_lines(table: LossTable, rows: Rows) -> tuple[ScoreLine, ...]:
    """Every forecaster, the silent ones too, in fixed order."""
    return tuple(_line(table, name, rows) for name in FORECASTERS)


def compare(
    table: LossTable, subject: str, reference: str, metric: Metric, rows: Rows, seed: int
) -> Comparison:
    """The paired difference on the ladders of `rows` on which both spoke."""
    differences = table.of(subject, metric) - table.of(reference, metric)
    n = int((rows & np.isfinite(differences)).sum())
    _, daily = daily_means(table, differences, rows)
    interval = mean_interval(daily, seed)
    dm, p_value = _tested(daily)
    return Comparison(
        subject=subject,
        reference=reference,
        metric=metric,
        n=n,
        days=daily.size,
        mean=float(daily.mean()) if daily.size else None,
        interval=interval,
        dm=dm,
        p_value=p_value,
        days_needed=_days_needed(daily),
        verdict=_verdict(interval),
    )


def compare_all(
    table: LossTable,
    rows: Rows,
    seed: int,
    *,
    references: Sequence[str] = REFERENCES,
    metrics: Sequence[Metric] = tuple(LADDER_METRICS),
) -> tuple[Comparison, ...]:
    """Both of our opinions against every reference, by every metric."""
    return tuple(
        compare(table, subject, reference, metric, rows, seed)
        for subject in OURS
        for reference in references
        for metric in metrics
    )


def mean_interval(daily: Floats, seed: int, level: float = 0.95) -> Interval | None:
    """Block-bootstrap interval of the mean of one value a day; None for fewer than LEAST_DAYS."""
    return block_bootstrap(daily, seed=seed, level=level) if daily.size >= LEAST_DAYS else None


def _line(table: LossTable, name: str, rows: Rows) -> ScoreLine:
    spoke = rows & np.isfinite(table.of(name, Metric.LOG))

    def mean(metric: Metric) -> float | None:
        values = table.of(name, metric)[spoke]
        known = values[np.isfinite(values)]
        return float(known.mean()) if known.size else None

    return ScoreLine(
        forecaster=name,
        n=int(spoke.sum()),
        events=np.unique(table.events.of_ladder[spoke]).size,
        log=mean(Metric.LOG),
        brier=mean(Metric.BRIER),
        rps=mean(Metric.RPS),
        crps_f=mean(Metric.CRPS),
        clipped=int((table.clipped[name] & rows).sum()),
    )


def _tested(daily: Floats) -> tuple[float | None, float | None]:
    if daily.size < LEAST_DAYS or np.ptp(daily) < _SAME:
        return None, None
    try:
        found = diebold_mariano(daily, HORIZON)
    except ValueError:  # a long-run variance not above zero: the bootstrap alone speaks
        return None, None
    return found.hln, float(2 * stdtr(found.n - 1, -abs(found.hln)))


def _days_needed(daily: Floats) -> int | None:
    if daily.size < 2 or daily.mean() == 0 or np.ptp(daily) < _SAME:
        return None
    return sample_size(abs(float(daily.mean())), float(daily.std(ddof=1)))


def _verdict(interval: Interval | None) -> Verdict:
    if interval is None:
        return Verdict.TOO_FEW
    if not interval.excludes_zero:
        return Verdict.NOT_DISTINGUISHABLE
    return Verdict.BETTER if interval.high < 0 else Verdict.WORSE
