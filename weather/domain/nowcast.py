"""The rest of a day: the maximum of the hours still to come, and how settled the day's high is.

Each remaining hour has the forecast temperature plus the present deviation, carried forward and fading; the errors of
the hours share most of their variance. Source: project reference on probability and sizing, sections 2.2 and 2.4, and on
NWS and settlement, section 5.3 (how the spread shrinks by the hour).
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import floor, sqrt
from statistics import median
from typing import Final, NamedTuple

from milkbot.core.cities import CityConfig
from milkbot.core.climate_day import climate_day_bounds
from weather.domain.families import OneFactorMax
from weather.domain.intraday import lock_probability
from weather.domain.types import (
    DaySoFar,
    HourlyTemps,
    LockState,
    Nowcast,
    RecentTemp,
    ReportedHigh,
    WeatherSnapshot,
)

DEVIATION_KEPT: Final = 0.85
"""Of the deviation from the hourly forecast, this share is left an hour later."""
SPREAD_BY_HOUR: Final = (
    (9.0, 1.0),
    (10.0, 0.85),
    (12.0, 0.65),
    (14.0, 0.45),
    (16.0, 0.25),
    (18.0, 0.12),
    (20.0, 0.08),
)
"""Local standard hour of the newest reading, and the share of the morning's spread that is left."""
MARINE: Final = frozenset({"SFO", "LAX", "SEA"})
MARINE_FACTOR: Final = 1.25
LEAST_SPREAD_F: Final = 0.4
SHARED: Final = 0.9
"""Of the variance of an hour's error, the share all remaining hours have in common."""
OUT_OF_REACH: Final = 6.0
"""An hour cooler than the warmest by so many of its own standard deviations beats it once in 100,000 days."""
SURPRISE: Final = 0.02
"""Kept above the maximum so far until the station's own maximum of the day is in."""
LIKELY_FROM: Final = 0.8
LOCKED_FROM: Final = 0.98
PEAK_PASSED: Final = timedelta(hours=2)
FALLEN_F: Final = 2.0

_HOUR: Final = timedelta(hours=1)


class Spread(NamedTuple):
    """What is known of the forecast's error on the same morning: mean (forecast − observed) and sd, °F."""

    bias: float
    sd: float


def make_nowcast(
    city: CityConfig, snapshot: WeatherSnapshot, so_far: DaySoFar, spread: Spread
) -> Nowcast | None:
    """What the readings of `so_far.day` and the hourly forecast say of the day's maximum.

    It changes when a reading or a forecast arrives, not with time alone. None without an hourly forecast that reaches
    from the newest reading to the end of the day, unless a final report has closed it.
    """
    reported = _report_of(snapshot, so_far)
    newest = so_far.recent[0]
    if reported is not None and reported.is_final:
        return Nowcast(
            observed_at=newest.at,
            max_so_far={reported.high_f: 1.0},
            remaining=None,
            lock=LockState.FINAL,
            p_lock=1.0,
        )
    ahead = _hours_ahead(city, snapshot.hourly, so_far, spread.bias)
    if ahead is None:
        return None
    remaining = _remaining(city, so_far, ahead, spread.sd)
    pmf = _with_report(so_far.max_pmf, reported)
    maximum = _likeliest(pmf)
    p_beaten = 1 - lock_probability(remaining, maximum)
    lock = _lock(so_far, maximum, 1 - p_beaten, reported, max(ahead))
    if not so_far.has_day_max and p_beaten < SURPRISE:
        pmf = _with_surprise(pmf, maximum, SURPRISE - p_beaten)
    return Nowcast(
        observed_at=newest.at,
        max_so_far=pmf,
        remaining=remaining,
        lock=lock,
        p_lock=1 - max(p_beaten, 0.0 if so_far.has_day_max else SURPRISE),
    )


def _report_of(snapshot: WeatherSnapshot, so_far: DaySoFar) -> ReportedHigh | None:
    reported = snapshot.reported
    return reported if reported is not None and reported.day == so_far.day else None


def _hours_ahead(
    city: CityConfig, hourly: HourlyTemps | None, so_far: DaySoFar, bias: float
) -> list[float] | None:
    """Temperatures to expect at the full hours left of the day, °F; the newest reading where none is left."""
    newest = so_far.recent[0]
    _, end = climate_day_bounds(so_far.day, city.std_offset_hours)
    deviation = _deviation(hourly, so_far.recent)
    if hourly is None or deviation is None or hourly.starts_at + len(hourly.temps_f) * _HOUR < end:
        return None
    ahead = []
    for number, temp_f in enumerate(hourly.temps_f):
        hour = hourly.starts_at + number * _HOUR
        if newest.at < hour < end:
            if temp_f is None:
                return None
            kept = DEVIATION_KEPT ** ((hour - newest.at) / _HOUR)
            ahead.append(temp_f + deviation * kept - bias * (1 - kept))
    return ahead or [newest.temp_f]


