"""The true temperature at any instant: a low near sunrise, a peak in the afternoon, and what fronts do at midnight.

Between these turning points runs a monotone cubic, so nothing overshoots: the day's maximum is its peak or, where a
front passes at night, one of its two midnights. Gusts, clouds and showers only dip below that curve.
"""

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np

from sandbox.cities import City
from sandbox.world.chance import Floats, normal, uniforms
from sandbox.world.climate import MARINE, normal_high, normal_low, solar_noon_hour
from sandbox.world.forecast_path import ForecastPaths

DAY_H: Final = 24.0
NIGHT_FRONT_MONTHS: Final = frozenset({10, 11, 12, 1, 2, 3, 4})
FRONT_CHANGE_F: Final = 6.0
COLD_FRONT_AT_MIDNIGHT: Final = 0.30
WARM_FRONT_AT_MIDNIGHT: Final = 0.14
LEAST_EXCESS_F: Final = 0.6
LARGEST_COLD_EXCESS_F: Final = 9.0
LARGEST_WARM_EXCESS_F: Final = 5.0
NEIGHBOUR_MARGIN_F: Final = 0.9

PEAK_AFTER_NOON_H: Final = 3.3
SEA_BREEZE_EARLIER_H: Final = 1.5
MIDNIGHT_SHARE: Final = 0.3
"""Of the fall from the peak to the next low, this share is still to come at an ordinary midnight."""

DIP_PERIODS_H: Final = (0.41, 0.97, 2.3)
DIP_WEIGHTS: Final = (0.2, 0.35, 0.45)
NIGHT_DIP_F: Final = 0.7
AFTERNOON_DIP_F: Final = 2.0
CALM_AROUND_PEAK_H: Final = 0.25


@dataclass(frozen=True, slots=True)
class DayShape:
    """The turning points of a climate day: hours of local standard time, °F."""

    low_hour: float
    low_f: float
    peak_hour: float
    peak_f: float


@dataclass(frozen=True, slots=True)
class Midnight:
    """The temperature between two climate days; `front` when one of them has its high there."""

    temperature_f: float
    front: bool


