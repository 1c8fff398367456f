"""A run of the National Blend as station text: headings, hours, and daytime maxima. Minima and other elements stay out.

Its highs are the office's forecast of some hours before the run, moved by an error of the city and one of the day: a
second opinion that knows nothing the office does not, so that it hands nobody an edge over the market.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Final

from sandbox.cities import City
from sandbox.feeds import WeatherFeed
from sandbox.world.chance import normal

REACHES_H: Final = 72
STEP_H: Final = 3
FIRST_H: Final = 4
BEHIND: Final = timedelta(hours=4)
"""So old is the office's forecast that a run rests on."""
CITY_SD_F: Final = 1.0
DAY_SD_F: Final = 1.0
_CHANCE: Final = 2018


def run_text(cities: Iterable[City], weather: WeatherFeed, run_at: datetime) -> str:
    """The whole file of the run of `run_at`, a full hour."""
    return "\n".join(
        [
            "000",
            f"FOUS16 KWNO {run_at:%d%H%M}",
            "NBSUSA",
            *(_block(city, weather, run_at) for city in cities),
            "",
        ]
    )


def _block(city: City, weather: WeatherFeed, run_at: datetime) -> str:
    leads = [lead_h for lead_h in range(FIRST_H, REACHES_H + 1) if (run_at.hour + lead_h) % STEP_H == 0]
    heading = (
        f"{city.station_id}    NBM V5.0 NBS GUIDANCE    {run_at.month}/{run_at:%d/%Y}  {run_at:%H}00 UTC"
    )
    rows = {
        "UTC": (f"{(run_at.hour + lead_h) % 24:02}" for lead_h in leads),
        "FHR": (f"{lead_h:02}" for lead_h in leads),
        "TXN": _maxima(city, weather, run_at, leads),
    }
    return "\n".join(
        [heading, *(f"{name} " + "".join(f"{cell:>3}" for cell in row) for name, row in rows.items()), ""]
    )


def _maxima(city: City, weather: WeatherFeed, run_at: datetime, leads: Iterable[int]) -> Iterator[str]:
    """Under each 00Z the maximum of the day whose evening it is in."""
    issuance = weather.issuance(city, run_at - BEHIND)
    highs = dict(issuance.highs_f) if issuance else {}
    for lead_h in leads:
        at = run_at + timedelta(hours=lead_h)
        day = city.climate_day(at)
        known = at.hour == 0 and day in highs
        yield str(highs[day] + _error_f(city, day)) if known else ""


def _error_f(city: City, day: date) -> int:
    return round(
        CITY_SD_F * normal(_CHANCE, "nbm", city.station_id)
        + DAY_SD_F * normal(_CHANCE, "nbm", city.station_id, day)
    )