def _deviation(hourly: HourlyTemps | None, recent: Sequence[RecentTemp]) -> float | None:
    """How much warmer than forecast it is, °F: the median of the readings of the last hour."""
    found = [
        reading.temp_f - forecast
        for reading in recent
        if recent[0].at - reading.at <= _HOUR and (forecast := _forecast_at(hourly, reading.at)) is not None
    ]
    return median(found) if found else None


def _forecast_at(hourly: HourlyTemps | None, at: datetime) -> float | None:
    """The hourly forecast between two full hours, °F; before its first hour, that one for at most two hours."""
    if hourly is None or not hourly.temps_f:
        return None
    position = (at - hourly.starts_at) / _HOUR
    if not -2 <= position < len(hourly.temps_f):
        return None
    first = max(floor(position), 0)
    last = min(first + 1, len(hourly.temps_f) - 1)
    low, high = hourly.temps_f[first], hourly.temps_f[last]
    if low is None or high is None:
        return None
    return low + (high - low) * max(position - first, 0.0)


def _remaining(city: CityConfig, so_far: DaySoFar, ahead: Sequence[float], sd: float) -> OneFactorMax:
    start, _ = climate_day_bounds(so_far.day, city.std_offset_hours)
    share = _share_left((so_far.recent[0].at - start) / _HOUR)
    left = max(sd * share * (MARINE_FACTOR if city.code in MARINE and share < 1 else 1.0), LEAST_SPREAD_F)
    own = round(left * sqrt(1 - SHARED), 2)
    means = [round(temp_f, 1) for temp_f in ahead]
    return OneFactorMax(
        hourly_means=tuple(mean for mean in means if mean >= max(means) - OUT_OF_REACH * own),
        tau=round(left * sqrt(SHARED), 2),
        sigma_hour=own,
    )


def _share_left(hour: float) -> float:
    """Linear between the stated hours, constant beyond them."""
    place = bisect_right(SPREAD_BY_HOUR, (hour, 2.0))
    if place == 0 or place == len(SPREAD_BY_HOUR):
        return SPREAD_BY_HOUR[max(place - 1, 0)][1]
    (before, share_before), (after, share_after) = SPREAD_BY_HOUR[place - 1 : place + 1]
    return share_before + (share_after - share_before) * (hour - before) / (after - before)


def _with_report(pmf: Mapping[int, float], reported: ReportedHigh | None) -> dict[int, float]:
    """A preliminary report's high comes from the station's own averages: nothing below it is possible any more."""
    if reported is None:
        return dict(pmf)
    raised: defaultdict[int, float] = defaultdict(float)
    for degree, weight in pmf.items():
        raised[max(degree, reported.high_f)] += weight
    return raised


def _likeliest(pmf: Mapping[int, float]) -> int:
    return max(pmf, key=lambda degree: (pmf[degree], degree))


def _with_surprise(pmf: Mapping[int, float], maximum: int, share: float) -> dict[int, float]:
    """With `share` moved from the likeliest maximum to the degree above it."""
    moved = min(share, pmf[maximum])
    return {**pmf, maximum: pmf[maximum] - moved, maximum + 1: pmf.get(maximum + 1, 0.0) + moved}


def _lock(
    so_far: DaySoFar, maximum: int, p_lock: float, reported: ReportedHigh | None, warmest_ahead: float
) -> LockState:
    """LOCKED_OBS needs a peak two hours past, a fall of 2 °F, and no later hour forecast to come near.

    A preliminary report counts as one that closes the day only once nothing ahead is likely to beat it: the
    afternoon's are beaten on 5 to 20 % of days.
    """
    if p_lock < LIKELY_FROM:
        return LockState.OPEN
    if p_lock < LOCKED_FROM:
        return LockState.LIKELY
    if reported is not None and reported.high_f == maximum:
        return LockState.FINAL_PRELIM
    newest = so_far.recent[0]
    is_past = newest.at - so_far.warmest_at >= PEAK_PASSED or so_far.has_day_max
    has_fallen = max(newest.temp_f, warmest_ahead) <= maximum - FALLEN_F or so_far.has_day_max
    return LockState.LOCKED_OBS if is_past and has_fallen else LockState.LIKELY
