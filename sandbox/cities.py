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

    # Simulated worlds remember by city and day: hashing twenty fields each time would cost more than the answers.
    def __hash__(self) -> int:
        return hash(self.code)

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
        code="NYC",
        series_ticker="KXHIGHNY",
        name="New York City",
        short_name="NYC",
        rules_site_before_twc="in Central Park, New York",
        cli_location="NYC",
        cli_summary_name="CENTRAL PARK NY",
        cli_wmo_header="CDUS41",
        office="OKX",
        office_name="NEW YORK, NY",
        grid_x=34,
        grid_y=45,
        station_id="KNYC",
        station_name="New York City, Central Park",
        latitude=40.78333,
        longitude=-73.96667,
        elevation_m=46.9,
        zone=ZoneInfo("America/New_York"),
        standard_offset=timedelta(hours=-5),
        final_report_utc=time(6, 18),
    ),
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
        code="LAX",
        series_ticker="KXHIGHLAX",
        name="Los Angeles",
        short_name="LA",
        rules_site_before_twc="at Los Angeles Airport, CA",
        cli_location="LAX",
        cli_summary_name="LOS ANGELES AIRPORT",
        cli_wmo_header="CDUS46",
        office="LOX",
        office_name="LOS ANGELES/OXNARD CA",
        grid_x=149,
        grid_y=41,
        station_id="KLAX",
        station_name="Los Angeles, Los Angeles International Airport",
        latitude=33.93806,
        longitude=-118.38889,
        elevation_m=38.1,
        zone=ZoneInfo("America/Los_Angeles"),
        standard_offset=timedelta(hours=-8),
        final_report_utc=time(9, 28),
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
    City(
        code="AUS",
        series_ticker="KXHIGHAUS",
        name="Austin",
        short_name="Austin",
        rules_site_before_twc="at Austin Bergstrom, TX",
        cli_location="AUS",
        cli_summary_name="AUSTIN BERGSTROM",
        cli_wmo_header="CDUS44",
        office="EWX",
        office_name="AUSTIN/SAN ANTONIO TX",
        grid_x=158,
        grid_y=87,
        station_id="KAUS",
        station_name="Austin, Austin-Bergstrom International Airport",
        latitude=30.18304,
        longitude=-97.67987,
        elevation_m=148.1,
        zone=ZoneInfo("America/Chicago"),
        standard_offset=timedelta(hours=-6),
        final_report_utc=time(8, 1),
    ),
    City(
        code="DEN",
        series_ticker="KXHIGHDEN",
        name="Denver",
        short_name="Denver",
        rules_site_before_twc="in Denver, CO",
        cli_location="DEN",
        cli_summary_name="DENVER",
        cli_wmo_header="CDUS45",
        office="BOU",
        office_name="DENVER CO",
        grid_x=75,
        grid_y=66,
        station_id="KDEN",
        station_name="Denver, Denver International Airport",
        latitude=39.84658,
        longitude=-104.65622,
        elevation_m=1647.1,
        zone=ZoneInfo("America/Denver"),
        standard_offset=timedelta(hours=-7),
        final_report_utc=time(7, 31),
    ),
    City(
        code="PHL",
        series_ticker="KXHIGHPHIL",
        name="Philadelphia",
        short_name="Philadelphia",
        rules_site_before_twc="at Philadelphia International Airport, PA",
        cli_location="PHL",
        cli_summary_name="PHILADELPHIA PA",
        cli_wmo_header="CDUS41",
        office="PHI",
        office_name="MOUNT HOLLY NJ",
        grid_x=48,
        grid_y=75,
        station_id="KPHL",
        station_name="Philadelphia, Philadelphia International Airport",
        latitude=39.87327,
        longitude=-75.22678,
        elevation_m=2.1,
        zone=ZoneInfo("America/New_York"),
        standard_offset=timedelta(hours=-5),
        final_report_utc=time(5, 55),
    ),
    City(
        code="BOS",
        series_ticker="KXHIGHTBOS",
        name="Boston",
        short_name="Boston",
        rules_site_before_twc="in Boston, MA",
        cli_location="BOS",
        cli_summary_name="BOSTON MA",
        cli_wmo_header="CDUS41",
        office="BOX",
        office_name="BOSTON/NORTON MA",
        grid_x=73,
        grid_y=101,
        station_id="KBOS",
        station_name="Boston, Logan International Airport",
        latitude=42.36056,
        longitude=-71.01056,
        elevation_m=6.1,
        zone=ZoneInfo("America/New_York"),
        standard_offset=timedelta(hours=-5),
        final_report_utc=time(5, 30),
    ),
    City(
        code="SEA",
        series_ticker="KXHIGHTSEA",
        name="Seattle",
        short_name="Seattle",
        rules_site_before_twc="in Seattle, WA",
        cli_location="SEA",
        cli_summary_name="SEATTLE-TACOMA AIRPORT WA",
        cli_wmo_header="CDUS46",
        office="SEW",
        office_name="SEATTLE WA",
        grid_x=124,
        grid_y=60,
        station_id="KSEA",
        station_name="Seattle, Seattle-Tacoma International Airport",
        latitude=47.44472,
        longitude=-122.31361,
        elevation_m=130.1,
        zone=ZoneInfo("America/Los_Angeles"),
        standard_offset=timedelta(hours=-8),
        final_report_utc=time(9, 33),
    ),
    City(
        code="SFO",
        series_ticker="KXHIGHTSFO",
        name="San Francisco",
        short_name="SF",
        rules_site_before_twc="in San Francisco, CA",
        cli_location="SFO",
        cli_summary_name="SAN FRANCISCO AIRPORT",
        cli_wmo_header="CDUS46",
        office="MTR",
        office_name="SAN FRANCISCO CA",
        grid_x=85,
        grid_y=98,
        station_id="KSFO",
        station_name="San Francisco, San Francisco International Airport",
        latitude=37.61961,
        longitude=-122.36558,
        elevation_m=3.0,
        zone=ZoneInfo("America/Los_Angeles"),
        standard_offset=timedelta(hours=-8),
        final_report_utc=time(8, 51),
    ),
)


def city_of_series(series_ticker: str) -> City:
    """The city whose highs `series_ticker` is about. Raises KeyError for a series this table does not hold."""
    for city in CITIES:
        if city.series_ticker == series_ticker:
            return city
    raise KeyError(series_ticker)
