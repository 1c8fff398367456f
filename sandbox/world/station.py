"""What a station sends: an hourly METAR with exact remark groups, and a five-minute record in whole degrees Celsius.

The station measures whole degrees Fahrenheit; a METAR carries them exactly as tenths of °C, a five-minute record rounds
once more. Source: project reference on NWS and settlement, 1.5-1.7.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

import numpy as np

from sandbox.cities import City
from sandbox.feeds import StationRecord
from sandbox.world.chance import Floats, uniforms
from sandbox.world.metar_text import Remarks, metar_text, tenths_c
from sandbox.world.temperature import Temperatures, whole_f

METAR_MINUTES: Final = {
    "NYC": 51,
    "CHI": 53,
    "LAX": 53,
    "MIA": 53,
    "AUS": 53,
    "DEN": 53,
    "PHL": 54,
    "BOS": 54,
    "SEA": 53,
    "SFO": 56,
}
FIVE_MINUTES: Final = timedelta(minutes=5)
HOUR: Final = timedelta(hours=1)
SIX_HOURLY_UTC: Final = frozenset({5, 11, 17, 23})
LAST_HOUR_LST: Final = 23
FIVE_MINUTE_COUNT: Final = 288

SENSOR_SILENT: Final = 0.006
VALUE_LOST_ON_THE_WAY: Final = 0.006
FIVE_MINUTE_MISSING: Final = 0.01
METAR_DELAY_MIN: Final = (2.0, 12.0)
FIVE_MINUTE_DELAY_MIN: Final = (4.0, 16.0)


class Station:
    """The stations of one world, each known by its city."""

    def __init__(self, seed: int, temperatures: Temperatures) -> None:
        self._seed = seed
        self._temperatures = temperatures
        self._metars_of_day = lru_cache(maxsize=128)(self._written_metars)
        self._five_minute_of_day = lru_cache(maxsize=64)(self._written_five_minute)

    def metars(self, city: City, after: datetime, until: datetime) -> Sequence[StationRecord]:
        """METARs with after < observed_at <= until, ascending."""
        return [
            record
            for day in _days(city, after, until)
            for record in self._metars_of_day(city, day)
            if after < record.observed_at <= until
        ]

    def five_minute(self, city: City, after: datetime, until: datetime) -> Sequence[StationRecord]:
        """Five-minute records with after < observed_at <= until, ascending."""
        return [
            record
            for day in _days(city, after, until)
            for record in self._five_minute_of_day(city, day)
            if after < record.observed_at <= until
        ]

    def extremes_f(self, city: City, start: datetime, end: datetime) -> tuple[int, int]:
        """The station's own maximum and minimum of a period, whole °F."""
        found: list[float] = []
        for day in _days(city, start, end):
            zero = city.climate_day_start(day)
            first, last = ((moment - zero) / HOUR for moment in (start, end))
            hours = np.arange(max(first, 0.0), min(last, 24.0), 1 / 12, dtype=np.float64)
            if hours.size:
                values = self._temperatures.at_hours(city, day, hours)
                found += [float(values.max()), float(values.min())]
            shape = self._temperatures.shape(city, day)
            if first <= shape.peak_hour <= last:
                found.append(shape.peak_f)
        return whole_f(max(found)), whole_f(min(found))

    def _written_metars(self, city: City, day: date) -> tuple[StationRecord, ...]:
        start = city.climate_day_start(day)
        hours: Floats = np.arange(24, dtype=np.float64) + METAR_MINUTES[city.code] / 60
        temperatures = self._temperatures.at_hours(city, day, hours).tolist()
        luck = uniforms(self._seed, city.code, day, "metar", count=96).reshape(24, 4).tolist()
        return tuple(
            self._metar(city, start + timedelta(minutes=round(60 * hour)), whole_f(temperature), chance)
            for hour, temperature, chance in zip(hours.tolist(), temperatures, luck, strict=True)
        )

    def _metar(self, city: City, at: datetime, temperature_f: int, chance: list[float]) -> StationRecord:
        fate, delay, humidity, wind = chance
        silent = fate < SENSOR_SILENT
        lost = SENSOR_SILENT <= fate < SENSOR_SILENT + VALUE_LOST_ON_THE_WAY
        text = metar_text(
            city.station_id,
            at,
            None if silent else temperature_f,
            Remarks() if silent else self._remarks(city, at),
            humidity,
            wind,
        )
        return StationRecord(
            observed_at=at,
            available_at=_later(at, METAR_DELAY_MIN, delay),
            temp_c=None if silent or lost else tenths_c(temperature_f),
            metar=text,
        )

    def _remarks(self, city: City, at: datetime) -> Remarks:
        six_hourly = self.extremes_f(city, at - 6 * HOUR, at) if at.hour in SIX_HOURLY_UTC else None
        local = at + city.standard_offset
        start = city.climate_day_start(local.date())
        daily = self.extremes_f(city, start, at) if local.hour == LAST_HOUR_LST else None
        return Remarks(six_hourly, daily)

    def _written_five_minute(self, city: City, day: date) -> tuple[StationRecord, ...]:
        start = city.climate_day_start(day)
        hours = np.arange(FIVE_MINUTE_COUNT) / 12
        temperatures = self._temperatures.at_hours(city, day, hours).tolist()
        luck = uniforms(self._seed, city.code, day, "five minutes", count=2 * FIVE_MINUTE_COUNT)
        return tuple(
            StationRecord(
                observed_at=start + k * FIVE_MINUTES,
                available_at=_later(start + k * FIVE_MINUTES, FIVE_MINUTE_DELAY_MIN, delay),
                temp_c=None if fate < FIVE_MINUTE_MISSING else _whole_c(whole_f(temperature)),
                metar="",
            )
            for k, (temperature, fate, delay) in enumerate(
                zip(temperatures, luck[::2].tolist(), luck[1::2].tolist(), strict=True)
            )
        )


def _days(city: City, first: datetime, last: datetime) -> list[date]:
    start, end = city.climate_day(first), city.climate_day(last)
    return [date.fromordinal(day) for day in range(start.toordinal(), end.toordinal() + 1)]


def _later(at: datetime, delay_min: tuple[float, float], share: float) -> datetime:
    least, spread = delay_min
    return at.astimezone(UTC) + timedelta(seconds=round(60 * (least + spread * share)))


def _whole_c(temperature_f: int) -> Decimal:
    """A whole °F as whole °C, halves upward."""
    return Decimal(((temperature_f - 32) * 10 + 9) // 18)
