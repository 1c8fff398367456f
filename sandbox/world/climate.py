"""What is usual: highs, lows and their spread by city and month, and how wrong forecasts are.

Normals approximate the 1991-2020 station normals to about a degree, spreads of the daily high by season are rounder
still; both only have to make the world look like itself. The error table is the one the world is held to: measured
errors of official city forecasts, project reference on NWS and settlement, section 5.2.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sandbox.cities import City

Months = tuple[float, float, float, float, float, float, float, float, float, float, float, float]
Seasons = tuple[float, float, float, float]

DAYS_OF_MONTH_MIDDLE: Final = 15
EASTERN: Final = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class Climate:
    """°F. `highs` and `lows` by month; `spread` is the standard deviation of daily highs in DJF, MAM, JJA, SON."""

    highs: Months
    lows: Months
    spread: Seasons


@dataclass(frozen=True, slots=True)
class Skill:
    """Standard deviation of (settled high - forecast high), °F, by season: d0, d1PM, d2PM.

    `d1am_over_d1pm`: annual ratio. `memory`: lag-1 correlation of the errors of successive days.
    """

    seasons: tuple[tuple[float, float, float], ...]
    d1am_over_d1pm: float
    memory: float


CLIMATES: Final = {
    "NYC": Climate(
        (39.5, 42.2, 49.9, 61.8, 71.4, 79.7, 84.9, 83.3, 76.2, 64.5, 54.0, 44.3),
        (27.9, 29.5, 35.8, 45.5, 55.5, 65.0, 70.8, 69.7, 62.9, 51.5, 42.0, 33.8),
        (9.5, 10.5, 6.5, 8.5),
    ),
    "CHI": Climate(
        (32.8, 36.8, 47.9, 60.0, 71.5, 81.2, 85.2, 83.1, 76.5, 63.7, 49.6, 37.7),
        (19.5, 22.9, 32.3, 42.6, 53.0, 63.4, 68.9, 67.8, 60.2, 48.4, 36.1, 25.6),
        (11.5, 12.5, 7.0, 10.5),
    ),
    "LAX": Climate(
        (66.3, 65.6, 66.1, 68.1, 69.5, 72.0, 75.1, 76.7, 76.5, 74.4, 70.9, 66.5),
        (49.6, 50.6, 52.3, 54.6, 57.9, 61.1, 64.3, 64.8, 63.7, 59.8, 54.0, 49.7),
        (6.5, 5.5, 4.2, 6.5),
    ),
    "MIA": Climate(
        (76.2, 78.2, 80.6, 83.6, 86.7, 89.3, 90.6, 90.7, 89.0, 85.9, 81.3, 78.2),
        (60.9, 62.8, 65.6, 69.3, 73.0, 75.9, 77.3, 77.4, 76.5, 73.8, 68.3, 64.1),
        (5.5, 4.0, 2.8, 4.0),
    ),
    "AUS": Climate(
        (62.1, 66.0, 72.9, 79.8, 86.5, 92.9, 95.9, 97.2, 91.1, 82.5, 71.3, 63.3),
        (38.8, 42.3, 49.6, 56.5, 65.2, 71.5, 73.4, 73.1, 67.7, 57.7, 47.2, 40.1),
        (11.5, 8.5, 5.0, 8.5),
    ),
    "DEN": Climate(
        (44.8, 45.8, 55.8, 61.5, 71.0, 83.3, 90.0, 87.5, 79.5, 65.4, 53.1, 44.2),
        (18.8, 20.2, 28.2, 34.8, 44.1, 53.5, 59.8, 58.0, 49.4, 36.8, 26.5, 18.9),
        (13.0, 12.5, 8.0, 12.5),
    ),
    "PHL": Climate(
        (41.3, 44.3, 52.7, 64.5, 74.3, 83.1, 87.8, 85.8, 78.9, 67.2, 56.1, 46.1),
        (26.0, 27.7, 34.3, 44.3, 54.2, 64.0, 69.7, 68.0, 60.9, 49.2, 39.3, 31.2),
        (9.5, 10.5, 6.5, 9.0),
    ),
    "BOS": Climate(
        (36.8, 39.0, 45.5, 56.4, 66.5, 76.2, 82.1, 80.4, 73.1, 62.1, 51.6, 42.2),
        (23.1, 24.6, 31.3, 40.7, 50.3, 59.7, 66.0, 65.1, 58.2, 47.5, 38.1, 29.4),
        (9.5, 10.5, 8.0, 9.0),
    ),
    "SEA": Climate(
        (48.0, 50.3, 54.2, 59.3, 66.3, 71.1, 77.4, 77.6, 71.6, 60.5, 52.1, 47.0),
        (37.7, 37.7, 39.9, 43.3, 48.9, 53.2, 57.2, 57.6, 53.5, 47.1, 41.2, 37.3),
        (5.5, 7.0, 8.0, 7.0),
    ),
    "SFO": Climate(
        (57.8, 60.5, 62.4, 64.1, 66.9, 70.0, 70.9, 71.6, 73.1, 69.9, 63.1, 57.7),
        (44.9, 46.8, 47.9, 49.2, 51.6, 53.6, 55.1, 56.1, 55.8, 53.5, 49.1, 45.2),
        (4.8, 6.0, 6.5, 6.5),
    ),
}

# Los Angeles: the measured row is downtown, so the middle of the range given for the airport. Miami: the deviation
# without the bias between beach and airport. Both hold all year.
_LAX: Final = (2.1, 2.5, 2.84)
_MIA: Final = (1.50, 1.68, 1.78)

SKILLS: Final = {
    "NYC": Skill(((2.6, 3.1, 3.6), (2.5, 2.7, 3.5), (2.2, 2.5, 3.1), (1.8, 2.1, 2.1)), 2.78 / 2.67, 0.20),
    "CHI": Skill(((2.5, 2.9, 3.3), (2.6, 3.5, 4.3), (2.3, 2.5, 3.4), (2.2, 2.5, 2.8)), 3.28 / 3.00, 0.10),
    "LAX": Skill((_LAX, _LAX, _LAX, _LAX), 3.15 / 3.04, 0.32),
    "MIA": Skill((_MIA, _MIA, _MIA, _MIA), 2.07 / 1.99, 0.10),
    "AUS": Skill(((3.2, 4.2, 5.9), (2.9, 3.4, 3.7), (2.5, 2.5, 2.7), (1.8, 2.2, 2.5)), 3.53 / 3.26, 0.34),
    "DEN": Skill(((4.0, 4.4, 5.3), (2.7, 3.0, 3.7), (2.3, 2.5, 2.8), (2.6, 3.0, 3.4)), 3.62 / 3.30, 0.10),
    "PHL": Skill(((2.3, 2.6, 3.4), (2.3, 2.8, 3.4), (1.8, 2.0, 2.3), (2.0, 2.2, 2.3)), 2.72 / 2.49, 0.10),
    "BOS": Skill(((2.2, 2.4, 2.8), (3.3, 3.9, 4.1), (2.7, 3.0, 3.6), (2.4, 2.7, 2.8)), 3.30 / 3.16, 0.10),
    "SEA": Skill(((2.1, 2.3, 2.6), (2.2, 2.1, 2.3), (2.9, 3.2, 3.5), (2.0, 2.3, 2.7)), 2.69 / 2.44, 0.24),
    "SFO": Skill(((2.4, 2.6, 2.9), (3.0, 3.1, 3.5), (3.8, 4.1, 4.1), (2.4, 2.8, 3.1)), 3.37 / 3.17, 0.35),
}

MARINE: Final = frozenset({"LAX", "SFO", "SEA"})


def season_index(day: date) -> int:
    """0 to 3 for the meteorological seasons DJF, MAM, JJA, SON."""
    return day.month % 12 // 3


def anchor_sigmas(city_code: str, day: date) -> tuple[float, float, float, float]:
    """The error table's d0, d1PM, d1AM, d2PM for a day, °F, never smaller at a longer lead.

    Where the measured figures fall with the lead (by 0.1 °F or less) the larger one holds for both.
    """
    skill = SKILLS[city_code]
    d0, d1pm, d2pm = skill.seasons[season_index(day)]
    d1pm = max(d1pm, d0)
    d1am = d1pm * skill.d1am_over_d1pm
    return d0, d1pm, d1am, max(d2pm, d1am)


def normal_high(city_code: str, day: date) -> float:
    """The usual high of a date, °F."""
    return _between_months(CLIMATES[city_code].highs, day)


def normal_low(city_code: str, day: date) -> float:
    """The usual low of a date, °F."""
    return _between_months(CLIMATES[city_code].lows, day)


def high_spread(city_code: str, day: date) -> float:
    """Standard deviation of daily highs about the normal, °F."""
    return CLIMATES[city_code].spread[season_index(day)]


def eastern_morning(day: date) -> datetime:
    """08:50 Eastern time of a date, UTC: the moment the error table calls d0; the others lie 12, 24, 36 h before it."""
    return datetime.combine(day, time(8, 50), EASTERN).astimezone(UTC)


def solar_noon_hour(city: City) -> float:
    """Hours of local standard time at which the sun stands highest, the equation of time left out."""
    return 12.0 + city.standard_offset / timedelta(hours=1) - city.longitude / 15.0


def _between_months(values: Months, day: date) -> float:
    """Straight lines between the middles of the months."""
    position = day.month - 1 + (day.day - DAYS_OF_MONTH_MIDDLE) / 30.5
    first = int(position // 1)
    part = position - first
    return values[first % 12] * (1 - part) + values[(first + 1) % 12] * part
