"""Forecast bodies: raw grid layers, twelve-hour periods and hourly periods of one issuance."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from sandbox.cities import City
from sandbox.english import WEEKDAYS
from sandbox.feeds import Issuance
from sandbox.nws.units import HOUR, celsius, hours_text, quantity, shown_temperature, start_of_hour, utc_text

Json = dict[str, Any]

MAX_WINDOW_START: Final = timedelta(hours=7)
MAX_WINDOW: Final = timedelta(hours=13)
DAY_STARTS: Final = time(6)
NIGHT_STARTS: Final = time(18)
PERIODS_SHOWN: Final = 14
HOURS_SHOWN: Final = 156
GRID_REACHES: Final = timedelta(days=7, hours=13)


@dataclass(frozen=True, slots=True)
class Edition:
    """One issuance of one city as rendered at `now`. `root` is the service's own address, for links."""

    city: City
    issuance: Issuance
    now: datetime
    root: str
    units: str = "us"

    @property
    def address(self) -> str:
        """The grid cell's address."""
        return f"{self.root}/gridpoints/{self.city.office}/{self.city.grid_x},{self.city.grid_y}"

    def frame(self) -> Json:
        """The fields every forecast body shares."""
        valid_from = start_of_hour(self.issuance.issued_at)
        return {
            "updateTime": utc_text(self.issuance.issued_at),
            "validTimes": f"{utc_text(valid_from)}/{hours_text(GRID_REACHES)}",
            "elevation": quantity("m", self.city.elevation_m),
        }


def grid_body(edition: Edition) -> Json:
    """The raw grid. Layers that were not recorded are present and empty."""
    city = edition.city
    layers: Json = {
        "temperature": {"uom": "wmoUnit:degC", "values": _hourly_values(edition)},
        "maxTemperature": {"uom": "wmoUnit:degC", "values": _maximum_values(edition)},
        "minTemperature": {"uom": "wmoUnit:degC", "values": []},
        "dewpoint": {"uom": "wmoUnit:degC", "values": []},
        "skyCover": {"uom": "wmoUnit:percent", "values": []},
        "windSpeed": {"uom": "wmoUnit:km_h-1", "values": []},
        "probabilityOfPrecipitation": {"uom": "wmoUnit:percent", "values": []},
        "weather": {"values": []},
        "hazards": {"values": []},
    }
    cell = {
        "@id": edition.address,
        "@type": "wx:Gridpoint",
        "forecastOffice": f"{edition.root}/offices/{city.office}",
        "gridId": city.office,
        "gridX": city.grid_x,
        "gridY": city.grid_y,
    }
    return _feature(edition, cell | edition.frame() | layers) | {"id": edition.address}


def periods_body(edition: Edition) -> Json:
    """Twelve-hour periods from now on; a night is shown where hourly temperatures tell its low."""
    shown = []
    for start, end, is_daytime in _half_days(edition):
        temperature = _high(edition, start) if is_daytime else _low(edition, start, end)
        if temperature is not None:
            shown.append(_period(edition, max(start, _current_hour(edition)), end, is_daytime, temperature))
    named = [
        period | {"name": _name(edition, period, index)} for index, period in enumerate(shown[:PERIODS_SHOWN])
    ]
    return _forecast(edition, "BaselineForecastGenerator", named)


def hourly_body(edition: Edition) -> Json:
    """One-hour periods from the current hour on."""
    zone, first = edition.city.zone, start_of_hour(edition.now)
    periods = []
    for hour, temperature in edition.issuance.hourly_f:
        if hour >= first:
            start = hour.astimezone(zone)
            is_daytime = DAY_STARTS <= start.time() < NIGHT_STARTS
            periods.append(_period(edition, start, (hour + HOUR).astimezone(zone), is_daytime, temperature))
    for period in periods:
        period |= {"dewpoint": quantity("degC", None), "relativeHumidity": quantity("percent", None)}
    return _forecast(edition, "HourlyForecastGenerator", periods[:HOURS_SHOWN])


