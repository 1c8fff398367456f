"""From the opinions kept of an event to what it teaches, once its outcome is known."""

from collections.abc import Sequence
from datetime import datetime
from math import fsum
from typing import Final

from trading.domain.types import EnsembleOutput
from trading.domain.weights import EXPERTS, MARKET, Horizon, ScoredEvent

LESSON_HOURS: Final = {Horizon.DAY_AHEAD: -4, Horizon.MORNING: 7, Horizon.AFTERNOON: 13}
"""Local standard hour of the event's day at which each horizon is asked; once the day is settling nothing is left to
learn of it."""
_SUM_WITHIN: Final = 0.05
"""The opinions of neighbouring brackets may have been kept some minutes apart, in which they moved by a point at most."""


def scored_event(
    event_ticker: str,
    horizon: Horizon,
    opinions: Sequence[EnsembleOutput],
    outcome: int,
    final_at: datetime,
) -> ScoredEvent | None:
    """What each expert said of a whole ladder, coldest bracket first; None when fewer than two did."""
    said = {
        name: vector
        for name in EXPERTS
        if (vector := _vector([_of_expert(opinion, name) for opinion in opinions])) is not None
    }
    if len(said) < 2:
        return None
    p_model = _vector([opinion.p_model for opinion in opinions])
    return ScoredEvent(event_ticker, horizon, said, p_model, outcome, final_at)


def _of_expert(opinion: EnsembleOutput, name: str) -> float | None:
    if name == MARKET:
        return opinion.p_market
    return next((each.p_yes for each in opinion.inputs if each.strategy == name and each.valid), None)


def _vector(given: Sequence[float | None]) -> tuple[float, ...] | None:
    """Probabilities that sum to 1; None when one is missing or they are not of one ladder."""
    told = [p for p in given if p is not None]
    total = fsum(told)
    if len(told) < len(given) or abs(total - 1) > _SUM_WITHIN:
        return None
    return tuple(p / total for p in told)
