"""Too good to be true? A forecaster that knows what it cannot know betrays itself: LOOKAHEAD_SUSPECTED.

Project reference on probability and sizing, 6.2: "a live row that beats the ideal row of its own sigma signals
look-ahead". Four such rows; each fires only beyond doubt (99 %), and by more than caution or luck explains.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from typing import Final

import numpy as np
from scipy.special import ndtr

from milkbot.core.arrays import Floats
from milkbot.core.scoring.probability import LOG_SCORE_FLOOR
from trading.backtest.reporting.comparing import mean_interval
from trading.backtest.reporting.losses import LossTable, Metric, daily_means
from trading.backtest.reporting.money import Sharpe
from trading.backtest.results import MARKET, P_MODEL, ScoredLadder

LOOKAHEAD_SUSPECTED: Final = "LOOKAHEAD_SUSPECTED"
LEVEL: Final = 0.98
"""Of the two-sided interval whose upper end decides: one chance in a hundred a check."""
NOON: Final = 12
LEAST_SIGMA_F: Final = 1.0
"""Nobody foretells a high better than this before noon (section 1.4)."""
CAUTION_NATS: Final = 0.25
"""What half the true sigma would have been worth; rounding sigma up explains less."""
BELIEVABLE_NATS: Final = 0.1
"""About what three quarters of a degree of private knowledge would be worth against the market."""
BELIEVABLE_SHARPE: Final = 3.0
"""A year. Beyond, a ratio is a report of a bug (section 7)."""
CONVINCED: Final = 0.99


class Check(StrEnum):
    OWN_IDEAL = "OWN_IDEAL"
    ONE_DEGREE = "ONE_DEGREE"
    MARKET = "MARKET"
    SHARPE = "SHARPE"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One check. `margin` below `bound`, even at the upper end of its interval, fires; None when it cannot be told."""

    check: Check
    what: str
    days: int
    margin: float | None
    upper: float | None
    bound: float
    fired: bool


def suspicions(table: LossTable, sharpe: Sharpe | None, seed: int) -> tuple[Suspicion, ...]:
    """All checks, those that found nothing too."""
    lost = table.of(P_MODEL, Metric.LOG)
    own = lost - _of_each(table.ladders, own_ideal)
    best = lost - _of_each(table.ladders, best_ideal)
    return (
        _check(
            table, own, Check.OWN_IDEAL, "log loss minus what p_model itself expects", -CAUTION_NATS, seed
        ),
        _check(
            table,
            best,
            Check.ONE_DEGREE,
            "log loss before noon minus that of a perfect forecaster with a spread of 1 °F",
            0.0,
            seed,
        ),
        _check(
            table,
            lost - table.of(MARKET, Metric.LOG),
            Check.MARKET,
            "log loss of p_model minus the market's",
            -BELIEVABLE_NATS,
            seed,
        ),
        _sharpe_check(sharpe),
    )


def own_ideal(ladder: ScoredLadder) -> float | None:
    """The log loss that `p_model` expects of itself: −Σ p ln p. A true forecaster loses that on average."""
    said = ladder.probabilities.get(P_MODEL)
    return None if said is None else _expected_loss(np.asarray(said))


def best_ideal(ladder: ScoredLadder) -> float | None:
    """The log loss expected before noon by a perfect forecaster, Normal(its mean, 1 °F); None later in the day."""
    if ladder.mean_f is None or ladder.local_hour >= NOON:
        return None
    upper = np.asarray([np.inf if high is None else high + 0.5 for _, high in ladder.brackets])
    reached = ndtr((upper - ladder.mean_f) / LEAST_SIGMA_F)
    return _expected_loss(np.diff(reached, prepend=0.0))


def _check(table: LossTable, margins: Floats, check: Check, what: str, bound: float, seed: int) -> Suspicion:
    _, daily = daily_means(table, margins, table.everywhere)
    interval = mean_interval(daily, seed, LEVEL)
    return Suspicion(
        check=check,
        what=what,
        days=daily.size,
        margin=float(daily.mean()) if daily.size else None,
        upper=interval.high if interval else None,
        bound=bound,
        fired=interval is not None and interval.high < bound,
    )


def _sharpe_check(sharpe: Sharpe | None) -> Suspicion:
    """A loss like the others: minus the yearly ratio, whose upper end is what is beaten 99 times in 100."""
    a_day = BELIEVABLE_SHARPE / sqrt(365)
    beyond = None if sharpe is None else sharpe.beyond(a_day)
    return Suspicion(
        check=Check.SHARPE,
        what="minus the Sharpe ratio of daily P&L, a year",
        days=0 if sharpe is None else sharpe.days,
        margin=None if sharpe is None else -sharpe.ratio * sqrt(365),
        upper=None,
        bound=-BELIEVABLE_SHARPE,
        fired=beyond is not None and beyond > CONVINCED,
    )


def _of_each(ladders: Sequence[ScoredLadder], ideal: Callable[[ScoredLadder], float | None]) -> Floats:
    found = (ideal(ladder) for ladder in ladders)
    return np.asarray([np.nan if one is None else one for one in found], dtype=np.float64)


def _expected_loss(probabilities: Floats) -> float:
    return float(-(probabilities * np.log(np.maximum(probabilities, LOG_SCORE_FLOOR))).sum())
