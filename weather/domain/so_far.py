"""The maximum so far as a probability of each whole °F, from everything a station sends in a climate day.

Every piece of evidence is a lower bound with its own uncertainty, and the maximum is the largest of them: the product
of their distribution functions. Source: project reference on probability and sizing, section 2.3, and on NWS and
settlement, section 1.7. The shares below are its proposals; none was fitted.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from math import fsum
from typing import Final

from milkbot.core.climate_day import climate_day_bounds
from weather.domain.observations import MetarGroups, PeriodMax, period_maxima
from weather.domain.temperature import c_to_f, whole_c_to_possible_f
from weather.domain.types import DaySoFar, Observation, RecentTemp

SAMPLE_TOO_HIGH: Final = 0.04
"""A METAR's temperature is a sample: the averaged maximum may be a degree lower."""
PEAK_UNSEEN_HOURLY: Final = 0.3
PEAK_UNSEEN_FIVE_MINUTE: Final = 0.1
"""The maximum may have fallen between two readings, a degree above both."""
RECENT_COUNT: Final = 3
_FIVE_MINUTES_APART: Final = timedelta(minutes=12)
_STEPS: Final = 100

Pmf = Mapping[int, float]


def day_so_far(readings: Iterable[Observation], day: date, std_offset_hours: int) -> DaySoFar | None:
    """What `readings`, in any order, say of climate day `day`; None without one of that day.

    Maxima that a METAR reports over a period count only when the whole period lies in the day.
    """
    start, end = climate_day_bounds(day, std_offset_hours)
    within = sorted(
        (each for each in readings if start <= each.observed_at < end),
        key=lambda each: (each.observed_at, each.is_metar),
        reverse=True,
    )
    if not within:
        return None
    periods = [
        period
        for each in within
        for period in period_maxima(_groups(each), each.observed_at, std_offset_hours)
        if start <= period.starts_at and period.ends_at <= end
    ]
    warmest = max(within, key=lambda each: (_exact_f(each), each.observed_at))
    return DaySoFar(
        day=day,
        max_pmf=_maximum(within, warmest, periods),
        warmest_at=warmest.observed_at,
        recent=_recent(within),
        has_day_max=any(each.day_max_c is not None for each in within),
    )


def _maximum(
    within: Sequence[Observation], warmest: Observation, periods: Sequence[PeriodMax]
) -> dict[int, float]:
    def is_covered(reading: Observation) -> bool:
        return any(period.starts_at <= reading.observed_at <= period.ends_at for period in periods)

    evidence: list[Pmf] = [{c_to_f(period.max_c): 1.0} for period in periods]
    tenths = [c_to_f(each.temp_c) for each in within if each.is_metar]
    if tenths:
        top = max(tenths)
        evidence.append({top - 1: SAMPLE_TOO_HIGH, top: 1 - SAMPLE_TOO_HIGH})
    # The station's own maximum of a period tells which of two degrees a whole °C in it was.
    whole_c = [round(each.temp_c) for each in within if not (each.is_metar or is_covered(each))]
    if whole_c:
        possible = whole_c_to_possible_f(max(whole_c))
        evidence.append({degree: 1 / len(possible) for degree in possible})
    known = _largest(evidence)
    return _in_hundredths(known if is_covered(warmest) else _with_unseen_peak(known, within, warmest))


def _largest(evidence: Sequence[Pmf]) -> dict[int, float]:
    """The pmf of the largest of independent values."""
    degrees = sorted({degree for pmf in evidence for degree in pmf})
    below, result = 0.0, {}
    for degree in degrees:
        up_to = 1.0
        for pmf in evidence:
            up_to *= fsum(weight for each, weight in pmf.items() if each <= degree)
        result[degree] = up_to - below
        below = up_to
    return {degree: weight for degree, weight in result.items() if weight > 0}


def _with_unseen_peak(known: Pmf, within: Sequence[Observation], warmest: Observation) -> dict[int, float]:
    apart = (abs(each.observed_at - warmest.observed_at) for each in within)
    beside = any(timedelta(0) < gap <= _FIVE_MINUTES_APART for gap in apart)
    share = PEAK_UNSEEN_FIVE_MINUTE if beside else PEAK_UNSEEN_HOURLY
    moved: defaultdict[int, float] = defaultdict(float)
    for degree, weight in known.items():
        moved[degree] += weight * (1 - share)
        moved[degree + 1] += weight * share
    return moved


def _in_hundredths(pmf: Pmf) -> dict[int, float]:
    """Whole hundredths that sum to 1, so that what is stored is what was used; the likeliest takes what is left."""
    likeliest = max(pmf, key=lambda degree: (pmf[degree], degree))
    counts = {degree: round(weight * _STEPS) for degree, weight in sorted(pmf.items())}
    counts[likeliest] += _STEPS - sum(counts.values())
    return {degree: count / _STEPS for degree, count in counts.items() if count > 0}


def _recent(within: Sequence[Observation]) -> tuple[RecentTemp, ...]:
    """The last temperatures by time; where a METAR and a whole °C are of one instant, the METAR's."""
    by_time = {each.observed_at: each for each in sorted(within, key=lambda each: each.is_metar)}
    newest = sorted(by_time.values(), key=lambda each: each.observed_at, reverse=True)[:RECENT_COUNT]
    return tuple(RecentTemp(at=each.observed_at, temp_f=_shown_f(each)) for each in newest)


def _shown_f(reading: Observation) -> float:
    return float(c_to_f(reading.temp_c)) if reading.is_metar else round(reading.temp_c * 9 / 5 + 32, 1)


def _exact_f(reading: Observation) -> float:
    return reading.temp_c * 9 / 5 + 32


def _groups(reading: Observation) -> MetarGroups:
    return MetarGroups(
        station=reading.station,
        temp_c=reading.temp_c,
        six_hour_max_c=reading.six_hour_max_c,
        day_max_c=reading.day_max_c,
    )
