"""From a snapshot to an outlook: the distribution of one climate day's settled high."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from milkbot.core.cities import CityConfig
from milkbot.core.climate_day import climate_day_bounds
from weather.domain.calibration import PEAK_HOUR_LST
from weather.domain.combining import SourceHigh, best_of
from weather.domain.errors import PRIOR, Calibration
from weather.domain.families import StudentT
from weather.domain.nowcast import Spread, make_nowcast
from weather.domain.types import Nowcast, Outlook, WeatherSnapshot

SOURCE: Final = "nws_grid"
MODEL_VERSION: Final = "student-1"

BASIS_RISK: Final = 0.0025
"""One settled value in 448 was not the climate report's (nws-and-settlement.md 0.1), rounded up."""


def make_outlook(
    city: CityConfig,
    snapshot: WeatherSnapshot,
    event_date: date,
    now: datetime,
    calibration: Calibration = PRIOR,
    said: Sequence[SourceHigh] = (),
) -> Outlook | None:
    """What the high of `event_date` in `city` will be, as far as `snapshot` tells.

    The mean is the forecast high less the bias that `calibration` has measured; the prior knows none. `said` is what
    every source says of the day, the newest last: those whose errors are known are combined. Without it the snapshot's
    own high stands alone. Once the day has readings the outlook holds a nowcast beside it.
    None when the snapshot holds no dated forecast for that day or the day is over. Raises ValueError when the snapshot
    is of another city.
    """
    if snapshot.city_code != city.code:
        raise ValueError(f"snapshot of {snapshot.city_code} given for {city.code}")
    high_f = snapshot.high_on(event_date)
    start, end = climate_day_bounds(event_date, city.std_offset_hours)
    if high_f is None or snapshot.issued_at is None or now >= end:
        return None
    lead_hours = max((start + timedelta(hours=PEAK_HOUR_LST) - now) / timedelta(hours=1), 0.0)
    own = SourceHigh(SOURCE, high_f, snapshot.issued_at, snapshot.revision_on(event_date))
    best = best_of(calibration, city.code, lead_hours, event_date, said or (own,))
    errors = best.errors
    # In hundredths: what is stored to the hundredth is then exactly what was used.
    mu, sigma = round(best.mu, 2), round(errors.sd, 2)
    return Outlook(
        city_code=city.code,
        event_date=event_date,
        made_at=now,
        issued_at=snapshot.issued_at,
        source=best.source,
        forecast_high_f=high_f,
        mu=mu,
        sigma=sigma,
        mu_se=errors.bias_se,
        ln_sigma_se=errors.ln_sd_se,
        lead_hours=lead_hours,
        model_version=MODEL_VERSION,
        distribution=StudentT.with_sd(mu, sigma, errors.df),
        # What is off the grid's own high is off its hours too.
        nowcast=_nowcast(city, snapshot, event_date, Spread(high_f - best.mu, errors.sd)),
        climatology=calibration.climatology_of(city.code, event_date),
        sources=best.uses,
        regime=best.regime,
        basis_risk=BASIS_RISK,
        calibration_version=calibration.version,
    )


def _nowcast(city: CityConfig, snapshot: WeatherSnapshot, event_date: date, spread: Spread) -> Nowcast | None:
    so_far = snapshot.so_far
    if so_far is None or so_far.day != event_date:
        return None
    return make_nowcast(city, snapshot, so_far, spread)