class Temperatures:
    """The temperatures of one world."""

    def __init__(self, seed: int, paths: ForecastPaths) -> None:
        self._seed = seed
        self._paths = paths
        self.shape = lru_cache(maxsize=4096)(self._shape)
        self.midnight_after = lru_cache(maxsize=4096)(self._midnight_after)
        self._curve = lru_cache(maxsize=4096)(self._fitted_curve)
        self._dip_phases = lru_cache(maxsize=64)(self._drawn_dip_phases)

    def maximum_f(self, city: City, day: date) -> float:
        """The highest temperature of a climate day."""
        return max(
            self.shape(city, day).peak_f,
            self.midnight_after(city, day - timedelta(days=1)).temperature_f,
            self.midnight_after(city, day).temperature_f,
        )

    def at_hours(self, city: City, day: date, hours: Floats) -> Floats:
        """Temperatures at hours (0 to 24) of local standard time of a climate day, °F."""
        return self.smooth_at_hours(city, day, hours) - self._dips(city, day, hours)

    def smooth_at_hours(self, city: City, day: date, hours: Floats) -> Floats:
        """The same without the small-scale dips: what a perfect forecaster could know."""
        points, values, slopes = self._curve(city, day)
        left = np.clip(np.searchsorted(points, hours, side="right") - 1, 0, len(points) - 2)
        width = points[left + 1] - points[left]
        x = (hours - points[left]) / width
        cubic = (1 + 2 * x) * (1 - x) ** 2 * values[left] + x**2 * (3 - 2 * x) * values[left + 1]
        return np.asarray(
            cubic + width * x * (1 - x) * ((1 - x) * slopes[left] - x * slopes[left + 1]), dtype=np.float64
        )

    def at(self, city: City, instant: datetime) -> float:
        """The temperature at an instant, °F."""
        day = city.climate_day(instant)
        hour = (instant - city.climate_day_start(day)) / timedelta(hours=1)
        return float(self.at_hours(city, day, np.array([hour]))[0])

    def _shape(self, city: City, day: date) -> DayShape:
        peak_f = self._paths.path(city, day).day_peak_f
        before_f = self._paths.path(city, day - timedelta(days=1)).day_peak_f
        chance = uniforms(self._seed, city.code, day, "shape", count=3)
        range_f = (normal_high(city.code, day) - normal_low(city.code, day)) * (0.65 + 0.7 * chance[0])
        low_f = min(0.45 * before_f + 0.55 * peak_f - range_f, min(before_f, peak_f) - 2.5)
        noon = solar_noon_hour(city)
        peak_hour = noon + PEAK_AFTER_NOON_H + 2.4 * (chance[1] - 0.5)
        if city.code in MARINE:
            peak_hour -= SEA_BREEZE_EARLIER_H
        low_hour = noon - _half_day_length_h(city.latitude, day) + 0.8 * (chance[2] - 0.3)
        return DayShape(float(low_hour), float(low_f), float(peak_hour), peak_f)

    def _midnight_after(self, city: City, day: date) -> Midnight:
        today, tomorrow = self.shape(city, day), self.shape(city, day + timedelta(days=1))
        warming = tomorrow.peak_f - today.peak_f
        happens, size = uniforms(self._seed, city.code, day, "midnight", count=2).tolist()
        likely = COLD_FRONT_AT_MIDNIGHT if warming < 0 else WARM_FRONT_AT_MIDNIGHT
        colder = min(today.peak_f, tomorrow.peak_f)
        if day.month in NIGHT_FRONT_MONTHS and abs(warming) >= FRONT_CHANGE_F and happens < likely:
            largest = LARGEST_COLD_EXCESS_F if warming < 0 else LARGEST_WARM_EXCESS_F
            room = min(largest, abs(warming) - LEAST_EXCESS_F - NEIGHBOUR_MARGIN_F)
            return Midnight(colder + LEAST_EXCESS_F + size * room, front=True)
        return Midnight(tomorrow.low_f + MIDNIGHT_SHARE * (colder - tomorrow.low_f), front=False)

    def _fitted_curve(self, city: City, day: date) -> tuple[Floats, Floats, Floats]:
        """Hours, values and slopes of the turning points from one midnight to the next."""
        yesterday, today, tomorrow = (self.shape(city, day + timedelta(days=k)) for k in (-1, 0, 1))
        before = self.midnight_after(city, day - timedelta(days=1))
        after = self.midnight_after(city, day)
        points = np.array(
            [
                yesterday.peak_hour - DAY_H,
                0.0,
                today.low_hour,
                today.peak_hour,
                DAY_H,
                tomorrow.low_hour + DAY_H,
            ]
        )
        values = np.array(
            [
                yesterday.peak_f,
                before.temperature_f,
                today.low_f,
                today.peak_f,
                after.temperature_f,
                tomorrow.low_f,
            ]
        )
        return points[1:-1], values[1:-1], _monotone_slopes(points, values)

    def _dips(self, city: City, day: date, hours: Floats) -> Floats:
        """How far below the smooth curve it is, °F; nothing where the day's maximum is decided."""
        absolute = hours + 24.0 * day.toordinal()
        waves = np.full_like(hours, 0.5)
        for period, weight, phase in zip(
            DIP_PERIODS_H, DIP_WEIGHTS, self._dip_phases(city.code).tolist(), strict=True
        ):
            waves += 0.5 * weight * np.sin(2 * math.pi * (absolute / period + phase))
        by_day = np.maximum(np.sin(math.pi * (hours - 7.0) / 12.0), 0.0)
        calm = 1 - np.exp(-(((hours - self.shape(city, day).peak_hour) / CALM_AROUND_PEAK_H) ** 2))
        for at_hour, midnight in (
            (0.0, self.midnight_after(city, day - timedelta(days=1))),
            (DAY_H, self.midnight_after(city, day)),
        ):
            if midnight.front:
                calm = calm * (1 - np.exp(-(((hours - at_hour) / CALM_AROUND_PEAK_H) ** 2)))
        return np.asarray((NIGHT_DIP_F + (AFTERNOON_DIP_F - NIGHT_DIP_F) * by_day) * waves * calm)

    def _drawn_dip_phases(self, code: str) -> Floats:
        return uniforms(self._seed, code, "dips", count=len(DIP_PERIODS_H))


def night_surprise_f(seed: int, city: City, day: date) -> float:
    """How much warmer than expected the midnight after `day` turns out when a front passes then, °F."""
    return 1.2 * normal(seed, city.code, day, "night surprise")


def _half_day_length_h(latitude: float, day: date) -> float:
    """Hours from sunrise to solar noon."""
    declination = math.radians(-23.44) * math.cos(2 * math.pi * (day.timetuple().tm_yday + 10) / 365.25)
    cosine = -math.tan(math.radians(latitude)) * math.tan(declination)
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine)))) / 15.0


def _monotone_slopes(points: Floats, values: Floats) -> Floats:
    """Slopes at the inner points that keep a cubic monotone between neighbours (Fritsch and Butland)."""
    widths, rises = np.diff(points), np.diff(values)
    steep = rises / widths
    left, right = steep[:-1], steep[1:]
    first, second = 2 * widths[1:] + widths[:-1], widths[1:] + 2 * widths[:-1]
    same_way = left * right > 0
    safe_left, safe_right = np.where(same_way, left, 1.0), np.where(same_way, right, 1.0)
    return np.where(same_way, (first + second) / (first / safe_left + second / safe_right), 0.0)


def whole_f(temperature_f: float) -> int:
    """The whole degree a station or an office makes of a temperature, halves upward."""
    return math.floor(temperature_f + 0.5)
