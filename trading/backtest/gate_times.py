"""At which moments something other than a quote can change a decision on an event."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from milkbot.core.cities import CityConfig
from milkbot.core.climate_day import climate_day_bounds
from milkbot.core.constants import ISSUANCE_BLOCK_AFTER
from trading.backtest.recorded_types import RecordedEvent
from trading.domain.policy import Policy
from trading.domain.strategies.price_reversion import NEWS_LASTS
from weather.domain.calibration import PEAK_HOUR_LST

HOUR: Final = timedelta(hours=1)
_JUST_AFTER: Final = timedelta(seconds=1)
"""A forecast is refused once it is older than allowed, not when it is exactly as old."""


def belief_times(
    event: RecordedEvent, forecasts: Sequence[datetime], lessons: Sequence[datetime]
) -> frozenset[datetime]:
    """When the belief of an event is made anew: at its opening, on every full hour, and at each forecast and lesson.

    `forecasts` are the releases of its city's, those of other days as well: with each the forecaster has spoken. `lessons`
    are the moments at which something was learned. Both are ascending.
    """
    times = {event.open_at, *_full_hours(event.open_at, event.close_at)}
    for changes in (forecasts, lessons):
        times.update(changes[bisect_left(changes, event.open_at) : bisect_left(changes, event.close_at)])
    return frozenset(at for at in times if event.open_at <= at < event.close_at)


def gate_times(
    event: RecordedEvent, city: CityConfig, forecasts: Sequence[datetime], policy: Policy
) -> frozenset[datetime]:
    """When a gate of time opens or closes for an event, between its opening and its close.

    Those that stand on hours of standard time are left out: they are full hours of UTC. `forecasts` as `belief_times`.
    """
    start, _ = climate_day_bounds(event.event_date, city.std_offset_hours)
    lead_begins = start + timedelta(hours=PEAK_HOUR_LST) - timedelta(hours=policy.max_lead_hours)
    times = {lead_begins, event.close_at - policy.no_entry_before_close + _JUST_AFTER}
    earliest = bisect_left(forecasts, event.open_at - ISSUANCE_BLOCK_AFTER - _JUST_AFTER)
    for available_at in forecasts[earliest : bisect_right(forecasts, event.close_at)]:
        times.update((available_at + NEWS_LASTS, available_at + ISSUANCE_BLOCK_AFTER + _JUST_AFTER))
    return frozenset(at for at in times if event.open_at <= at < event.close_at)


def _full_hours(opens_at: datetime, closes_at: datetime) -> list[datetime]:
    first = opens_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return [first + n * HOUR for n in range((closes_at - first) // HOUR + 1)]
