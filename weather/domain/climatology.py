"""What a city's high usually is on every day of the year, out of the official highs of the past.

A yearly wave through all of them, moved by how the highs around the same day lay beside it; mean and spread of few days
are drawn to those of the whole record. Source: project reference on probability and sizing, section 1.3 (a window of
ten days to either side; here smooth instead of sharp).
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

import numpy as np

from milkbot.core.arrays import Floats
from weather.domain.blending import PRIOR_DAYS
from weather.domain.types import Climatology

WINDOW_DAYS: Final = 10.0
"""Standard deviation of the weights around a day of the year."""
FEWEST_DAYS: Final = 300
"""Fewer do not show a year's wave."""
LEAST_SD_F: Final = 2.0
_YEAR: Final = 365.2425
_DAYS: Final = np.arange(1, 367)
_APART: Final = np.abs(_DAYS[:, None] - _DAYS[None, :])
_NEAR: Final = np.exp(-0.5 * (np.minimum(_APART, _YEAR - _APART) / WINDOW_DAYS) ** 2)


def day_of_year(day: date) -> int:
    """1 to 366."""
    return day.timetuple().tm_yday


def usual_highs(highs: Mapping[date, int]) -> Mapping[int, Climatology]:
    """By day of the year, out of the official high of each day; empty with fewer than FEWEST_DAYS of them.

    Give only days whose high was known at the moment for which this is made.
    """
    if len(highs) < FEWEST_DAYS:
        return MappingProxyType({})
    on = np.asarray([day_of_year(day) for day in highs])
    high = np.asarray(list(highs.values()), dtype=float)
    wave, *_ = np.linalg.lstsq(_waves(on), high, rcond=None)
    beside = high - _waves(on) @ wave
    count, total, squares = (
        np.bincount(on, weights, minlength=367)[1:] for weights in (np.ones(len(on)), beside, beside**2)
    )
    days = _NEAR @ count
    moved = _NEAR @ total / (days + PRIOR_DAYS)
    # Squares around the moved mean: Σ(x − m)² = Σx² − 2mΣx + nm².
    around = _NEAR @ squares - 2 * moved * (_NEAR @ total) + days * moved**2
    overall = float(np.mean(beside**2))
    sd = np.sqrt((around + PRIOR_DAYS * overall) / (days + PRIOR_DAYS))
    mean = _waves(_DAYS) @ wave + moved
    return MappingProxyType(
        {
            int(number): Climatology(mean=float(m), sd=max(float(s), LEAST_SD_F), days=float(n))
            for number, m, s, n in zip(_DAYS, mean, sd, days, strict=True)
        }
    )


def _waves(days: "np.ndarray[tuple[int], np.dtype[np.int_]]") -> Floats:
    """Columns of the yearly wave, shape (days, 3)."""
    angle = 2 * np.pi * days / _YEAR
    return np.column_stack([np.ones(len(days)), np.cos(angle), np.sin(angle)])
