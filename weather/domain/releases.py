"""When something that everybody waits for is due: the next forecast, a climate report, the hourly reading.

Prices move within seconds of a release, before we have seen it; whatever rests in a book then is taken at a price of before
it. A window opens shortly before a release is expected and closes once we have seen it. When it does not come the window
ends by itself: what is known is old then, and its age is judged elsewhere.

Offices keep no timetable, but have habits. A release is expected at the times of day at which one was issued in the two
weeks that ended two days before: so the windows of a day are known a day ahead, and are the same whenever they are asked for.
An office that sends at all hours cannot be waited for, nor can a correction.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from milkbot.core.climate_day import climate_day_bounds
from weather.domain.types import WeatherSnapshot

FORECAST: Final = "forecast"
REPORT: Final = "climate report"
READING: Final = "reading"
AHEAD: Final = timedelta(minutes=2)
"""Before the release, that quotes are out of the book (probability-and-sizing.md 5.4)."""
PATIENCE: Final = timedelta(hours=1)
"""After the latest usual time, that a forecast or report is waited for."""
LEARNED_FROM: Final = timedelta(days=14)
LEARNED_BY: Final = timedelta(days=2)
"""Before the day of the windows."""
FEWEST: Final = 3
"""Releases that make a habit."""
_APART: Final = timedelta(hours=1)
"""Times of day further apart than this belong to two releases."""
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
READING_AT: Final = timedelta(minutes=51)
"""The scheduled METAR of a full hour is taken from :51 to :54."""
READING_BY: Final = timedelta(minutes=69)
"""A METAR is public two to six minutes later; our weather loop turns every five to fifteen."""


class Issue(NamedTuple):
    """A release: when it was issued, and when we had it."""

    issued_at: datetime
    seen_at: datetime


class Slot(NamedTuple):
    """A usual time of a release, in time since midnight UTC, and how much later it may be."""

    first: timedelta
    spread: timedelta


class Usual(NamedTuple):
    """When a city's releases usually come."""

    forecasts: tuple[Slot, ...] = ()
    reports: tuple[Slot, ...] = ()


class Window(NamedTuple):
    """From `starts_at` to before `ends_at` nothing may rest; seeing something issued from `fresh_from` on ends it earlier."""

    what: str
    starts_at: datetime
    ends_at: datetime
    fresh_from: datetime


@dataclass(frozen=True, slots=True)
class Releases:
    """The windows of one event, apart from each other, in the order of time."""

    windows: tuple[Window, ...] = ()

    @classmethod
    def of(cls, windows: Iterable[Window]) -> "Releases":
        """Of windows in any order; what overlaps becomes one."""
        apart: list[Window] = []
        for window in sorted(windows, key=_starts_at):
            last = apart[-1] if apart else None
            if last is not None and window.starts_at <= last.ends_at:
                what = last.what if window.what in last.what else f"{last.what}, {window.what}"
                apart[-1] = last._replace(what=what, ends_at=max(last.ends_at, window.ends_at))
            else:
                apart.append(window)
        return cls(tuple(apart))

    def open_at(self, now: datetime) -> Window | None:
        """The window that is open at `now`."""
        index = bisect_right(self.windows, now, key=_starts_at)
        window = self.windows[index - 1] if index else None
        return window if window is not None and now < window.ends_at else None

    def unsafe_from(self, now: datetime) -> datetime | None:
        """The first instant from `now` on at which nothing may rest; None when nothing more is due."""
        if self.open_at(now) is not None:
            return now
        index = bisect_right(self.windows, now, key=_starts_at)
        return self.windows[index].starts_at if index < len(self.windows) else None


NOTHING_DUE: Final = Releases()


def learned_between(on: date) -> tuple[datetime, datetime]:
    """From when to before when a release must have been issued to tell of the windows of a day."""
    until = _midnight(on) - LEARNED_BY
    return until - LEARNED_FROM, until


