"""The ensemble's weights learn from events that are over: each once for each horizon, in the order they became final."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day_bounds
from milkbot.core.config import TradingMode
from trading.domain.lessons import LESSON_HOURS, scored_event
from trading.domain.weights import PRIOR, EnsembleWeights, learn
from trading.repositories.lessons import Finished, finished_events, opinions_at
from trading.repositories.weights import WeightsRepository

FINAL_FOR: Final = timedelta(hours=6)
"""How long an event must be final: by then all that became final with it are stored, and none is passed over."""
REACHES_BACK: Final = timedelta(days=30)
"""An event that became final longer ago teaches nothing any more."""
MOST_EVENTS: Final = 200
"""In one turn; a turn that finds more leaves the rest to the next."""


@transaction.atomic
def learn_from_finished(mode: TradingMode, now: datetime) -> int:
    """Learn from every event that has become final since the newest version; returns the lessons taken.

    A version is stored when there was any. Raises IntegrityError when another process learned meanwhile.
    """
    repository = WeightsRepository(mode)
    weights = first = repository.newest() or PRIOR
    after = max(weights.learned_until or now - REACHES_BACK, now - REACHES_BACK)
    for event in finished_events(after, now - FINAL_FOR, MOST_EVENTS):
        weights = _learned(weights, event, mode)
    if weights.version > first.version:
        repository.append(weights, now)
    return weights.version - first.version


def _learned(weights: EnsembleWeights, event: Finished, mode: TradingMode) -> EnsembleWeights:
    start, _ = climate_day_bounds(event.event_date, load_cities()[event.city_code].std_offset_hours)
    for horizon, hour in LESSON_HOURS.items():
        opinions = opinions_at(mode, event.market_ids, start + timedelta(hours=hour))
        if opinions is None:
            continue
        scored = scored_event(event.event_ticker, horizon, opinions, event.outcome, event.final_at)
        if scored is not None:
            weights = learn(weights, scored)
    return weights
