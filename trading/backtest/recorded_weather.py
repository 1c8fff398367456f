"""What a recording tells of a day under way: readings of the stations and hourly forecasts, as of any moment.

`weather/observations_<city>_*.csv[.gz]` and `weather/hourly_forecasts_<city>_*.csv[.gz]` stand beside the format's four files
and may be absent. They are what the maximum so far and the remaining hours are told from. An hourly forecast could be had
when the day's forecast of the same source and issue could; one without such a forecast is left outside.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.climate_day import climate_day, climate_day_bounds
from trading.backtest.recorded import COLDEST_F, HOTTEST_F
from trading.backtest.recorded_rows import BadRow, Tally, instant, lines_of, number
from trading.backtest.recorded_types import Fault, ReadReport, Recording
from weather.domain.observations import read_metar
from weather.domain.so_far import day_so_far
from weather.domain.types import (
    COLDEST_PLAUSIBLE_C,
    HOTTEST_PLAUSIBLE_C,
    HourlyTemps,
    Observation,
    WeatherSnapshot,
)

OBSERVATION_COLUMNS: Final = ("station", "observed_at_utc", "available_at_utc", "kind", "temp_c", "metar")
HOURLY_COLUMNS: Final = ("target_ts_utc", "issued_at_utc", "source", "temp_f")
READING_MARGIN: Final = timedelta(minutes=15)
"""Added to the time of a reading where the record does not say when it could be had."""
METAR: Final = "metar"
WHOLE_C: Final = "whole_c"
_HOUR: Final = timedelta(hours=1)


class Reading(NamedTuple):
    """A station's reading. Nobody could use it before `available_at`."""

    available_at: datetime
    observation: Observation


class HourlyIssue(NamedTuple):
    """One issue of a forecast by the hour. Nobody could use it before `available_at`."""

    available_at: datetime
    temps: HourlyTemps


@dataclass(frozen=True, slots=True)
class DayWeather:
    """By city: readings in the order they were taken, hourly forecasts in the order they could be had."""

    readings: Mapping[str, Sequence[Reading]]
    hourly: Mapping[str, Sequence[HourlyIssue]]
    report: ReadReport

    def amend(self, snapshot: WeatherSnapshot, now: datetime) -> WeatherSnapshot:
        """`snapshot` of `now` with what was known by then of its city's day under way."""
        city = load_cities()[snapshot.city_code]
        today = climate_day(now, city.std_offset_hours)
        start, _ = climate_day_bounds(today, city.std_offset_hours)
        every = self.readings.get(city.code, ())
        begun = bisect_left(every, start, key=_observed_at)
        known = [reading.observation for reading in every[begun:] if reading.available_at <= now]
        issues = self.hourly.get(city.code, ())
        place = bisect_right(issues, now, key=_available_at)
        return snapshot.model_copy(
            update={
                "observation": known[-1].temperature_only() if known else None,
                "so_far": day_so_far(known, today, city.std_offset_hours),
                "hourly": issues[place - 1].temps if place else None,
            }
        )


def read_day_weather(
    folder: Path, recording: Recording, cities: Collection[str], now: datetime
) -> DayWeather:
    """What `folder` tells of the days that `recording` has forecasts of; nothing where it has no such files.

    `now` is when the reading happens; rows of a later time are refused. Raises UnreadableRecording when a file is broken or
    has other columns; single rows never raise.
    """
    tally = Tally()
    own = [city for code, city in load_cities().items() if code in cities]
    readings = {city.code: tuple(_readings(folder, city, recording, now, tally)) for city in own}
    hourly = {city.code: tuple(_issues(folder, city, recording, now, tally)) for city in own}
    return DayWeather(
        readings={code: sorted(found, key=_observed_at) for code, found in readings.items()},
        hourly={code: sorted(found, key=_available_at) for code, found in hourly.items()},
        report=tally.report(),
    )


