"""What is known of a forecast's errors: the facts learned from, and the frozen table they leave behind.

An error is forecast − observed, °F: a bias is taken off a forecast. Source: project reference on probability and
sizing, section 1.2. The table is made by `weather.domain.learning`.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from math import sqrt
from types import MappingProxyType
from typing import Final, NamedTuple

from weather.domain.bias import LARGEST_BIAS_F
from weather.domain.blending import PRIOR_DAYS
from weather.domain.calibration import season_of, sigma_for
from weather.domain.climatology import day_of_year
from weather.domain.regime import limited_step, unrest
from weather.domain.types import Climatology, DistKind

PRIOR_DF: Final = 6.0
"""Degrees of freedom of Student's t that the errors of ten cities show together (nws-and-settlement.md 5.2)."""

PRIOR_BIAS_SE_F: Final = 0.5
PRIOR_LN_SD_SE: Final = 0.1
LEAD_EDGES: Final = (14.0, 27.0, 39.0, 51.0, 75.0, 99.0)
"""Hours before 15:00 standard time between which leads are alike: same morning, evening before, and so on by half days."""
MISSES_KEPT: Final = 4
_DAY: Final = timedelta(days=1)

PriorSd = Callable[[str, float, date], float]
"""Standard deviation of the error, °F, before any was seen: by city, lead in hours and target date."""


class ForecastError(NamedTuple):
    """One forecast high against what settled."""

    city_code: str
    source: str
    kind: DistKind
    lead_hours: float
    """From the time of use to 15:00 local standard time of the target date."""
    target_date: date
    error_f: float
    """Forecast − observed, of the forecast as published: nothing corrected."""
    known_at: datetime
    """When the observed high was out; never before the day is over."""
    revision_f: float | None = None
    """Forecast − the same source's forecast of about twelve hours before, for the same day."""
    apart_f: float = 0.0
    """Of a combination: between its two sources farthest apart."""


class BiasAndSpread(NamedTuple):
    """A source's error for one city, lead and day: mean (forecast − observed) and standard deviation, °F.

    `df` of Student's t; `n` days it rests on beside the prior; standard errors of the bias (°F) and of ln sd.
    """

    bias: float
    sd: float
    df: float
    n: float
    bias_se: float
    ln_sd_se: float


class Cell(NamedTuple):
    """What one city, source and lead has shown.

    `squares` sums squared errors in units of the prior's variance over `days`, both fading with age; `misses` are the
    errors of the last few days beyond the bias, newest first.
    """

    bias: float = 0.0
    bias_variance: float = 4.0
    squares: float = 0.0
    days: float = 0.0
    misses: tuple[tuple[date, float], ...] = ()

    def miss_before(self, day: date) -> float:
        """The miss of the day before, °F; 0 when it is not known (yet)."""
        before = day - _DAY
        return limited_step(next((miss for missed, miss in self.misses if missed == before), 0.0))

    def with_miss(self, day: date, miss_f: float) -> "Cell":
        """With the miss of `day`, instead of what was known of it."""
        others = {missed: miss for missed, miss in self.misses} | {day: miss_f}
        newest = sorted(others.items(), reverse=True)[:MISSES_KEPT]
        return self._replace(misses=tuple(newest))


class Pool(NamedTuple):
    """What all cities show together for one source and lead.

    Of a revision and of yesterday's miss this share comes again as an error; `ratio` is the variance in units of the
    prior's, `df` of Student's t.
    """

    of_revision: float = 0.0
    of_last_miss: float = 0.0
    ratio: float = 1.0
    df: float = PRIOR_DF


def measured_prior(city_code: str, lead_hours: float, day: date) -> float:
    """The spread measured over 2021-22 (`weather.domain.calibration`). Raises ValueError as `sigma_for`."""
    return sigma_for(city_code, lead_hours, season_of(day))


def lead_class(lead_hours: float) -> int:
    """Leads that are learned together have the same number, later ones a smaller one."""
    return bisect_right(LEAD_EDGES, lead_hours)


