"""What is known of a forecast's errors: the facts learned from, and the frozen table they leave behind.

An error is forecast − observed, °F: a bias is taken off a forecast. Source: project reference on probability and
sizing, section 1.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from weather.domain.calibration import season_of, sigma_for
from weather.domain.types import Climatology, DistKind

PRIOR_DF: Final = 6.0
"""Degrees of freedom of Student's t that the errors of ten cities show together (nws-and-settlement.md 5.2)."""

PRIOR_BIAS_SE_F: Final = 0.5
PRIOR_LN_SD_SE: Final = 0.1


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


@dataclass(frozen=True)
class Calibration:
    """Everything a fit has learned, as of one moment. Immutable; `version` names it, and it hashes by that."""

    version: str
    table: Mapping[object, object] = field(default_factory=lambda: MappingProxyType({}))

    def __hash__(self) -> int:
        return hash(self.version)

    def spread_of(self, city_code: str, source: str, lead_hours: float, day: date) -> BiasAndSpread:
        """Bias and spread of `source` for the high of `day` in `city_code`, `lead_hours` before 15:00 standard time.

        Raises ValueError for a city without a prior or a lead that is not finite.
        """
        sd = sigma_for(city_code, lead_hours, season_of(day))
        return BiasAndSpread(0.0, sd, PRIOR_DF, 0.0, PRIOR_BIAS_SE_F, PRIOR_LN_SD_SE)

    def climatology_of(self, city_code: str, day: date) -> Climatology | None:
        """What the high usually is around `day`; None where too few days are known."""
        return None


PRIOR: Final = Calibration(version="prior-1")
"""Before any own error: no bias, the measured spread of the city, lead and season."""
