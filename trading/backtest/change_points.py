"""At which moments of a recorded past a turn of the fast loop can decide something new.

A live loop turns every minute; most turns repeat the one before. History turns on a grid of 15 minutes, and only where
a forecast of a tradable day changed, an event opened or was paid, or prices moved; otherwise, and while the country
sleeps, once an hour.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day_bounds
from trading.backtest.as_of import paid_out_at, whole_degrees
from trading.backtest.quote_history import Quote
from trading.backtest.recorded_types import RecordedEvent, Recording
from trading.domain.policy import Policy

GRID: Final = timedelta(minutes=15)
"""No two turns are closer than this."""
WHEN_PRICES_MOVE: Final = timedelta(minutes=30)
"""By more than the widest spread we take: less than that seldom makes a trade of what was none."""
AT_LEAST_EVERY: Final = timedelta(hours=1)
NIGHT_UTC: Final = range(5, 11)
"""Midnight to six in New York, nine to three in Seattle: prices that move then wait for the hour."""
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


def change_points(recording: Recording, start: datetime, end: datetime, policy: Policy) -> Iterator[datetime]:
    """The moments in [start, end] at which to turn, in order, on the quarter hours."""
    events = _Events(recording, policy)
    last: datetime | None = None
    now = start + (_EPOCH - start) % GRID
    while now <= end:
        if last is None or _is_due(events, last, now):
            last = now
            yield now
        now += GRID


def _is_due(events: "_Events", last: datetime, now: datetime) -> bool:
    if now - last >= AT_LEAST_EVERY or events.happened(last, now):
        return True
    tradable = events.tradable(now)
    if events.forecast_changed(tradable, last, now):
        return True
    awake = now.hour not in NIGHT_UTC and now - last >= WHEN_PRICES_MOVE
    return awake and events.prices_moved(tradable, last, now)


class _Events:
    """A recording's events with the hours in which a position may be entered."""

    def __init__(self, recording: Recording, policy: Policy) -> None:
        self._recording = recording
        self._move = policy.max_spread
        self._windows = [
            (event.open_at, min(_entry_ends_at(event, policy), event.close_at), event)
            for event in recording.events
        ]

    def tradable(self, now: datetime) -> list[RecordedEvent]:
        return [event for opens_at, ends_at, event in self._windows if opens_at <= now < ends_at]

    def happened(self, last: datetime, now: datetime) -> bool:
        """Whether an event opened or was paid out since `last`."""
        return any(
            last < at <= now for event in self._recording.events for at in (event.open_at, paid_out_at(event))
        )

    def forecast_changed(self, events: Sequence[RecordedEvent], last: datetime, now: datetime) -> bool:
        return any(self._high_f(event, last) != self._high_f(event, now) for event in events)

    def prices_moved(self, events: Sequence[RecordedEvent], last: datetime, now: datetime) -> bool:
        quote_at = self._recording.quote_at
        return any(
            _moved(quote_at(entry.market.ticker, last), quote_at(entry.market.ticker, now), self._move)
            for event in events
            for entry in event.markets
        )

    def _high_f(self, event: RecordedEvent, now: datetime) -> int | None:
        forecast = self._recording.forecast_at(event.city_code, event.event_date, now)
        return None if forecast is None else whole_degrees(forecast.high_f)


def _entry_ends_at(event: RecordedEvent, policy: Policy) -> datetime:
    offset = load_cities()[event.city_code].std_offset_hours
    start, _ = climate_day_bounds(event.event_date, offset)
    return start + timedelta(hours=policy.whole_day_until_hour)


def _moved(before: Quote | None, after: Quote | None, by: Decimal) -> bool:
    """Whether a side of the touch came, went, or moved by at least `by` dollars."""
    if before is None or after is None:
        return before is not after
    return _differ(before.yes_bid, after.yes_bid, by) or _differ(before.yes_ask, after.yes_ask, by)


def _differ(before: Decimal | None, after: Decimal | None, by: Decimal) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(after - before) >= by