@dataclass(frozen=True)
class Calibration:
    """Everything a fit has learned, as of one moment. Immutable; `version` names it, and it hashes by that."""

    version: str
    cells: Mapping[tuple[str, str, int], Cell] = field(default_factory=lambda: MappingProxyType({}))
    """By city, source and lead class."""
    pools: Mapping[tuple[str, int], Pool] = field(default_factory=lambda: MappingProxyType({}))
    """By source and lead class."""
    prior_sd: PriorSd = measured_prior
    widening: float = 1.0
    """Factor on every spread, above 1 while the coverage of late falls short."""
    usual: Mapping[str, Mapping[int, Climatology]] = field(default_factory=lambda: MappingProxyType({}))
    """By city, what the high usually is on each day of the year (`climatology.usual_highs`)."""

    def __hash__(self) -> int:
        return hash(self.version)

    def spread_of(
        self,
        city_code: str,
        source: str,
        lead_hours: float,
        day: date,
        revision_f: float | None = None,
        apart_f: float = 0.0,
    ) -> BiasAndSpread:
        """Bias and spread of `source` for the high of `day` in `city_code`, `lead_hours` before 15:00 standard time.

        `revision_f` is how far the forecast has moved in about twelve hours; None when that is not known;
        `apart_f`, of a combination, between its sources farthest apart. Raises ValueError for a city without a prior or a
        lead that is not finite.
        """
        sd0 = self.prior_sd(city_code, lead_hours, day)
        place = lead_class(lead_hours)
        cell = self.cells.get((city_code, source, place))
        if cell is None:
            sd = sd0 * self.widening
            return BiasAndSpread(0.0, sd, PRIOR_DF, 0.0, PRIOR_BIAS_SE_F, PRIOR_LN_SD_SE)
        pool = self.pools.get((source, place), Pool())
        revision, miss = limited_step(revision_f or 0.0), cell.miss_before(day)
        moved = pool.of_revision * revision + pool.of_last_miss * miss
        bias = max(-LARGEST_BIAS_F, min(LARGEST_BIAS_F, cell.bias)) + moved
        ratio = (cell.squares + PRIOR_DAYS * pool.ratio) / (cell.days + PRIOR_DAYS)
        variance = sd0**2 * ratio * unrest(revision, miss, apart_f) + cell.bias_variance / 2
        return BiasAndSpread(
            bias=bias,
            sd=sqrt(variance) * self.widening,
            df=pool.df,
            n=cell.days,
            bias_se=sqrt(cell.bias_variance),
            ln_sd_se=sqrt(1 / (2 * (cell.days + PRIOR_DAYS))),
        )

    def days_of(self, city_code: str, source: str, lead_hours: float) -> float:
        """Settled days, faded, on which the source's errors rest beside the prior: `n` of `spread_of`."""
        cell = self.cells.get((city_code, source, lead_class(lead_hours)))
        return 0.0 if cell is None else cell.days

    def climatology_of(self, city_code: str, day: date) -> Climatology | None:
        """What the high usually is around `day`; None where too few days are known."""
        return self.usual.get(city_code, {}).get(day_of_year(day))

    def sources_of(self, city_code: str, lead_hours: float) -> tuple[str, ...]:
        """The sources whose errors for the city at this lead were seen, by name."""
        return self._sources.get((city_code, lead_class(lead_hours)), ())

    @cached_property
    def _sources(self) -> Mapping[tuple[str, int], tuple[str, ...]]:
        """By city and lead class."""
        found: dict[tuple[str, int], list[str]] = {}
        for city_code, source, place in self.cells:
            found.setdefault((city_code, place), []).append(source)
        return {at: tuple(sorted(sources)) for at, sources in found.items()}

    def miss_before(self, city_code: str, source: str, lead_hours: float, day: date) -> float:
        """By how much the source missed the day before beyond its bias, °F; 0 when that is not known (yet)."""
        cell = self.cells.get((city_code, source, lead_class(lead_hours)))
        return 0.0 if cell is None else cell.miss_before(day)


PRIOR: Final = Calibration(version="prior-1")
"""Before any own error: no bias, the measured spread of the city, lead and season."""
