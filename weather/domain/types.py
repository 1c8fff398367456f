"""What weather data mean once parsed. Frozen; temperatures integer °F unless the name ends in `_c`."""

from datetime import date, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, Field

from milkbot.core.constants import (
    ISSUANCE_BLOCK_AFTER,
    ISSUANCE_WARN_AFTER,
    OBSERVATION_USABLE_FOR,
    WEATHER_STALE_MIN,
)
from milkbot.core.frozen import Frozen, OftenMade
from weather.domain.families import Distribution, Normal

HOTTEST_PLAUSIBLE_F = 135
COLDEST_PLAUSIBLE_F = -60
HOTTEST_PLAUSIBLE_C = 57.3
COLDEST_PLAUSIBLE_C = -51.2


class Observation(Frozen):
    """One reading of a station. `temp_c` as reported; `temp_f` rounded for display, never a settled maximum."""

    station: str = Field(pattern=r"^[A-Z0-9]{4,5}$")
    observed_at: AwareDatetime
    temp_c: float = Field(ge=COLDEST_PLAUSIBLE_C, le=HOTTEST_PLAUSIBLE_C)
    is_metar: bool
    """True when METAR text with tenths backs the reading; a 5-minute record only carries whole °C."""
    six_hour_max_c: float | None = Field(default=None, ge=COLDEST_PLAUSIBLE_C, le=HOTTEST_PLAUSIBLE_C)
    day_max_c: float | None = Field(default=None, ge=COLDEST_PLAUSIBLE_C, le=HOTTEST_PLAUSIBLE_C)
    """The station's own maxima of the six hours and of the climate day before this METAR, where it names them."""

    @property
    def temp_f(self) -> int:
        return round(self.temp_c * 9 / 5 + 32)

    def temperature_only(self) -> "Observation":
        """Without the maxima of periods before it."""
        return self.model_copy(update={"six_hour_max_c": None, "day_max_c": None})


class DayHigh(Frozen):
    """The forecast high of one climate day: the larger of the daytime maximum and the hourly values of the night."""

    day: date
    high_f: int = Field(ge=COLDEST_PLAUSIBLE_F, le=HOTTEST_PLAUSIBLE_F)
    knows_night: bool = True
    """False when hours between the day's midnight and its morning are in no forecast and no reading any more: a warm
    midnight before a cold front may already have set the high."""


class HourlyTemps(Frozen):
    """Forecast °F at full hours, the first at `starts_at`; None where the grid leaves an hour out."""

    starts_at: AwareDatetime
    temps_f: tuple[int | None, ...]


class RecentTemp(Frozen):
    """A temperature just read, °F: exact from tenths, to about a degree from whole °C."""

    at: AwareDatetime
    temp_f: float


class DaySoFar(Frozen):
    """What the readings of one climate day say of its maximum so far."""

    day: date
    max_pmf: dict[int, float]
    """Probability of each whole °F that may be the maximum so far."""
    warmest_at: AwareDatetime
    """When the warmest reading was taken, the latest of several."""
    recent: tuple[RecentTemp, ...] = Field(min_length=1)
    """The last few temperatures, newest first."""
    has_day_max: bool = False
    """Whether the station's own maximum of the whole day is in: nothing between two reports is missing any more."""


class ReportedHigh(Frozen):
    """The newest climate report of a day: its high so far, °F, or the final one."""

    day: date
    high_f: int = Field(ge=COLDEST_PLAUSIBLE_F, le=HOTTEST_PLAUSIBLE_F)
    is_final: bool
    issued_at: AwareDatetime


class Ages(Frozen):
    """Three ages, never mixed (design 7). None where there is nothing to age."""

    fetched_age: timedelta
    observation_age: timedelta | None
    issuance_age: timedelta | None