def _feature(edition: Edition, properties: Json) -> Json:
    lon, lat = edition.city.longitude, edition.city.latitude
    half = 0.0114  # half a 2.5 km cell, in degrees of latitude
    corners = [(-half, -half), (-half, half), (half, half), (half, -half), (-half, -half)]
    ring = [[round(lon + east, 4), round(lat + north, 4)] for east, north in corners]
    context = ["https://geojson.org/geojson-ld/geojson-context.jsonld", {"@version": "1.1"}]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"@context": context, "type": "Feature", "geometry": geometry, "properties": properties}


def _forecast(edition: Edition, generator: str, periods: list[Json]) -> Json:
    head = {"units": edition.units, "forecastGenerator": generator, "generatedAt": utc_text(edition.now)}
    numbered = [{"number": number} | period for number, period in enumerate(periods, start=1)]
    return _feature(edition, head | edition.frame() | {"periods": numbered})


def _hourly_values(edition: Edition) -> list[Json]:
    valid_from = start_of_hour(edition.issuance.issued_at)
    return [
        {"validTime": f"{utc_text(hour)}/PT1H", "value": celsius(temperature)}
        for hour, temperature in edition.issuance.hourly_f
        if valid_from <= hour < valid_from + GRID_REACHES
    ]


def _maximum_values(edition: Edition) -> list[Json]:
    """Daytime windows of local standard time; the first is cut when the issuance falls into it, gone when it is over."""
    valid_from = start_of_hour(edition.issuance.issued_at)
    values = []
    for day, high_f in edition.issuance.highs_f:
        starts_at = edition.city.climate_day_start(day) + MAX_WINDOW_START
        ends_at = starts_at + MAX_WINDOW
        if valid_from < ends_at <= valid_from + GRID_REACHES:
            begins = max(starts_at, valid_from)
            values.append(
                {"validTime": f"{utc_text(begins)}/{hours_text(ends_at - begins)}", "value": celsius(high_f)}
            )
    return values


def _current_hour(edition: Edition) -> datetime:
    return start_of_hour(edition.now).astimezone(edition.city.zone)


def _half_days(edition: Edition) -> list[tuple[datetime, datetime, bool]]:
    """Local day and night periods that are not over, from the one now on."""
    today = edition.now.astimezone(edition.city.zone).date()
    found = []
    for days in range(-1, PERIODS_SHOWN // 2 + 1):
        day = today + timedelta(days=days)
        morning, evening = _local(edition, day, DAY_STARTS), _local(edition, day, NIGHT_STARTS)
        found += [
            (morning, evening, True),
            (evening, _local(edition, day + timedelta(days=1), DAY_STARTS), False),
        ]
    return [half for half in found if half[1] > edition.now]


def _local(edition: Edition, day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, edition.city.zone)


def _high(edition: Edition, start: datetime) -> int | None:
    return dict(edition.issuance.highs_f).get(start.date())


def _low(edition: Edition, start: datetime, end: datetime) -> int | None:
    during = [temperature for hour, temperature in edition.issuance.hourly_f if start <= hour < end]
    return min(during) if during else None


def _period(edition: Edition, start: datetime, end: datetime, is_daytime: bool, temperature_f: int) -> Json:
    """A period; wind, weather and rain were not recorded and stay empty."""
    return {
        "name": "",
        "startTime": start.isoformat(),
        "endTime": end.isoformat(),
        "isDaytime": is_daytime,
        "temperature": shown_temperature(temperature_f, edition.units),
        "temperatureUnit": "F" if edition.units == "us" else "C",
        "temperatureTrend": None,
        "probabilityOfPrecipitation": quantity("percent", None),
        "windSpeed": "",
        "windDirection": "",
        "icon": "",
        "shortForecast": "",
        "detailedForecast": "",
    }


def _name(edition: Edition, period: Json, index: int) -> str:
    start = datetime.fromisoformat(period["startTime"])
    if index == 0 and start.date() == edition.now.astimezone(edition.city.zone).date():
        if not period["isDaytime"]:
            return "Tonight" if start.hour >= NIGHT_STARTS.hour else "Overnight"
        return "Today" if start.hour < 12 else "This Afternoon"
    return f"{WEEKDAYS[start.weekday()]}{'' if period['isDaytime'] else ' Night'}"
