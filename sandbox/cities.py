"""Facts of the cities a world can hold: settlement station, forecast grid, and the names the exchange's texts use.

Kept apart from the product's own table on purpose: a wrong fact there must show as a difference, not agree with itself.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class City:
    """One city of the daily-high series. Coordinates in degrees, elevation in metres, `final_report_utc` a UTC time of day."""

    code: str
    series_ticker: str
    name: str
    short_name: str
    rules_site_before_twc: str
    cli_location: str
    cli_summary_name: str
    cli_wmo_header: str
    office: str
    office_name: str
    grid_x: int
    grid_y: int
    station_id: str
    station_name: str
    latitude: float
    longitude: float
    elevation_m: float
    zone: ZoneInfo
    standard_offset: timedelta
    final_report_utc: time

    def climate_day_start(self, day: date) -> datetime:
        """The instant (UTC) at which climate day `day` begins: midnight of local standard time, all year."""
        return datetime.combine(day, time(0), UTC) - self.standard_offset

    def climate_day(self, instant: datetime) -> date:
        """The climate day that `instant` (aware) belongs to."""
        return (instant.astimezone(UTC) + self.standard_offset).date()

    def final_report_at(self, day: date) -> datetime:
        """When the final climate report of `day` is usually out: the first `final_report_utc` after the day's end."""
        return first_time_after(self.climate_day_start(day + timedelta(days=1)), self.final_report_utc)


def first_time_after(instant: datetime, time_of_day: time) -> datetime:
    """The first UTC `time_of_day` strictly after `instant`."""
    candidate = datetime.combine(instant.astimezone(UTC).date(), time_of_day, UTC)
    return candidate if candidate > instant else candidate + timedelta(days=1)


CITIES: Final = (
    City(
        code="CHI",
        series_ticker="KXHIGHCHI",
        name="Chicago",
        short_name="Chicago",
        rules_site_before_twc="at Chicago Midway, IL",
        cli_location="MDW",
        cli_summary_name="CHICAGO-MIDWAY",
        cli_wmo_header="CDUS43",
        office="LOT",
        office_name="CHICAGO IL",
        grid_x=72,
        grid_y=69,
        station_id="KMDW",
        station_name="Chicago, Chicago Midway Airport",
        latitude=41.78417,
        longitude=-87.75528,
        elevation_m=188.1,
        zone=ZoneInfo("America/Chicago"),
        standard_offset=timedelta(hours=-6),
        final_report_utc=time(6, 46),
    ),
    City(
        code="MIA",
        series_ticker="KXHIGHMIA",
        name="Miami",
        short_name="Miami",
        rules_site_before_twc="at Miami International Airport, FL",
        cli_location="MIA",
        cli_summary_name="MIAMI",
        cli_wmo_header="CDUS42",
        office="MFL",
        office_name="MIAMI,FL",
        grid_x=105,
        grid_y=51,
        station_id="KMIA",
        station_name="Miami, Miami International Airport",
        latitude=25.79056,
        longitude=-80.31639,
        elevation_m=3.0,
        zone=ZoneInfo("America/New_York"),
        standard_offset=timedelta(hours=-5),
        final_report_utc=time(9, 22),
    ),
)


def city_of_series(series_ticker: str) -> City:
    """The city whose highs `series_ticker` is about. Raises KeyError for a series this table does not hold."""
    for city in CITIES:
        if city.series_ticker == series_ticker:
            return city
    raise KeyError(series_ticker)
