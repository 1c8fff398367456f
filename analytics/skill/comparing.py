"""Ours beside the market's on the same events at the same instants: means, intervals, and a sentence. Pure.

Hours of an event share its outcome and cities of a date its weather, so the hours of an event are averaged first, then
the cities of a date; intervals come from blocks of days. Source: project reference on probability and sizing, section 6.4.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import fsum
from typing import Final, NamedTuple, Protocol, TypeVar

from milkbot.core.scoring.evidence import BLOCK_DAYS, Interval, block_bootstrap

Key = TypeVar("Key", int, str)

LEAST_DAYS: Final = 2 * BLOCK_DAYS
"""Fewer hold no two blocks: no interval is given, and no verdict."""
SEED: Final = 20250514
"""Of the resampling: the same scores give the same interval."""
CENTRE: Final = 0.8
"""Of the interval whose coverage is checked."""


class Pair(NamedTuple):
    """A forecaster's log loss and the market's on one event at one local hour, nats."""

    city_code: str
    event_date: date
    local_hour: int
    lead_hours: int
    ours: float
    market: float
    inside: float
    """Share of the outcome's place that lies in our central 80 % interval."""
    clipped: bool


class Means(Protocol):
    """A date's means over its events, as far as a comparison needs them."""

    @property
    def events(self) -> int: ...

    @property
    def scores(self) -> int: ...

    @property
    def ours(self) -> float: ...

    @property
    def market(self) -> float: ...


class Day(NamedTuple):
    """A date's mean over its events. Losses in nats."""

    day: date
    events: int
    scores: int
    """Hours at which the two were scored together."""
    ours: float
    market: float
    inside: float
    clipped: int


@dataclass(frozen=True, slots=True)
class Line:
    """Two forecasters compared. `label` says on what; means are None where nothing was scored."""

    label: str
    scores: int
    events: int
    days: int
    ours: float | None
    market: float | None
    difference: float | None
    """Ours minus the market's: below 0 ours is better."""
    interval: Interval | None
    """95 %; None below LEAST_DAYS."""

    @property
    def sentence(self) -> str:
        """What can be said of the difference."""
        if self.difference is None:
            return "never scored together"
        if self.interval is None:
            return f"{self.days} days are too few to tell"
        if not self.interval.excludes_zero:
            return "difference not distinguishable from zero"
        return "better than the market" if self.interval.high < 0 else "worse than the market"


def share_inside(pit_low: float, pit_high: float) -> float:
    """How much of [pit_low, pit_high] lies in the central 80 %: on average 0.8 for a calibrated forecaster."""
    tail = (1 - CENTRE) / 2
    if pit_high <= pit_low:
        return float(tail <= pit_low <= 1 - tail)
    return max(0.0, min(pit_high, 1 - tail) - max(pit_low, tail)) / (pit_high - pit_low)


def days_of(pairs: Iterable[Pair]) -> tuple[Day, ...]:
    """The pairs by date, oldest first. A city has one event a date."""
    by_day: dict[date, dict[str, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for pair in pairs:
        by_day[pair.event_date][pair.city_code].append(pair)
    return tuple(_day(day, list(by_day[day].values())) for day in sorted(by_day))


def compare(label: str, days: Sequence[Means]) -> Line:
    """One line over all of `days`, each date counting alike."""
    difference = mean([day.ours - day.market for day in days])
    return Line(
        label=label,
        scores=sum(day.scores for day in days),
        events=sum(day.events for day in days),
        days=len(days),
        ours=mean([day.ours for day in days]),
        market=mean([day.market for day in days]),
        difference=difference,
        interval=mean_interval(days),
    )


def compare_by(
    pairs: Iterable[Pair], key: Callable[[Pair], Key], label: Callable[[Pair], str]
) -> tuple[Line, ...]:
    """One line for each value of `key`, in its order."""
    groups: dict[Key, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[key(pair)].append(pair)
    return tuple(compare(label(groups[found][0]), days_of(groups[found])) for found in sorted(groups))


def mean_interval(days: Sequence[Means]) -> Interval | None:
    """95 % interval of the mean difference, from blocks of days; None for fewer than LEAST_DAYS."""
    if len(days) < LEAST_DAYS:
        return None
    return _bootstrapped(tuple(day.ours - day.market for day in days))


@lru_cache(maxsize=256)
def _bootstrapped(differences: tuple[float, ...]) -> Interval:
    """Kept: a page that is polled asks for the same intervals until another event has settled."""
    return block_bootstrap(differences, seed=SEED)


def mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None


def _day(day: date, events: Sequence[Sequence[Pair]]) -> Day:
    def over_events(figure: Callable[[Pair], float]) -> float:
        by_event = [fsum(figure(pair) for pair in event) / len(event) for event in events]
        return fsum(by_event) / len(by_event)

    return Day(
        day=day,
        events=len(events),
        scores=sum(len(event) for event in events),
        ours=over_events(lambda pair: pair.ours),
        market=over_events(lambda pair: pair.market),
        inside=over_events(lambda pair: pair.inside),
        clipped=sum(pair.clipped for event in events for pair in event),
    )
