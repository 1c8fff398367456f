"""A station's records as the service shows them."""

from datetime import datetime
from typing import Any, Final

from sandbox.cities import City
from sandbox.feeds import StationRecord
from sandbox.nws.places import CONTEXT
from sandbox.nws.units import quantity, utc_text

Json = dict[str, Any]

CHECKED: Final = "V"
UNCHECKED: Final = "Z"
NOT_SIMULATED: Final = {
    "dewpoint": "degC",
    "windDirection": "degree_(angle)",
    "windSpeed": "km_h-1",
    "windGust": "km_h-1",
    "barometricPressure": "Pa",
    "visibility": "m",
    "maxTemperatureLast24Hours": "degC",
    "minTemperatureLast24Hours": "degC",
    "relativeHumidity": "percent",
}


def observation_body(city: City, record: StationRecord, root: str) -> Json:
    """One record. A five-minute record has no METAR text; what is missing is null and not checked."""
    station = f"{root}/stations/{city.station_id}"
    address = f"{station}/observations/{utc_text(record.observed_at)}"
    value = None if record.temp_c is None else float(record.temp_c)
    properties: Json = {
        "@id": address,
        "@type": "wx:ObservationStation",
        "elevation": quantity("m", city.elevation_m),
        "station": station,
        "stationId": city.station_id,
        "stationName": city.station_name,
        "timestamp": utc_text(record.observed_at),
        "rawMessage": record.metar,
        "textDescription": "",
        "icon": None,
        "presentWeather": [],
        "temperature": quantity("degC", value) | {"qualityControl": UNCHECKED if value is None else CHECKED},
    } | {name: quantity(unit, None) | {"qualityControl": UNCHECKED} for name, unit in NOT_SIMULATED.items()}
    geometry = {"type": "Point", "coordinates": [city.longitude, city.latitude]}
    return {"id": address, "type": "Feature", "geometry": geometry, "properties": properties}


def observation_list(city: City, records: list[StationRecord], root: str) -> Json:
    """Records as a list, in the order given."""
    return {
        "@context": CONTEXT,
        "type": "FeatureCollection",
        "features": [observation_body(city, record, root) for record in records],
    }


def newest_arrival(records: list[StationRecord], default: datetime) -> datetime:
    """When the last of the records became available; `default` when there are none."""
    return max((record.available_at for record in records), default=default)
