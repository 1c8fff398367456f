"""What a station's reports say of the day's maximum so far.

Five-minute reports carry whole °C and may show a degree Fahrenheit too much; the remark groups of a METAR carry
tenths of °C, which name the whole °F exactly.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from milkbot.core.climate_day import climate_day, climate_day_bounds
from weather.domain.temperature import c_to_f
from weather.domain.types import COLDEST_PLAUSIBLE_C, HOTTEST_PLAUSIBLE_C, Observation

_ISSUED = re.compile(
    r"^(?:METAR |SPECI )?(?P<station>[A-Z][A-Z0-9]{3}) (?P<day>\d{2})(?P<hour>\d{2})(?P<minute>\d{2})Z\b"
)
_TENTHS = r"(?P<sign>[01])(?P<tenths>\d{3})"
_HOURLY = re.compile(rf"\bT{_TENTHS}(?:[01]\d{{3}})?(?=\s|\$|=|$)")
_SIX_HOUR_MAX = re.compile(rf"(?<!\S)1{_TENTHS}(?=\s|\$|=|$)")
_DAY_MAX = re.compile(rf"(?<!\S)4{_TENTHS}[01]\d{{3}}(?=\s|\$|=|$)")

_SIX_HOURS: Final = timedelta(hours=6)
_WHOLE_C_MARGIN_F: Final = 1


class PeriodMax(BaseModel):
    """The station's own maximum over a period, °C to the tenth: it sees what fell between two reports."""

    model_config = ConfigDict(frozen=True)

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    max_c: float = Field(ge=COLDEST_PLAUSIBLE_C, le=HOTTEST_PLAUSIBLE_C)


class MetarGroups(BaseModel):
    """The exact temperatures in the remarks of a METAR, °C; None where the group is absent or implausible."""

    model_config = ConfigDict(frozen=True)

    station: str
    temp_c: float | None = None
    six_hour_max_c: float | None = None
    day_max_c: float | None = None


def read_metar(text: str, observed_at: datetime) -> MetarGroups | None:
    """The exact temperatures of a METAR; None when `text` is no METAR of `observed_at`.

    The report's own day, hour and minute must be those of `observed_at`: a text that came attached to another
    record's time proves nothing about it.
    """
    heading = _ISSUED.match(text)
    if heading is None or heading.group("day", "hour", "minute") != tuple(f"{observed_at:%d %H %M}".split()):
        return None
    _, _, remarks = text.partition(" RMK ")
    return MetarGroups(
        station=heading["station"],
        temp_c=_tenths(_HOURLY.search(remarks)),
        six_hour_max_c=_tenths(_SIX_HOUR_MAX.search(remarks)),
        day_max_c=_tenths(_DAY_MAX.search(remarks)),
    )


def period_maxima(groups: MetarGroups, observed_at: datetime, std_offset_hours: int) -> tuple[PeriodMax, ...]:
    """The periods whose maximum a METAR reports: the six hours before it, and the climate day it closes.

    The 24-hour group is sent shortly before local standard midnight and belongs to the day then ending.
    """
    maxima = []
    if groups.six_hour_max_c is not None:
        # Reports of 23:53Z close the six hours that end at 00Z; the minutes between do not matter to a lower bound.
        maxima.append(
            PeriodMax(starts_at=observed_at - _SIX_HOURS, ends_at=observed_at, max_c=groups.six_hour_max_c)
        )
    if groups.day_max_c is not None:
        day = climate_day(observed_at - timedelta(hours=1), std_offset_hours)
        start, _ = climate_day_bounds(day, std_offset_hours)
        maxima.append(PeriodMax(starts_at=start, ends_at=observed_at, max_c=groups.day_max_c))
    return tuple(maxima)


def max_so_far(
    observations: Iterable[Observation], day: date, std_offset_hours: int, maxima: Iterable[PeriodMax] = ()
) -> int | None:
    """A lower bound in °F of the maximum of climate day `day`, from what was seen of it; None when nothing was.

    METAR tenths and period maxima count in full. A five-minute reading counts one degree less than it shows. A period
    that reaches out of the day counts for nothing: its maximum may belong to the neighbour.
    """
    start, end = climate_day_bounds(day, std_offset_hours)
    seen = [
        c_to_f(reading.temp_c) - (0 if reading.is_metar else _WHOLE_C_MARGIN_F)
        for reading in observations
        if start <= reading.observed_at < end
    ]
    seen += [c_to_f(period.max_c) for period in maxima if start <= period.starts_at and period.ends_at <= end]
    return max(seen, default=None)


def _tenths(group: re.Match[str] | None) -> float | None:
    if group is None:
        return None
    value = int(group["tenths"]) / 10 * (-1 if group["sign"] == "1" else 1)
    return value if COLDEST_PLAUSIBLE_C <= value <= HOTTEST_PLAUSIBLE_C else None
