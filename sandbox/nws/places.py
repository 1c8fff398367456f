"""Points and stations: where a forecast is for and where a temperature is measured."""

import re
from datetime import datetime
from typing import Any, Final

from sandbox.cities import City
from sandbox.nws.units import quantity

Json = dict[str, Any]

NUMBER: Final = re.compile(r"-?\d{1,3}(\.\d+)?")
DECIMALS_KEPT: Final = 4
CELL_REACH_DEGREES: Final = 0.02
CONTEXT: Final = ["https://geojson.org/geojson-ld/geojson-context.jsonld", {"@version": "1.1"}]


def canonical_point(latitude: str, longitude: str) -> tuple[str, str] | None:
    """The only spelling the service answers: at most four decimals and no trailing zeros. None for what is no point."""
    if not (NUMBER.fullmatch(latitude) and NUMBER.fullmatch(longitude)):
        return None
    if abs(float(latitude)) > 90 or abs(float(longitude)) > 180:
        return None
    return _trimmed(latitude), _trimmed(longitude)


def is_in_cell(city: City, latitude: str, longitude: str) -> bool:
    """Whether the point lies in the grid cell of the city's station."""
    north, east = float(latitude) - city.latitude, float(longitude) - city.longitude
    return max(abs(north), abs(east)) <= CELL_REACH_DEGREES


def point_body(city: City, latitude: str, longitude: str, root: str) -> Json:
    """What `/points` tells about a place."""
    address = f"{root}/points/{latitude},{longitude}"
    grid = f"{root}/gridpoints/{city.office}/{city.grid_x},{city.grid_y}"
    properties = {
        "@id": address,
        "@type": "wx:Point",
        "cwa": city.office,
        "type": "land",
        "forecastOffice": f"{root}/offices/{city.office}",
        "gridId": city.office,
        "gridX": city.grid_x,
        "gridY": city.grid_y,
        "forecast": f"{grid}/forecast",
        "forecastHourly": f"{grid}/forecast/hourly",
        "forecastGridData": grid,
        "observationStations": f"{grid}/stations",
        "timeZone": city.zone.key,
        "radarStation": f"K{city.office}",
    }
    geometry = {"type": "Point", "coordinates": [float(longitude), float(latitude)]}
    return {
        "@context": CONTEXT,
        "id": address,
        "type": "Feature",
        "geometry": geometry,
        "properties": properties,
    }


def station_body(city: City, root: str) -> Json:
    """The settlement station."""
    address = f"{root}/stations/{city.station_id}"
    properties = {
        "@id": address,
        "@type": "wx:ObservationStation",
        "elevation": quantity("m", city.elevation_m),
        "stationIdentifier": city.station_id,
        "name": city.station_name,
        "timeZone": city.zone.key,
        "provider": "ASOS",
        "subProvider": "",
    }
    geometry = {"type": "Point", "coordinates": [city.longitude, city.latitude]}
    return {"id": address, "type": "Feature", "geometry": geometry, "properties": properties}


def station_collection(cities: list[City], root: str) -> Json:
    """Stations as a list, nearest first where there is a place to be near to."""
    stations = [station_body(city, root) for city in cities]
    return {
        "@context": CONTEXT,
        "type": "FeatureCollection",
        "features": stations,
        "observationStations": [station["id"] for station in stations],
        "pagination": {},
    }


def known_since(moment: datetime) -> datetime:
    """Places do not change: their records are as old as the day that is asked on."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _trimmed(number: str) -> str:
    rounded = f"{float(number):.{DECIMALS_KEPT}f}"
    return rounded.rstrip("0").rstrip(".")
