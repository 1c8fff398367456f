"""What a recording's own forecasts had shown of their errors by any moment: the same learning as live, walked forward.

Each source learns for itself, at each lead. Their combination is made of every past day as it would have been made then,
with what was known then, and what it missed is learned as a source's of its own.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from types import MappingProxyType
from typing import Final

from milkbot.core.cities import load_cities
from trading.backtest.baselines import known_at, official_highs
from trading.backtest.ladder_source import ladder_high, stands_in
from trading.backtest.recorded_types import Forecast, Recording
from weather.domain.climatology import usual_highs
from weather.domain.combining import COMBINED, SourceHigh, Together, put_together
from weather.domain.errors import PRIOR, Calibration, ForecastError
from weather.domain.learning import ErrorModel
from weather.domain.pairing import LEADS_H, LEARNED_FROM, REVISION_OVER_H, Lesson, moment_of
from weather.domain.types import Climatology

SOURCE_LASTS: Final = timedelta(hours=36)
"""A source that said nothing for longer is missing: all of the recording speak once a day."""
_AT_ONCE: Final = timedelta(microseconds=1)
REFITTED: Final = timedelta(days=10)
"""Climatology changes slowly; this often it is made anew."""


class PastCalibrations:
    """Calibrations as of any moment."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._pairs: list[tuple[datetime, float, tuple[float, float]]] = []

    def at(self, now: datetime) -> Calibration:
        """What had been learned at `now`: a day's error not before its official high could be had."""
        moments, learned = self._walk
        place = bisect_right(moments, now)
        return learned[place - 1] if place else PRIOR

    def pairs(self, lead_h: float, until: datetime) -> tuple[tuple[float, float], ...]:
        """Errors of the best source and of all others together, °F, each less its bias of that time, of the days whose
        highs were out by `until`; `lead_h` is one of LEADS_H."""
        self.at(until)  # They are noted on the walk.
        return tuple(pair for known_at_, at, pair in self._pairs if at == lead_h and known_at_ <= until)

    @cached_property
    def _walk(self) -> tuple[tuple[datetime, ...], tuple[Calibration, ...]]:
        model = ErrorModel()
        moments: list[datetime] = []
        learned: list[Calibration] = []
        usual: Mapping[str, Mapping[int, Climatology]] = MappingProxyType({})
        fitted_at: datetime | None = None
        for moment, lessons in groupby(sorted(self._lessons()), key=lambda lesson: lesson.known_at):
            for lesson in lessons:
                place = bisect_right(moments, lesson.asked_at)
                for error in self._errors_of(lesson, learned[place - 1] if place else PRIOR):
                    model.learn(error)
            if fitted_at is None or moment - fitted_at >= REFITTED:
                usual, fitted_at = self._usual(moment), moment
            moments.append(moment)
            learned.append(replace(model.calibration(), usual=usual))
        return tuple(moments), tuple(learned)

    @cached_property
    def _highs(self) -> Mapping[str, dict[date, int]]:
        return official_highs(self._recording.highs)

    @cached_property
    def _ladders(self) -> Mapping[tuple[str, date], SourceHigh | None]:
        return {(event.city_code, event.event_date): ladder_high(event) for event in self._recording.events}

    def _usual(self, now: datetime) -> Mapping[str, Mapping[int, Climatology]]:
        """Of each city that is traded, out of the highs that were out at `now`."""
        cities = {event.city_code for event in self._recording.events}
        return MappingProxyType(
            {
                city_code: usual_highs({day: high for day, high in highs.items() if known_at(day) <= now})
                for city_code, highs in self._highs.items()
                if city_code in cities
            }
        )

    def _lessons(self) -> Iterator[Lesson]:
        events = self._recording.events
        if not events:
            return
        cities = {event.city_code for event in events}
        first = min(event.event_date for event in events) - LEARNED_FROM
        last = max(event.event_date for event in events)
        for city_code, highs in self._highs.items():
            for day, high_f in highs.items():
                if city_code in cities and first <= day <= last:
                    said = SourceHistory(self._recording, city_code, day, self._ladders.get((city_code, day)))
                    for lead_h in LEADS_H:
                        asked_at = moment_of(load_cities()[city_code], day, lead_h)
                        yield Lesson(known_at(day), day, city_code, lead_h, high_f, said.at(asked_at))

    def _errors_of(self, lesson: Lesson, known: Calibration) -> Iterator[ForecastError]:
        """What every source missed, and what their combination did, made with what was `known` when it was asked for."""
        for high in lesson.said:
            if high.stands_at_h is not None and lesson.lead_h != min(LEADS_H):
                continue  # It says the same at every lead, and is wrong but once a day.
            error = lesson.error_of(high.source, high.high_f, high.revision_f)
            yield error._replace(lead_hours=high.lead_at(lesson.lead_h))
        together = put_together(known, lesson.city_code, lesson.lead_h, lesson.day, lesson.said)
        if together is not None:
            self._pairs.append((lesson.known_at, lesson.lead_h, _pair(together, lesson.high_f)))
            yield lesson.error_of(COMBINED, together.mean_f, together.revision_f, together.apart_f)


def _pair(together: Together, high_f: int) -> tuple[float, float]:
    """Errors of the source that weighs most, and of the others together."""
    best = max(together.uses, key=lambda use: use.weight)
    own = best.high - best.bias
    others = (together.mean_f - best.weight * own) / (1 - best.weight)
    return own - high_f, others - high_f


class SourceHistory:
    """What every source said of one day, as far as anyone knew at a moment: found once for as long as it stays the same.

    The day's `ladder` stands in, from its opening on, where the weather service says nothing.
    """

    def __init__(
        self, recording: Recording, city_code: str, day: date, ladder: SourceHigh | None = None
    ) -> None:
        self._recording = recording
        self._place = city_code, day
        self._ladder = ladder
        self._found: dict[int, tuple[SourceHigh, ...]] = {}

    def at(self, now: datetime) -> tuple[SourceHigh, ...]:
        """The newest of all last."""
        since = bisect_right(self._changes, now)
        if since not in self._found:
            self._found[since] = self._heard(now)
        return self._found[since]

    @cached_property
    def _changes(self) -> list[datetime]:
        """When anything is said, is what was said twelve hours before, or has been said too long ago."""
        times = {self._ladder.issued_at} if self._ladder is not None else set[datetime]()
        for forecast in self._recording.forecasts.get(self._place, ()):
            at = forecast.available_at
            times |= {at, at + timedelta(hours=REVISION_OVER_H), at + SOURCE_LASTS + _AT_ONCE}
        return sorted(times)

    def _heard(self, now: datetime) -> tuple[SourceHigh, ...]:
        said = tuple(
            SourceHigh(
                source=forecast.source,
                high_f=float(forecast.high_f),
                # Of some sources only the day of issue is known; when it could be had is the moment that counts.
                issued_at=forecast.available_at,
                revision_f=_revision(self._recording, forecast, now),
            )
            for forecast in self._recording.forecasts_at(*self._place, now, within=SOURCE_LASTS)
        )
        ladder = self._ladder
        return (ladder, *said) if ladder is not None and stands_in(ladder, said, now) else said


def _revision(recording: Recording, forecast: Forecast, now: datetime) -> float | None:
    """°F that the source has moved since about twelve hours before; None when it had said nothing then."""
    then = now - timedelta(hours=REVISION_OVER_H)
    before = recording.forecast_of(forecast.source, forecast.city_code, forecast.target_date, then)
    return None if before is None else float(forecast.high_f - before.high_f)
