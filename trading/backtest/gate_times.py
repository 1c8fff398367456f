"""At which moments something other than a quote can change a decision on an event."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from milkbot.core.cities import CityConfig
from milkbot.core.climate_day import climate_day_bounds
from milkbot.core.constants import ISSUANCE_BLOCK_AFTER
from trading.backtest.recorded_types import RecordedEvent, Recording
from trading.domain.policy import Policy
from trading.domain.strategies.price_reversion import NEWS_LASTS
from weather.domain.calibration import PEAK_HOUR_LST

HOUR: Final = timedelta(hours=1)
_JUST_AFTER: Final = timedelta(seconds=1)
"""A forecast is refused once it is older than allowed, not when it is exactly as old."""


def forecast_times(recording: Recording) -> Mapping[str, Sequence[datetime]]:
    """By city, every moment at which any of its forecasts became available, ascending."""
    found: dict[str, set[datetime]] = defaultdict(set)
    for (city_code, _), forecasts in recording.forecasts.items():
        found[city_code].update(forecast.available_at for forecast in forecasts)
    return {city_code: sorted(times) for city_code, times in found.items()}


def gate_times(
    event: RecordedEvent, city: CityConfig, forecasts: Sequence[datetime], policy: Policy
) -> tuple[datetime, ...]:
    """The opening, every full hour and every change of forecasts or gates up to the close, ascending.

    All other gates stand on hours of standard time, which are full hours of UTC. `forecasts` are all of the city's: one
    of another day says that the forecaster is awake, and keeps this day's forecast from counting as old.
    """
    start, _ = climate_day_bounds(event.event_date, city.std_offset_hours)
    lead_begins = start + timedelta(hours=PEAK_HOUR_LST) - timedelta(hours=policy.max_lead_hours)
    times = {event.open_at, lead_begins, event.close_at - policy.no_entry_before_close + _JUST_AFTER}
    times.update(_full_hours(event.open_at, event.close_at))
    earliest = bisect_left(forecasts, event.open_at - ISSUANCE_BLOCK_AFTER - _JUST_AFTER)
    for available_at in forecasts[earliest : bisect_right(forecasts, event.close_at)]:
        times.update((available_at, available_at + NEWS_LASTS))
        times.add(available_at + ISSUANCE_BLOCK_AFTER + _JUST_AFTER)
    return tuple(sorted(at for at in times if event.open_at <= at < event.close_at))


def _full_hours(opens_at: datetime, closes_at: datetime) -> list[datetime]:
    first = opens_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return [first + n * HOUR for n in range((closes_at - first) // HOUR + 1)]
