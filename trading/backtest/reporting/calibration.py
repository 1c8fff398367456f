"""Do the probabilities mean what they say? Reliability, error of calibration beside its null, PIT, coverage.

Source: project reference on probability and sizing, section 6.3; consistency bars: Bröcker & Smith 2007, Weather and
Forecasting 22:651. Hours of one event share their draw, so that bars are rather too wide than too narrow.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from milkbot.core.arrays import Floats
from milkbot.core.scoring.calibration import BrierParts, ForecastGroup, brier_decomposition, randomised_pit
from milkbot.core.scoring.evidence import Interval
from trading.backtest.forked import made_of_each
from trading.backtest.reporting.comparing import mean_interval
from trading.backtest.reporting.losses import LossTable, daily_means
from trading.backtest.results import FORECASTERS, ScoredLadder

LEAST_IN_BIN: Final = 20
MOST_BINS: Final = 10
DRAWS: Final = 500
CONSISTENCY: Final = 0.9
PIT_BINS: Final = 10
CENTRE: Final = 0.8
"""Of the interval whose coverage is checked."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Contracts whose forecasts are neighbours. A calibrated forecaster's rate lies in low..high nine times in ten."""

    n: int
    said: float
    happened: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Of one forecaster. `ece` means nothing without its null: it is above 0 for a perfect forecaster, too."""

    forecaster: str
    contracts: int
    events: int
    bins: tuple[Bin, ...]
    """Of equal count; none for fewer contracts than one bin needs."""
    ece: float | None
    """Mean distance of rate and forecast over the bins."""
    ece_null_mean: float | None
    ece_null_p95: float | None
    """What forecasters show whose probabilities are true, on as many ladders: their mean, and 19 in 20 stay below."""
    parts: BrierParts | None
    """Of the contracts' Brier score, forecasts rounded to whole cents."""
    sharpness: tuple[int, ...]
    """Contracts by forecast, in tenths."""


@dataclass(frozen=True, slots=True)
class Pit:
    """Places of the settled highs in `p_model`'s distributions, tenths of 0..1, ties broken by seeded draws."""

    n: int
    events: int
    seed: int
    counts: tuple[int, ...]
    expected: float
    low: float
    high: float
    """19 bins in 20 of a calibrated forecaster lie within, were the hours of an event one observation."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often the settled high lay in the central 80 % interval. Without `interval` there are too few days."""

    n: int
    days: int
    rate: float | None
    interval: Interval | None


def reliabilities(ladders: Sequence[ScoredLadder], seed: int, processes: int = 1) -> tuple[Reliability, ...]:
    """Every forecaster that spoke, in fixed order; they are shared out among `processes`."""
    spoken = [name for name in FORECASTERS if any(name in one.probabilities for one in ladders)]
    return tuple(made_of_each(_reliability, (ladders, seed), spoken, processes))


def _reliability(asked: tuple[Sequence[ScoredLadder], int], forecaster: str) -> Reliability:
    ladders, seed = asked
    return reliability(forecaster, [one for one in ladders if forecaster in one.probabilities], seed)


def reliability(forecaster: str, ladders: Sequence[ScoredLadder], seed: int) -> Reliability:
    """On `ladders`, on all of which it spoke."""
    said = np.concatenate([np.asarray(one.probabilities[forecaster]) for one in ladders])
    starts = np.concatenate([[0], np.cumsum([len(one.brackets) for one in ladders])])[:-1]
    hit = np.zeros(said.size)
    hit[starts + np.asarray([one.outcome for one in ladders])] = 1
    edges = _equal_counts(said.size)
    order = np.argsort(said, kind="stable")
    ece = null = None
    bins: tuple[Bin, ...] = ()
    if edges:
        rates, mean_said = _by_bin(hit[order], edges), _by_bin(said[order], edges)
        drawn = _drawn_rates(forecaster, ladders, order, edges, seed)
        weights = np.diff(edges) / said.size
        ece = float(weights @ np.abs(rates - mean_said))
        null = np.abs(drawn - mean_said) @ weights
        low, high = np.quantile(drawn, [(1 - CONSISTENCY) / 2, (1 + CONSISTENCY) / 2], axis=0)
        columns = (np.diff(edges), mean_said, rates, low, high)
        bins = tuple(Bin(int(row[0]), *row[1:]) for row in zip(*(c.tolist() for c in columns), strict=True))
    return Reliability(
        forecaster=forecaster,
        contracts=said.size,
        events=len({one.event_ticker for one in ladders}),
        bins=bins,
        ece=ece,
        ece_null_mean=None if null is None else float(null.mean()),
        ece_null_p95=None if null is None else float(np.quantile(null, 0.95)),
        parts=_parts(said, hit),
        sharpness=tuple(np.histogram(said, bins=10, range=(0, 1))[0].tolist()),
    )