class WeatherSnapshot(OftenMade):
    """All that is known of a city's weather at `captured_at`."""

    city_code: str = Field(pattern=r"^[A-Z]{3}$")
    captured_at: AwareDatetime
    """When we fetched it (a 304 counts as a fetch)."""
    issued_at: AwareDatetime | None = None
    """The grid's own `updateTime`: when the forecaster last sent it. HTTP freshness says nothing about this."""
    highs: tuple[DayHigh, ...] = ()
    observation: Observation | None = None
    hourly: HourlyTemps | None = None
    so_far: DaySoFar | None = None
    reported: ReportedHigh | None = None
    earlier_highs: tuple[DayHigh, ...] = ()
    """What the same source said of the days about twelve hours before: the difference is a revision."""

    def high_on(self, day: date) -> int | None:
        """Forecast high of climate day `day`, °F."""
        return next((entry.high_f for entry in self.highs if entry.day == day), None)

    def revision_on(self, day: date) -> int | None:
        """Forecast high of `day` less that of about twelve hours before, °F; None when either is unknown."""
        before = next((entry.high_f for entry in self.earlier_highs if entry.day == day), None)
        high = self.high_on(day)
        return None if high is None or before is None else high - before

    def ages(self, now: AwareDatetime) -> Ages:
        return Ages(
            fetched_age=now - self.captured_at,
            observation_age=now - self.observation.observed_at if self.observation else None,
            issuance_age=now - self.issued_at if self.issued_at else None,
        )

    def is_stale(self, now: AwareDatetime) -> bool:
        """Our own refresh fails: nothing fetched for longer than WEATHER_STALE_MIN."""
        return now - self.captured_at > timedelta(minutes=WEATHER_STALE_MIN)

    def issuance_blocks(self, now: AwareDatetime) -> bool:
        """The forecast is missing or so old that the city must not be traded."""
        return self.issued_at is None or now - self.issued_at > ISSUANCE_BLOCK_AFTER

    def issuance_warns(self, now: AwareDatetime) -> bool:
        return self.issued_at is None or now - self.issued_at > ISSUANCE_WARN_AFTER

    def observation_usable(self, now: AwareDatetime) -> bool:
        age = self.ages(now).observation_age
        return age is not None and age <= OBSERVATION_USABLE_FOR


class DistKind(StrEnum):
    """Of what a distribution speaks: the whole climate day, or only the hours still to come."""

    WHOLE_DAY = "whole_day"
    REMAINING = "remaining"


class LockState(StrEnum):
    """How sure it is that the day's maximum has been seen (probability-and-sizing.md 2.4)."""

    OPEN = "OPEN"
    LIKELY = "LIKELY"
    LOCKED_OBS = "LOCKED_OBS"
    FINAL_PRELIM = "FINAL_PRELIM"
    """The office's preliminary report of the day is out."""
    FINAL = "FINAL"
    """The final report is out."""


class Regime(StrEnum):
    """How settled a city's forecast is, from its revisions and the spread between sources."""

    NORMAL = "NORMAL"
    UNSETTLED = "UNSETTLED"
    DIVIDED = "DIVIDED"
    """The sources speak of different air masses."""


class Nowcast(Frozen):
    """What the day's readings say: H is the larger of the maximum so far and that of the hours still to come."""

    observed_at: AwareDatetime
    """Of the newest reading used."""
    max_so_far: dict[int, float]
    """Probability of each whole °F that may be the maximum so far."""
    remaining: Distribution | None
    """Of the maximum of the hours still to come; None once a report has closed the day."""
    lock: LockState
    p_lock: float = Field(ge=0, le=1)
    """Probability that the remaining hours do not beat the maximum so far."""


class Climatology(Frozen):
    """What the high of this city usually is on this day of the year, °F; `days` of record it rests on."""

    mean: float
    sd: float = Field(gt=0)
    days: float = Field(ge=0)


class SourceUse(Frozen):
    """A source's part in an outlook: its forecast high, the bias taken off it (forecast − observed), its weight."""

    name: str
    high: float
    bias: float
    weight: float = Field(ge=0, le=1)
    issued_at: AwareDatetime


