"""What a recording's own forecasts had shown of their errors by any moment: the same learning as live, walked forward."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import Final

from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day_bounds
from trading.backtest.baselines import known_at, official_highs
from trading.backtest.recorded_types import Recording
from weather.domain.calibration import PEAK_HOUR_LST
from weather.domain.errors import PRIOR, Calibration, ForecastError
from weather.domain.learning import ErrorModel
from weather.domain.outlook import SOURCE
from weather.domain.types import DistKind

LEADS_H: Final = (3.0, 8.0, 19.0, 31.0, 44.0)
"""Hours before the peak at which a forecast is held against what came: one or two for each class that is traded."""
LEARNED_FROM: Final = timedelta(days=500)
"""Before the first event. What lies further back has faded."""
_HALF_DAY_H: Final = 12.0


class PastCalibrations:
    """Calibrations as of any moment. Forecasts are told apart by lead only: as of a lead it is mostly one source."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def at(self, now: datetime) -> Calibration:
        """What had been learned at `now`: a day's error not before its official high could be had."""
        place = bisect_right(self._moments, now)
        return self._learned[place - 1] if place else PRIOR

    @cached_property
    def _walk(self) -> tuple[tuple[datetime, Calibration], ...]:
        model, learned = ErrorModel(), []
        errors = sorted(self._errors(), key=lambda error: (error.known_at, error.city_code, error.lead_hours))
        for moment, together in groupby(errors, key=lambda error: error.known_at):
            for error in together:
                model.learn(error)
            learned.append((moment, model.calibration()))
        return tuple(learned)

    @cached_property
    def _moments(self) -> tuple[datetime, ...]:
        return tuple(moment for moment, _ in self._walk)

    @cached_property
    def _learned(self) -> tuple[Calibration, ...]:
        return tuple(calibration for _, calibration in self._walk)

    def _errors(self) -> Iterator[ForecastError]:
        events = self._recording.events
        if not events:
            return
        cities = {event.city_code for event in events}
        first = min(event.event_date for event in events) - LEARNED_FROM
        last = max(event.event_date for event in events)
        for city_code, highs in official_highs(self._recording.highs).items():
            for day, high_f in highs.items():
                if city_code in cities and first <= day <= last:
                    yield from self._errors_of(city_code, day, high_f)

    def _errors_of(self, city_code: str, day: date, high_f: int) -> Iterator[ForecastError]:
        for lead_h in LEADS_H:
            forecast_f = self._forecast_f(city_code, day, lead_h)
            before_f = self._forecast_f(city_code, day, lead_h + _HALF_DAY_H)
            if forecast_f is not None:
                yield ForecastError(
                    city_code=city_code,
                    source=SOURCE,
                    kind=DistKind.WHOLE_DAY,
                    lead_hours=lead_h,
                    target_date=day,
                    error_f=forecast_f - high_f,
                    known_at=known_at(day),
                    revision_f=None if before_f is None else forecast_f - before_f,
                )

    def _forecast_f(self, city_code: str, day: date, lead_h: float) -> float | None:
        """The newest forecast so many hours before the day's peak, °F."""
        start, _ = climate_day_bounds(day, load_cities()[city_code].std_offset_hours)
        forecast = self._recording.forecast_at(
            city_code, day, start + timedelta(hours=PEAK_HOUR_LST - lead_h)
        )
        return None if forecast is None else float(forecast.high_f)
