"""How wrong is the forecast high? The prior sigma by city, lead and season, until own errors replace it."""

import json
import math
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, model_validator

from milkbot.core.cities import load_cities

PEAK_HOUR_LST: Final = 15
"""Leads are counted to 15:00 local standard time of the event date, about when the day peaks."""

_D0_ISSUED_UTC_HOUR: Final = 13 + 50 / 60
# 08:50 Eastern is 13:50Z in winter and 12:50Z in summer. The winter reading puts every anchor at the shorter lead,
# which can only make sigma larger.
_ANCHOR_HOURS: Final = (0.0, 12.0, 24.0, 36.0)
"""d0, d1PM, d1AM, d2PM in hours of lead beyond d0."""


class Season(StrEnum):
    """Meteorological seasons by the months they hold."""

    DJF = "DJF"
    MAM = "MAM"
    JJA = "JJA"
    SON = "SON"


_SEASONS: Final = tuple(Season)


class _CityPrior(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    d1am_over_d1pm: tuple[PositiveFloat, PositiveFloat] = Field(alias="d1AM_over_d1PM")
    seasons: dict[Season, tuple[PositiveFloat, PositiveFloat, PositiveFloat]] = {}
    fixed: tuple[PositiveFloat, PositiveFloat, PositiveFloat] | None = None
    why: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> "_CityPrior":
        if (self.fixed is None) != (set(self.seasons) == set(Season)):
            raise ValueError("give either all four seasons or fixed values with their reason")
        return self


class _Prior(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str
    skill_factor: float = Field(gt=0, le=1)
    floor_f: float = Field(ge=1)
    cities: dict[str, _CityPrior]


def season_of(day: date) -> Season:
    """The meteorological season of `day`."""
    return _SEASONS[day.month % 12 // 3]


def sigma_for(city_code: str, lead_hours: float, season: Season) -> float:
    """Standard deviation in °F of (settled high − forecast high), rounded up to 0.01 °F.

    Linear in `lead_hours` between the measured leads, held constant beyond them, and never smaller at a longer lead:
    too wide costs little, too narrow costs the bankroll. Raises ValueError for a city without a prior or a lead that
    is not finite.
    """
    if not math.isfinite(lead_hours):
        raise ValueError(f"not a lead: {lead_hours}")
    anchors = _anchors().get((city_code, season))
    if anchors is None:
        raise ValueError(f"no sigma prior for city {city_code!r}")
    return _round_up(_interpolate(anchors, lead_hours))


@lru_cache(maxsize=1)
def _anchors() -> "Mapping[tuple[str, Season], tuple[tuple[float, float], ...]]":
    """(lead hours, sigma) points by city and season, ascending in both."""
    raw = json.loads(files("weather.domain").joinpath("sigma_prior.json").read_text(encoding="utf-8"))
    prior = _Prior.model_validate(raw)
    offsets = {code: city.std_offset_hours for code, city in load_cities().items()}
    return MappingProxyType(
        {
            (code, season): tuple(zip(_leads(offsets[code]), _sigmas(prior, city, season), strict=True))
            for code, city in prior.cities.items()
            for season in Season
        }
    )


def _leads(std_offset_hours: int) -> tuple[float, ...]:
    d0 = PEAK_HOUR_LST - std_offset_hours - _D0_ISSUED_UTC_HOUR
    return tuple(d0 + hours for hours in _ANCHOR_HOURS)


def _sigmas(prior: _Prior, city: _CityPrior, season: Season) -> tuple[float, ...]:
    # Fixed values are already the figure to use; measured ones are of 2021-22 and forecasts have improved since.
    d0, d1pm, d2pm = city.fixed or (value * prior.skill_factor for value in city.seasons[season])
    d1am = d1pm * city.d1am_over_d1pm[0] / city.d1am_over_d1pm[1]
    rising: list[float] = []
    for value in (d0, d1pm, d1am, d2pm):
        rising.append(max(value, prior.floor_f, *rising[-1:]))
    return tuple(rising)


def _interpolate(points: tuple[tuple[float, float], ...], lead_hours: float) -> float:
    if lead_hours <= points[0][0]:
        return points[0][1]
    for (lead_a, sigma_a), (lead_b, sigma_b) in pairwise(points):
        if lead_hours <= lead_b:
            return sigma_a + (sigma_b - sigma_a) * (lead_hours - lead_a) / (lead_b - lead_a)
    return points[-1][1]


def _round_up(sigma: float) -> float:
    # The small allowance keeps binary noise (1.4 stored as 1.4000…01) from counting as a further hundredth.
    return math.ceil(sigma * 100 - 1e-6) / 100