def _readings(
    folder: Path, city: CityConfig, recording: Recording, now: datetime, tally: Tally
) -> Iterator[Reading]:
    seen: set[tuple[datetime, bool]] = set()
    for path in _files(folder, f"observations_{city.code}_"):
        for line in lines_of(path, OBSERVATION_COLUMNS, tally):
            try:
                reading = _reading(line.fields, city, now)
                taken = reading.observation.observed_at, reading.observation.is_metar
                if (city.code, climate_day(taken[0], city.std_offset_hours)) not in recording.forecasts:
                    tally.outside(line.file)
                    continue
                if taken in seen:
                    raise BadRow(Fault.DUPLICATE, f"a reading of {line.fields[1]} was there already")
            except BadRow as bad:
                tally.refuse(line, bad.fault, str(bad))
                continue
            seen.add(taken)
            yield reading


def _reading(fields: Sequence[str], city: CityConfig, now: datetime) -> Reading:
    if fields[0] != city.settlement_station:
        raise BadRow(Fault.UNKNOWN_CITY, f"{fields[0][:20]!r} is not the station of {city.code}")
    observed_at = instant(fields[1])
    available_at = instant(fields[2]) if fields[2] else observed_at + READING_MARGIN
    if observed_at > now:
        raise BadRow(Fault.FUTURE_STAMPED, f"{fields[1]} has not come yet")
    if available_at < observed_at:
        raise BadRow(Fault.IMPLAUSIBLE, f"available at {fields[2]}, before it was taken at {fields[1]}")
    if fields[3] not in (METAR, WHOLE_C):
        raise BadRow(Fault.UNREADABLE, f"kind {fields[3][:30]!r}")
    temp_c = float(_within(number(fields[4]), COLDEST_PLAUSIBLE_C, HOTTEST_PLAUSIBLE_C, "°C"))
    groups = read_metar(fields[5], observed_at)
    return Reading(
        available_at,
        Observation(
            station=fields[0],
            observed_at=observed_at,
            temp_c=temp_c,
            is_metar=fields[3] == METAR,
            six_hour_max_c=groups.six_hour_max_c if groups else None,
            day_max_c=groups.day_max_c if groups else None,
        ),
    )


def _issues(
    folder: Path, city: CityConfig, recording: Recording, now: datetime, tally: Tally
) -> Iterator[HourlyIssue]:
    had_at = {
        (forecast.source, forecast.issued_at): forecast.available_at
        for (code, _), forecasts in recording.forecasts.items()
        for forecast in forecasts
        if code == city.code
    }
    hours: dict[tuple[str, datetime], dict[datetime, int]] = defaultdict(dict)
    for path in _files(folder, f"hourly_forecasts_{city.code}_"):
        for line in lines_of(path, HOURLY_COLUMNS, tally):
            try:
                target_at, issued_at = instant(line.fields[0]), instant(line.fields[1])
                if issued_at > now:
                    raise BadRow(Fault.FUTURE_STAMPED, f"issued at {line.fields[1]}, which has not come yet")
                temp_f = round(_within(number(line.fields[3]), COLDEST_F, HOTTEST_F, "°F"))
                issue = line.fields[2], issued_at
                if issue not in had_at:
                    tally.outside(line.file)
                    continue
                if target_at in hours[issue]:
                    raise BadRow(Fault.DUPLICATE, f"this issue has a temperature of {line.fields[0]} already")
            except BadRow as bad:
                tally.refuse(line, bad.fault, str(bad))
                continue
            hours[issue][target_at] = temp_f
    for issue, temps in hours.items():
        yield HourlyIssue(had_at[issue], _in_a_row(temps))


def _in_a_row(temps: Mapping[datetime, int]) -> HourlyTemps:
    first, last = min(temps), max(temps)
    count = (last - first) // _HOUR + 1
    return HourlyTemps(
        starts_at=first, temps_f=tuple(temps.get(first + hour * _HOUR) for hour in range(count))
    )


def _within(value: Decimal, low: float, high: float, unit: str) -> Decimal:
    if not low <= value <= high:
        raise BadRow(Fault.IMPLAUSIBLE, f"{value} {unit}")
    return value


def _files(folder: Path, begins: str) -> list[Path]:
    weather = folder / "weather"
    return sorted([*weather.glob(f"{begins}*.csv"), *weather.glob(f"{begins}*.csv.gz")])


def _observed_at(reading: Reading) -> datetime:
    return reading.observation.observed_at


def _available_at(issue: HourlyIssue) -> datetime:
    return issue.available_at
