"""From a snapshot to an outlook: the distribution of one climate day's settled high."""

from datetime import date, datetime, timedelta
from typing import Final

from milkbot.core.cities import CityConfig
from milkbot.core.climate_day import climate_day_bounds
from weather.domain.calibration import PEAK_HOUR_LST, season_of, sigma_for
from weather.domain.types import Outlook, WeatherSnapshot

SOURCE: Final = "nws_grid"
MODEL_VERSION: Final = "gauss-prior-1"

MU_STANDARD_ERROR_F: Final = 0.5
LN_SIGMA_STANDARD_ERROR: Final = 0.1


def make_outlook(
    city: CityConfig, snapshot: WeatherSnapshot, event_date: date, now: datetime
) -> Outlook | None:
    """What the high of `event_date` in `city` will be, as far as `snapshot` tells.

    The mean is the forecast high itself: no bias is corrected before there are own errors to measure it by.
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
    return Outlook(
        city_code=city.code,
        event_date=event_date,
        made_at=now,
        issued_at=snapshot.issued_at,
        source=SOURCE,
        forecast_high_f=high_f,
        mu=float(high_f),
        sigma=sigma_for(city.code, lead_hours, season_of(event_date)),
        mu_se=MU_STANDARD_ERROR_F,
        ln_sigma_se=LN_SIGMA_STANDARD_ERROR,
        lead_hours=lead_hours,
        model_version=MODEL_VERSION,
    )