def pit(ladders: Sequence[ScoredLadder], seed: int) -> Pit | None:
    """None when no ladder tells its place."""
    known = [(one.event_ticker, one.pit) for one in ladders if one.pit is not None]
    if not known:
        return None
    places = randomised_pit([place for _, place in known], seed)
    n, events = len(known), len({ticker for ticker, _ in known})
    expected = n / PIT_BINS
    reach = 1.96 * sqrt(events * (1 - 1 / PIT_BINS) / PIT_BINS) * n / events
    return Pit(
        n=n,
        events=events,
        seed=seed,
        counts=tuple(np.histogram(places, bins=PIT_BINS, range=(0, 1))[0].tolist()),
        expected=expected,
        low=max(0.0, expected - reach),
        high=expected + reach,
    )


def coverage(table: LossTable, rows: npt.NDArray[np.bool_], seed: int) -> Coverage:
    """Of `p_model`'s central interval; a high on whose degree the interval ends counts by the part inside."""
    inside = _share_inside(*table.pits.T)
    _, daily = daily_means(table, inside, rows)
    return Coverage(
        n=int((rows & np.isfinite(inside)).sum()),
        days=daily.size,
        rate=float(daily.mean()) if daily.size else None,
        interval=mean_interval(daily, seed),
    )


def _share_inside(low: Floats, high: Floats) -> Floats:
    """nan where either end is."""
    first, last = (1 - CENTRE) / 2, 1 - (1 - CENTRE) / 2
    width = high - low
    within = np.maximum(0.0, np.minimum(high, last) - np.maximum(low, first))
    share: Floats = np.where(np.isnan(width), np.nan, (first <= low) & (low <= last))
    np.divide(within, width, out=share, where=width > 0)
    return share


def _equal_counts(n: int) -> list[int]:
    """Places at which bins begin and end; empty below LEAST_IN_BIN."""
    bins = min(MOST_BINS, n // LEAST_IN_BIN)
    return [round(n * step / bins) for step in range(bins + 1)] if bins else []


def _by_bin(values: Floats, edges: Sequence[int]) -> Floats:
    """Means of `values` between the edges."""
    return np.asarray([values[low:high].mean() for low, high in pairwise(edges)])


def _drawn_rates(
    forecaster: str,
    ladders: Sequence[ScoredLadder],
    order: npt.NDArray[np.int_],
    edges: Sequence[int],
    seed: int,
) -> Floats:
    """Rates (DRAWS, bins) in worlds in which the probabilities are true."""
    events = {
        ticker: place for place, ticker in enumerate(dict.fromkeys(one.event_ticker for one in ladders))
    }
    owner = np.asarray([events[one.event_ticker] for one in ladders])
    sizes = np.asarray([len(one.brackets) for one in ladders])
    said = [np.asarray(one.probabilities[forecaster]) for one in ladders]
    upper = np.concatenate([np.cumsum(one) for one in said])
    upper[np.cumsum(sizes) - 1] = np.inf  # what rounding left belongs to the last bracket
    lower = np.concatenate([np.concatenate([[-np.inf], np.cumsum(one)[:-1]]) for one in said])
    upper, lower, ladder_of = upper[order], lower[order], np.repeat(owner, sizes)[order]
    chance = np.random.default_rng(seed)
    hits = []
    for _ in range(DRAWS):
        drawn = chance.random(len(events))[ladder_of]
        hits.append(np.add.reduceat((lower <= drawn) & (drawn < upper), edges[:-1], dtype=np.int64))
    return np.asarray(np.stack(hits) / np.diff(edges))


def _parts(said: Floats, hit: Floats) -> BrierParts | None:
    if not said.size:
        return None
    cents = np.rint(said * 100).astype(int).tolist()
    n: Mapping[int, int] = Counter(cents)
    hits = Counter(cent for cent, happened in zip(cents, hit.tolist(), strict=True) if happened)
    return brier_decomposition([ForecastGroup(cent / 100, n[cent], hits[cent]) for cent in sorted(n)])