def usual_slots(issued: Iterable[datetime]) -> tuple[Slot, ...]:
    """The times of day at which something was usually issued."""
    times = sorted(at - _midnight(at.date()) for at in issued)
    if len(times) < FEWEST:
        return ()
    gaps = [(later - time) % _DAY for time, later in zip(times, [*times[1:], times[0]], strict=True)]
    widest = max(range(len(gaps)), key=gaps.__getitem__)
    if gaps[widest] <= _APART:
        return ()
    groups = _groups([*times[widest + 1 :], *(time + _DAY for time in times[: widest + 1])])
    return tuple(
        sorted(Slot(group[0] % _DAY, group[-1] - group[0]) for group in groups if len(group) >= FEWEST)
    )


def _groups(times: Sequence[timedelta]) -> Iterator[list[timedelta]]:
    group = [times[0]]
    for time_of_day in times[1:]:
        if time_of_day - group[-1] > _APART:
            yield group
            group = []
        group.append(time_of_day)
    yield group


def slot_windows(what: str, slots: Iterable[Slot], on: date) -> Iterator[Window]:
    """The windows of one UTC day."""
    midnight = _midnight(on)
    for slot in slots:
        starts_at = midnight + slot.first - AHEAD
        yield Window(what, starts_at, midnight + slot.first + slot.spread + PATIENCE, starts_at)


def reading_windows(begins_at: datetime, ends_at: datetime) -> Iterator[Window]:
    """Those of the hourly readings of a climate day. Before it a reading tells nothing of its high but what a forecast
    does."""
    for hour in range((ends_at - begins_at) // _HOUR):
        taken_at = begins_at + hour * _HOUR + READING_AT
        yield Window(READING, taken_at - AHEAD, begins_at + hour * _HOUR + READING_BY, taken_at)


def within(windows: Iterable[Window], begins_at: datetime, ends_at: datetime) -> Iterator[Window]:
    """The windows that open in a span of time: a report tells of its own day only."""
    return (window for window in windows if begins_at <= window.starts_at < ends_at)


def unseen(windows: Iterable[Window], newest: datetime | None) -> Iterator[Window]:
    """The windows that what was issued at `newest`, the last that we have seen, does not close."""
    return (window for window in windows if newest is None or newest < window.fresh_from)


def until_seen(windows: Iterable[Window], issues: Sequence[Issue]) -> Iterator[Window]:
    """The windows of a past, each to the moment at which we saw what it waited for. `issues` stand in the order of issue."""
    for window in windows:
        first = bisect_left(issues, window.fresh_from, key=_issued_at)
        last = bisect_left(issues, window.ends_at, key=_issued_at)
        seen_at = min((issue.seen_at for issue in issues[first:last]), default=window.ends_at)
        yield window._replace(ends_at=min(window.ends_at, seen_at))


def due_in(
    usual: Mapping[date, Usual],
    weather: WeatherSnapshot | None,
    event_date: date,
    std_offset_hours: int,
) -> Releases:
    """What is due for an event, beside what is known of its city's weather; `usual` by the UTC days around now."""
    begins_at, ends_at = climate_day_bounds(event_date, std_offset_hours)
    reported = weather.reported if weather and weather.reported else None
    reading = weather.observation if weather else None
    forecasts = (window for on, of in usual.items() for window in slot_windows(FORECAST, of.forecasts, on))
    reports = (window for on, of in usual.items() for window in slot_windows(REPORT, of.reports, on))
    return Releases.of(
        [
            *unseen(forecasts, weather.issued_at if weather else None),
            *unseen(within(reports, begins_at, ends_at), reported.issued_at if reported else None),
            *unseen(reading_windows(begins_at, ends_at), reading.observed_at if reading else None),
        ]
    )


def _midnight(on: date) -> datetime:
    return datetime.combine(on, time(), UTC)


def _starts_at(window: Window) -> datetime:
    return window.starts_at


def _issued_at(issue: Issue) -> datetime:
    return issue.issued_at