def _gaussian(stated: dict[str, float]) -> Normal:
    """The distribution of an outlook that names none. A mean or sigma that was refused leaves nothing to build on."""
    return Normal(mu=stated.get("mu", 0.0), sigma=stated.get("sigma", 1.0))


class Outlook(Frozen):
    """What will the settled high of (city, climate day) be? Distributions of the integer maximum, °F.

    `distribution` is of the whole day, made without knowing the maximum so far, with mean `mu` and standard deviation
    `sigma`; `nowcast` is of the day as seen so far. Immutable once stored (ops.forecasts), so every probability can be
    replayed from its row.
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
    distribution: Distribution = Field(default_factory=_gaussian)
    nowcast: Nowcast | None = None
    climatology: Climatology | None = None
    sources: tuple[SourceUse, ...] = ()
    regime: Regime = Regime.NORMAL
    """Its factor is in `sigma` already."""
    basis_risk: float = Field(default=0.0, ge=0, le=1)
    """Probability that the settled degree is a neighbour of the observed one."""
    calibration_version: str = ""


class GridPoint(Frozen):
    """The forecast grid cell of a place. Offices regrid: the numbers are asked for daily."""

    office: str = Field(pattern=r"^[A-Z]{3}$")
    x: int = Field(ge=0, le=1000)
    y: int = Field(ge=0, le=1000)


class LayerValue(Frozen):
    """One entry of a grid layer, °C over [starts_at, ends_at)."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    temp_c: float = Field(ge=COLDEST_PLAUSIBLE_C, le=HOTTEST_PLAUSIBLE_C)


class Grid(Frozen):
    """The raw forecast of one grid cell: daytime maxima and the hourly temperature."""

    point: GridPoint
    issued_at: AwareDatetime
    """`updateTime`: when the office last sent it, whatever HTTP says of freshness."""
    max_temperature: tuple[LayerValue, ...]
    temperature: tuple[LayerValue, ...]


class ForecastPeriod(Frozen):
    """A twelve-hour or one-hour period of the worded forecast, °F."""

    starts_at: AwareDatetime
    is_daytime: bool
    temp_f: int = Field(ge=COLDEST_PLAUSIBLE_F, le=HOTTEST_PLAUSIBLE_F)
    name: str = ""
    conditions: str = ""


class Forecast(Frozen):
    """The periods in time order; `issued_at` is the office's `updateTime`."""

    issued_at: AwareDatetime
    periods: tuple[ForecastPeriod, ...]
    refused: tuple[str, ...] = ()
    """Why periods were left out, one sentence each."""


class ObservationList(Frozen):
    """Usable readings, newest first, and why the others were left out."""

    readings: tuple[Observation, ...]
    refused: tuple[str, ...] = ()


class CityWeather(Frozen):
    """One fetch of one city: the snapshot, every reading that came with it, and the parsed parts of the payload."""

    snapshot: WeatherSnapshot
    observations: tuple[Observation, ...] = ()
    raw: dict[str, object] = {}


class ProductRef(Frozen):
    """An entry of a product list; the text is fetched by `product_id`."""

    product_id: str = Field(pattern=r"^[0-9a-fA-F-]{36}$")
    issued_at: AwareDatetime


class CliReport(Frozen):
    """One issue of a station's daily climate report (CLI)."""

    cli_code: str = Field(pattern=r"^CLI[A-Z0-9]{3}$")
    climate_date: date
    issued_at: AwareDatetime
    is_final: bool
    """The report of a finished day. A preliminary one may still rise."""
    correction: str = Field(default="", pattern=r"^([A-Z]{3})?$")
    """The BBB group of the WMO heading: CCA is a first correction, RRA a delayed routine issue, empty the plain one."""
    high_f: int | None = Field(ge=COLDEST_PLAUSIBLE_F, le=HOTTEST_PLAUSIBLE_F)
    """None when the report says MM or names no maximum: wait for a later issue, never assume."""


class CliProduct(Frozen):
    """A report with the text it was read from, which is kept as evidence."""

    report: CliReport
    text: str
