"""What weather data mean once parsed. Frozen; temperatures integer °F unless the name ends in `_c`."""

from datetime import date, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from milkbot.core.constants import (
    ISSUANCE_BLOCK_AFTER,
    ISSUANCE_WARN_AFTER,
    OBSERVATION_USABLE_FOR,
    WEATHER_STALE_MIN,
)

HOTTEST_PLAUSIBLE_F = 135
COLDEST_PLAUSIBLE_F = -60


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Observation(_Frozen):
    """One reading of a station. `temp_c` as reported; `temp_f` rounded for display, never a settled maximum."""

    station: str = Field(pattern=r"^[A-Z0-9]{4,5}$")
    observed_at: AwareDatetime
    temp_c: float = Field(ge=-51.2, le=57.3)
    is_metar: bool
    """True when METAR text with tenths backs the reading; a 5-minute record only carries whole °C."""

    @property
    def temp_f(self) -> int:
        return round(self.temp_c * 9 / 5 + 32)


class DayHigh(_Frozen):
    """The forecast high of one climate day: the larger of the daytime maximum and the hourly values of the night."""

    day: date
    high_f: int = Field(ge=COLDEST_PLAUSIBLE_F, le=HOTTEST_PLAUSIBLE_F)


class Ages(_Frozen):
    """Three ages, never mixed (design 7). None where there is nothing to age."""

    fetched_age: timedelta
    observation_age: timedelta | None
    issuance_age: timedelta | None


class WeatherSnapshot(_Frozen):
    """All that is known of a city's weather at `captured_at`."""

    city_code: str = Field(pattern=r"^[A-Z]{3}$")
    captured_at: AwareDatetime
    """When we fetched it (a 304 counts as a fetch)."""
    issued_at: AwareDatetime | None = None
    """The grid's own `updateTime`: when the forecaster last sent it. HTTP freshness says nothing about this."""
    highs: tuple[DayHigh, ...] = ()
    observation: Observation | None = None

    def high_on(self, day: date) -> int | None:
        """Forecast high of climate day `day`, °F."""
        return next((entry.high_f for entry in self.highs if entry.day == day), None)

    def ages(self, now: AwareDatetime) -> Ages:
        return Ages(
            fetched_age=now - self.captured_at,
            observation_age=now - self.observation.observed_at if self.observation else None,
            issuance_age=now - self.issued_at if self.issued_at else None,
        )

    def is_stale(self, now: AwareDatetime) -> bool:
        """Our own refresh fails: nothing fetched for longer than WEATHER_STALE_MIN."""
        return self.ages(now).fetched_age > timedelta(minutes=WEATHER_STALE_MIN)

    def issuance_blocks(self, now: AwareDatetime) -> bool:
        """The forecast is missing or so old that the city must not be traded."""
        age = self.ages(now).issuance_age
        return age is None or age > ISSUANCE_BLOCK_AFTER

    def issuance_warns(self, now: AwareDatetime) -> bool:
        age = self.ages(now).issuance_age
        return age is None or age > ISSUANCE_WARN_AFTER

    def observation_usable(self, now: AwareDatetime) -> bool:
        age = self.ages(now).observation_age
        return age is not None and age <= OBSERVATION_USABLE_FOR


class DistKind(StrEnum):
    """Of what a distribution speaks: the whole climate day, or only the hours still to come."""

    WHOLE_DAY = "whole_day"
    REMAINING = "remaining"


class Outlook(_Frozen):
    """What will the settled high of (city, climate day) be? A Gaussian of the integer maximum, °F.

    Immutable once stored (ops.forecasts), so every probability can be replayed from its row.
    """

    city_code: str
    event_date: date
    made_at: AwareDatetime
    issued_at: AwareDatetime
    source: str
    kind: DistKind = DistKind.WHOLE_DAY
    forecast_high_f: int
    mu: float
    sigma: float = Field(gt=0)
    mu_se: float = Field(ge=0)
    """Standard error of mu, °F: what bias we cannot yet exclude."""
    ln_sigma_se: float = Field(ge=0)
    lead_hours: float
    model_version: str
