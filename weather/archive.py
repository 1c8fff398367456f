"""What is stored of past weather, for archives, by UTC day. Long lists come in chunks through a cursor of the server."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

from django.db.models.functions import TruncDate

from weather.domain.types import CliReport
from weather.models import ClimateReportRow, ObservationRow, WeatherSnapshotRow

CHUNK: Final = 200
"""A row may hold a whole grid."""


class StoredForecast(NamedTuple):
    """A snapshot's forecast: highs as DayHigh in JSON, and the grid behind them where it was stored."""

    captured_at: datetime
    issued_at: datetime
    highs: list[dict[str, Any]]
    raw: dict[str, Any]


class StoredReading(NamedTuple):
    """A station's reading, °C, and when it was had."""

    station: str
    observed_at: datetime
    received_at: datetime
    temp_c: float
    is_metar: bool


def forecasts_of(city_code: str, day: date) -> Iterator[StoredForecast]:
    """The snapshots of a city captured on a UTC day that hold a forecast, in order of time."""
    since, until = _bounds(day)
    rows = WeatherSnapshotRow.objects.filter(
        city_code=city_code, captured_at__gte=since, captured_at__lt=until, issued_at__isnull=False
    ).order_by("captured_at", "id")
    columns = ("captured_at", "issued_at", "highs", "raw")
    for values in rows.values_list(*columns).iterator(chunk_size=CHUNK):
        yield StoredForecast(*values)


def readings_of(city_code: str, day: date) -> Iterator[StoredReading]:
    """The readings of a UTC day, in order of time."""
    since, until = _bounds(day)
    rows = ObservationRow.objects.filter(
        city_code=city_code, observed_at__gte=since, observed_at__lt=until
    ).order_by("observed_at", "station", "is_metar")
    columns = ("station", "observed_at", "received_at", "temp_c", "is_metar")
    for values in rows.values_list(*columns).iterator(chunk_size=CHUNK):
        yield StoredReading(*values)


def reports_of(city_code: str, day: date) -> list[CliReport]:
    """Every version of the climate reports of a climate day, in order of issue."""
    rows = ClimateReportRow.objects.filter(city_code=city_code, climate_date=day).defer("text")
    return [
        CliReport(
            cli_code=row.cli_code,
            climate_date=row.climate_date,
            issued_at=row.issued_at,
            is_final=row.is_final,
            correction=row.correction,
            high_f=row.high_f,
        )
        for row in rows.order_by("issued_at", "id")
    ]


def weather_days(city_code: str) -> list[date]:
    """The UTC days of which forecasts or readings are stored, ascending."""
    captured = WeatherSnapshotRow.objects.filter(city_code=city_code).order_by()
    observed = ObservationRow.objects.filter(city_code=city_code).order_by()
    return sorted(
        {
            *captured.values_list(TruncDate("captured_at", tzinfo=UTC), flat=True).distinct(),
            *observed.values_list(TruncDate("observed_at", tzinfo=UTC), flat=True).distinct(),
        }
    )


def report_days(city_code: str) -> list[date]:
    """The climate days of which reports are stored, ascending."""
    rows = ClimateReportRow.objects.filter(city_code=city_code).order_by("climate_date")
    return list(rows.values_list("climate_date", flat=True).distinct())


def days_captured_before(moment: datetime) -> list[tuple[str, date]]:
    """City and UTC day of every snapshot from before `moment`."""
    rows = WeatherSnapshotRow.objects.filter(captured_at__lt=moment).order_by()
    return sorted(rows.values_list("city_code", TruncDate("captured_at", tzinfo=UTC)).distinct())


def days_observed_before(moment: datetime) -> list[tuple[str, date]]:
    """City and UTC day of every reading from before `moment`."""
    rows = ObservationRow.objects.filter(observed_at__lt=moment).order_by()
    return sorted(rows.values_list("city_code", TruncDate("observed_at", tzinfo=UTC)).distinct())


def _bounds(day: date) -> tuple[datetime, datetime]:
    since = datetime.combine(day, time(), UTC)
    return since, since + timedelta(days=1)
