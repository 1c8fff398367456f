"""What was learned by each moment of a past: weights of the experts, from events that had been paid by then.

Learned in the order in which the events became final, and read as of a moment: nothing is known of an event before it is
over. Every event teaches once for each horizon, at an hour inside it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import fsum, isfinite
from typing import Final, NamedTuple

import numpy as np

from milkbot.core.climate_day import climate_day_bounds
from trading.backtest.as_of import paid_out_at
from trading.backtest.calibrating import PastCalibrations
from trading.backtest.event_past import EventPast
from trading.domain.ensemble import LEAST_P, log_pool
from trading.domain.inputs import Circumstances, EventContext
from trading.domain.lessons import LESSON_HOURS
from trading.domain.opinion import EventOpinion, form_opinion
from trading.domain.weights import (
    MARKET,
    MARKET_TO_FORECAST,
    PRICE_REVERSION,
    PRIOR,
    EnsembleWeights,
    Horizon,
    ScoredEvent,
    expert_shares,
    learn,
    share_beside_market,
    with_market_at,
)


class Lesson(NamedTuple):
    """What every expert said of an event at one hour, and what came of it."""

    event_ticker: str
    horizon: Horizon
    said: Mapping[str, tuple[float, ...]]
    outcome: int
    final_at: datetime


@dataclass(frozen=True)
class LearnedWeights:
    """Versions of the weights in the order of time."""

    first: EnsembleWeights
    changed_at: Sequence[datetime]
    """Ascending; at each of these the version of the same place begins to hold."""
    versions: Sequence[EnsembleWeights]

    def at(self, now: datetime) -> EnsembleWeights:
        """What had been learned by `now`."""
        place = bisect_right(self.changed_at, now)
        return self.versions[place - 1] if place else self.first


UNLEARNED: Final = LearnedWeights(PRIOR, (), ())

FEWEST_PAIRS: Final = 120
"""Days that a correlation must rest on: the least to train on by the reference (6.6)."""
_MEASURED_AT: Final = {Horizon.DAY_AHEAD: 19.0, Horizon.MORNING: 8.0}
"""Hours before the peak: those of LESSON_HOURS, in the leads that calibrations are learned at."""


def first_weights(calibrations: PastCalibrations, until: datetime) -> EnsembleWeights:
    """What the experts count for before the first event was seen: PRIOR, with the market at what it should be.

    Whoever sets prices reads the same forecasts, so the market's errors are as much ours as our best source's are those of
    all others together: their correlation is measured over the days whose highs were out by `until`. Where a recording
    holds one source, or too few days, the reference's shares stand.
    """
    weights = PRIOR
    for horizon, lead_h in _MEASURED_AT.items():
        pairs = calibrations.pairs(lead_h, until)
        if len(pairs) >= FEWEST_PAIRS:
            correlation = float(np.corrcoef(np.asarray(pairs), rowvar=False)[0, 1])
            if isfinite(correlation) and abs(correlation) < 1:
                share = share_beside_market(correlation, MARKET_TO_FORECAST[horizon])
                weights = with_market_at(weights, horizon, 1 - share)
    return weights


def lessons_of(past: EventPast, outcome: int, around: Circumstances) -> tuple[Lesson, ...]:
    """What there was to learn from one settled event, whatever was known by then of the experts' worth."""
    start, _ = climate_day_bounds(past.event.event_date, past.city.std_offset_hours)
    found = []
    for at in (start + timedelta(hours=hour) for hour in LESSON_HOURS.values()):
        if not past.event.open_at <= at < past.event.close_at:
            continue
        outlook = past.outlook(at)
        if outlook is None:
            continue
        board = past.board(past.places_at(at), at)
        opinion = form_opinion(outlook, EventContext(past.city, board, around._replace(now=at)))
        if opinion is not None:
            said = _said(opinion)
            found.append(
                Lesson(
                    past.event.event_ticker, opinion.belief.horizon, said, outcome, paid_out_at(past.event)
                )
            )
    return tuple(found)


def learned_weights(first: EnsembleWeights, lessons: Iterable[Lesson]) -> LearnedWeights:
    """The versions that `lessons` lead to, each from the moment at which its event was final."""
    weights = first
    changes: dict[datetime, EnsembleWeights] = {}
    in_order = sorted(lessons, key=lambda lesson: (lesson.final_at, lesson.event_ticker, lesson.horizon))
    for lesson in in_order:
        weights = learn(weights, _scored(lesson, weights))
        changes[lesson.final_at] = weights
    return LearnedWeights(first, tuple(changes), tuple(changes.values()))


def _said(opinion: EventOpinion) -> dict[str, tuple[float, ...]]:
    said = {voice.name: voice.probs for voice in opinion.belief.voices if voice.speaks}
    if all(output.valid for output in opinion.reversion):
        said[PRICE_REVERSION] = tuple(output.p_yes for output in opinion.reversion)
    if opinion.priced.p_market is not None:
        said[MARKET] = opinion.priced.p_market
    return said


def _scored(lesson: Lesson, weights: EnsembleWeights) -> ScoredEvent:
    """With the pool of our own that the weights of that moment would have made."""
    ours = {name: probs for name, probs in lesson.said.items() if name not in (MARKET, PRICE_REVERSION)}
    shares = expert_shares(weights, lesson.horizon)
    together = fsum(shares[name] for name in ours)
    p_model = None
    if ours:
        weighed = [shares[name] / together if together > 0 else 1 / len(ours) for name in ours]
        p_model = log_pool(list(ours.values()), weighed, LEAST_P)
    return ScoredEvent(
        lesson.event_ticker, lesson.horizon, lesson.said, p_model, lesson.outcome, lesson.final_at
    )
