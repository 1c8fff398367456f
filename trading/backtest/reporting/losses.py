"""What every forecaster lost on every scored ladder. Losses in nats (log), squared probability (Brier, RPS) or °F (CRPS)."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from milkbot.core.arrays import Floats
from milkbot.core.scoring.probability import brier_multi, is_clipped, log_score, rps
from trading.backtest.results import FORECASTERS, P_MODEL, ScoredLadder

Rows = npt.NDArray[np.bool_]
"""Which of the scored ladders are meant: one truth value each."""
Places = npt.NDArray[np.int64]


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


class Events(NamedTuple):
    """What a loss table's ladders are of, in the order of their dates, then of their tickers."""

    of_ladder: Places
    """Of each ladder the place of its event."""
    date_of: Places
    """Of each event the place of its date."""
    dates: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class LossTable:
    """Place i of every array belongs to `ladders[i]`; nan where a forecaster said nothing."""

    ladders: tuple[ScoredLadder, ...]
    losses: Mapping[tuple[str, Metric], Floats]
    clipped: Mapping[str, Rows]
    """Where the log score had to raise a probability to its floor."""
    pits: Floats
    """Of each ladder the two ends of the settled high's place in `p_model`'s distribution."""
    events: Events

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
    pits = np.asarray([ladder.pit or (np.nan, np.nan) for ladder in ladders], dtype=np.float64).reshape(-1, 2)
    return LossTable(tuple(ladders), losses, clipped, pits, _events_of(ladders))


def daily_means(table: LossTable, values: Floats, rows: Rows) -> tuple[tuple[date, ...], Floats]:
    """Dates in order, and the mean of `values` on each: hours of an event first, then the cities of a date.

    Cities of one day err together and hours of one event even more so: a date is one observation. nan are left out.
    """
    counted = rows & np.isfinite(values)
    events, date_of, dates = table.events
    of_event = _means(events[counted], values[counted], date_of.size)
    known = np.isfinite(of_event)
    of_date = _means(date_of[known], of_event[known], len(dates))
    found = np.isfinite(of_date)
    return tuple(dates[place] for place in np.flatnonzero(found).tolist()), of_date[found]


def _means(groups: Places, values: Floats, count: int) -> Floats:
    """The mean of the values of each of `count` groups; nan for one without any."""
    sizes = np.bincount(groups, minlength=count)
    sums = np.bincount(groups, weights=values, minlength=count)
    found: Floats = np.divide(sums, sizes, out=np.full(count, np.nan), where=sizes > 0)
    return found


def _events_of(ladders: Sequence[ScoredLadder]) -> Events:
    named = [(ladder.event_date, ladder.event_ticker) for ladder in ladders]
    events = {event: place for place, event in enumerate(sorted(set(named)))}
    dates = {day: place for place, day in enumerate(dict.fromkeys(day for day, _ in events))}
    return Events(
        np.asarray([events[event] for event in named], dtype=np.int64),
        np.asarray([dates[day] for day, _ in events], dtype=np.int64),
        tuple(dates),
    )


def _alike(ladders: Sequence[ScoredLadder]) -> dict[tuple[str, int], list[int]]:
    """Places by forecaster and number of brackets: what can stand in one array."""
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    for place, ladder in enumerate(ladders):
        for name in FORECASTERS:
            if name in ladder.probabilities:
                groups[name, len(ladder.brackets)].append(place)
    return dict(groups)
