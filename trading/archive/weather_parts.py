"""A city's weather from the IEM archives as parts of an archive: whole months, and whole years of highs."""

from calendar import monthrange
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from milkbot.core.cities import CityConfig
from milkbot.core.climate_day import climate_day_bounds
from trading.archive.parts import Part, PartKey
from trading.archive.patience import Patience
from trading.archive.text import Row, degrees, figure, stamp
from weather.clients.iem.client import IemClient
from weather.domain.types import CliReport

GUIDANCE: Final = "guidance"
HIGHS: Final = "highs"
READINGS: Final = "readings"
REPORTS: Final = "reports"

MODEL: Final = "NBS"
GUIDANCE_SOURCE: Final = "nbm_nbs"
GUIDANCE_READY_AFTER: Final = timedelta(hours=3)
"""From the time of a run until it could be had: an assumed, safe bound; the archive does not tell."""
REACH: Final = timedelta(days=4)
"""NBS looks 72 hours ahead."""
HIGH_SOURCE: Final = "cli"
LATE: Final = timedelta(days=2)
"""After the end of a day its reports, corrections and runs are all in the archive."""
_NOON: Final = timedelta(hours=12)
_DAY: Final = timedelta(days=1)


def month_of(day: date) -> tuple[date, date]:
    """First and last day of its month."""
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


class WeatherParts:
    """Fetches parts from the IEM; every call goes through `patience`. Raises OutsideError when it cannot be used."""

    def __init__(self, client: IemClient, patience: Patience, now: datetime) -> None:
        self._client = client
        self._patience = patience
        self._now = now

    def guidance(self, city: CityConfig, key: PartKey) -> Part:
        """The daytime maxima and the temperatures of every run of the National Blend that speaks of these days."""
        refused = Counter[str]()
        since, until = _midnight(key.first) - REACH, _midnight(key.last) + 2 * _DAY
        station = city.settlement_station
        found = self._patience.call(
            lambda: self._client.get_guidance(station, MODEL, since, until, _cleared(refused))
        )
        forecasts: list[Row] = []
        hourly: list[Row] = []
        for row in found:
            issued, known = stamp(row.runtime), stamp(row.runtime + GUIDANCE_READY_AFTER)
            # The maximum stands in the column of 00Z, the evening of the day it is of; 12Z holds the night's minimum.
            target = (row.valid_at - _NOON).date()
            if row.max_f is not None and row.valid_at.hour == 0 and key.first <= target <= key.last:
                high = figure(row.max_f)
                forecasts.append(
                    (city.code, target.isoformat(), issued, known, GUIDANCE_SOURCE, "day_high", high)
                )
            if row.temp_f is not None and key.first <= row.valid_at.date() <= key.last:
                hourly.append((stamp(row.valid_at), issued, GUIDANCE_SOURCE, figure(row.temp_f)))
        forecasts.sort(key=lambda row: (row[1], row[2]))
        hourly.sort()
        return Part(key, self._through(key), {"forecasts": forecasts, "hourly": hourly}, refused)

    def highs(self, city: CityConfig, key: PartKey) -> Part:
        """The year's official highs: of each day the one in the newest report, if that came after the day was over."""
        refused = Counter[str]()
        station = city.settlement_station
        found = self._patience.call(
            lambda: self._client.get_day_values(station, key.first.year, _cleared(refused))
        )
        rows: list[Row] = []
        for value in found:
            _, ends_at = climate_day_bounds(value.day, city.std_offset_hours)
            if ends_at > self._now or (value.issued_at is not None and value.issued_at < ends_at):
                refused["high_of_a_day_not_over"] += 1
            else:
                rows.append((city.code, value.day.isoformat(), figure(value.high_f), HIGH_SOURCE, ""))
        return Part(key, self._through(key), {"highs": rows}, refused)

    def readings(self, city: CityConfig, key: PartKey) -> Part:
        """METARs, specials and five-minute reports of the station, with their texts."""
        refused = Counter[str]()
        station = city.settlement_station
        since, until = _midnight(key.first), _midnight(key.last) + _DAY
        found = self._patience.call(
            lambda: self._client.get_readings(station, since, until, _cleared(refused))
        )
        rows = [
            (
                station,
                stamp(reading.observed_at),
                "",
                "metar" if reading.is_exact else "whole_c",
                degrees(reading.temp_c),
                reading.metar,
            )
            for reading in found
        ]
        return Part(key, self._through(key), {"observations": rows}, refused)

    def reports(self, city: CityConfig, key: PartKey) -> Part:
        """Every climate report of these days as it was issued: preliminary, final, corrected."""
        refused = Counter[str]()
        found = self._patience.call(
            lambda: self._client.get_reports(city.cli_code, key.first, key.last, _cleared(refused))
        )
        rows = sorted(report_row(city, product.report) for product in found)
        return Part(key, self._through(key), {"reports": rows}, refused)

    def _through(self, key: PartKey) -> date:
        return min(key.last, (self._now - LATE).date() - _DAY)


def report_row(city: CityConfig, report: CliReport) -> Row:
    """A report is final only if it was issued after the climate day: under daylight time one of 00:30 is not."""
    _, ends_at = climate_day_bounds(report.climate_date, city.std_offset_hours)
    is_final = report.is_final and report.issued_at >= ends_at
    return (
        report.cli_code,
        report.climate_date.isoformat(),
        stamp(report.issued_at),
        "yes" if is_final else "no",
        report.correction,
        figure(report.high_f),
    )


def weather_keys(kind: str, city_code: str, first: date, last: date) -> Iterator[PartKey]:
    """The whole months, or years of highs, that hold the days `first` to `last`."""
    day = first
    while day <= last:
        begins, ends = month_of(day)
        if kind == HIGHS:
            begins, ends = date(day.year, 1, 1), date(day.year, 12, 31)
        yield PartKey(kind, city_code, begins, ends)
        day = ends + _DAY


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _cleared(refused: "Counter[str]") -> "Counter[str]":
    """Empty again: an attempt that failed has counted rows that come once more."""
    refused.clear()
    return refused
