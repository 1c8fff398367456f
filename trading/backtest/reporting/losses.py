"""What every forecaster lost on every scored ladder. Losses in nats (log), squared probability (Brier, RPS) or °F (CRPS)."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from milkbot.core.arrays import Floats
from milkbot.core.scoring.probability import brier_multi, is_clipped, log_score, rps
from trading.backtest.results import FORECASTERS, P_MODEL, ScoredLadder

Rows = npt.NDArray[np.bool_]
"""Which of the scored ladders are meant: one truth value each."""


class Metric(StrEnum):
    LOG = "log"
    BRIER = "brier"
    RPS = "rps"
    CRPS = "crps"


LADDER_METRICS: Final[Mapping[Metric, Callable[[Floats, npt.NDArray[np.int_]], Floats]]] = {
    Metric.LOG: log_score,
    Metric.BRIER: brier_multi,
    Metric.RPS: rps,
}
"""Those that the probabilities of a ladder alone decide; CRPS needs the distribution in degrees behind them."""


@dataclass(frozen=True, slots=True)
class LossTable:
    """Place i of every array belongs to `ladders[i]`; nan where a forecaster said nothing."""

    ladders: tuple[ScoredLadder, ...]
    losses: Mapping[tuple[str, Metric], Floats]
    clipped: Mapping[str, Rows]
    """Where the log score had to raise a probability to its floor."""

    @property
    def everywhere(self) -> Rows:
        """All rows."""
        return np.ones(len(self.ladders), dtype=np.bool_)

    def where(self, holds: Callable[[ScoredLadder], bool]) -> Rows:
        """The rows whose ladder is such."""
        return np.fromiter(
            (holds(ladder) for ladder in self.ladders), dtype=np.bool_, count=len(self.ladders)
        )

    def of(self, forecaster: str, metric: Metric) -> Floats:
        """One forecaster's losses in the order of `ladders`; all nan when this cannot be scored."""
        silent = np.full(len(self.ladders), np.nan)
        return self.losses.get((forecaster, metric), silent)


def loss_table(ladders: Sequence[ScoredLadder]) -> LossTable:
    """Score everyone on everything. Raises ValueError for probabilities that are none."""
    losses = {
        (name, metric): np.full(len(ladders), np.nan) for name in FORECASTERS for metric in LADDER_METRICS
    }
    clipped = {name: np.zeros(len(ladders), dtype=np.bool_) for name in FORECASTERS}
    for (name, _), places in _alike(ladders).items():
        said = np.asarray([ladders[place].probabilities[name] for place in places])
        happened = np.asarray([ladders[place].outcome for place in places])
        for metric, score in LADDER_METRICS.items():
            losses[name, metric][places] = score(said, happened)
        clipped[name][places] = is_clipped(said, happened)
    crps = [np.nan if ladder.crps_f is None else ladder.crps_f for ladder in ladders]
    losses[P_MODEL, Metric.CRPS] = np.asarray(crps, dtype=np.float64)
    return LossTable(tuple(ladders), losses, clipped)


def daily_means(table: LossTable, values: Floats, rows: Rows) -> tuple[tuple[date, ...], Floats]:
    """Dates in order, and the mean of `values` on each: hours of an event first, then the cities of a date.

    Cities of one day err together and hours of one event even more so: a date is one observation. nan are left out.
    """
    by_event: dict[tuple[date, str], list[float]] = defaultdict(list)
    for place in np.flatnonzero(rows & np.isfinite(values)).tolist():
        ladder = table.ladders[place]
        by_event[ladder.event_date, ladder.event_ticker].append(float(values[place]))
    by_date: dict[date, list[float]] = defaultdict(list)
    for (day, _), found in sorted(by_event.items()):
        by_date[day].append(sum(found) / len(found))
    return tuple(by_date), np.asarray([sum(found) / len(found) for found in by_date.values()])


def _alike(ladders: Sequence[ScoredLadder]) -> dict[tuple[str, int], list[int]]:
    """Places by forecaster and number of brackets: what can stand in one array."""
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    for place, ladder in enumerate(ladders):
        for name in FORECASTERS:
            if name in ladder.probabilities:
                groups[name, len(ladder.brackets)].append(place)
    return dict(groups)
