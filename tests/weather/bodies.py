"""Small, typed makers of api.weather.gov bodies and of domain values for the weather tests."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from milkbot.core.cities import CityConfig, load_cities
from weather.domain.types import CityWeather, DayHigh, Observation, WeatherSnapshot

CHI: CityConfig = load_cities()["CHI"]
DAY = date(2025, 5, 14)
NOON = datetime(2025, 5, 14, 18, 0, tzinfo=UTC)
"""12:00 in Chicago's standard time."""


def celsius(temp_f: int) -> float:
    return (temp_f - 32) * 5 / 9


def entry(starts_at: datetime, duration: str, temp_f: int | None) -> dict[str, Any]:
    return {
        "validTime": f"{starts_at.isoformat()}/{duration}",
        "value": None if temp_f is None else celsius(temp_f),
    }


def grid_body(
    city: CityConfig = CHI,
    *,
    issued_at: datetime = NOON - timedelta(hours=2),
    highs: Mapping[date, int] | None = None,
    hourly: Sequence[tuple[datetime, str, int | None]] = (),
) -> dict[str, Any]:
    """A raw grid whose daytime maxima run 07-20 local standard time, as the offices send them."""
    maxima = [
        entry(
            datetime(day.year, day.month, day.day, 7, tzinfo=UTC) - timedelta(hours=city.std_offset_hours),
            "PT13H",
            high,
        )
        for day, high in (highs or {DAY: 80, DAY + timedelta(days=1): 75}).items()
    ]
    return {
        "type": "Feature",
        "properties": {
            "gridId": city.nws_office,
            "gridX": city.nws_grid_x,
            "gridY": city.nws_grid_y,
            "updateTime": issued_at.isoformat(),
            "maxTemperature": {"uom": "wmoUnit:degC", "values": maxima},
            "temperature": {"uom": "wmoUnit:degC", "values": [entry(*values) for values in hourly]},
        },
    }


def points_body(city: CityConfig = CHI) -> dict[str, Any]:
    return {"properties": {"gridId": city.nws_office, "gridX": city.nws_grid_x, "gridY": city.nws_grid_y}}


def feature(
    observed_at: datetime = NOON - timedelta(minutes=7),
    value: Any = 22,
    *,
    station: str = CHI.settlement_station,
    unit: str = "wmoUnit:degC",
    qc: str | None = "V",
    metar: str = "",
) -> dict[str, Any]:
    temperature = {"unitCode": unit, "value": value} | ({} if qc is None else {"qualityControl": qc})
    return {
        "type": "Feature",
        "properties": {
            "station": f"https://api.weather.gov/stations/{station}",
            "timestamp": observed_at.isoformat(),
            "rawMessage": metar,
            "temperature": temperature,
        },
    }


def observations_body(*features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def grid_path(city: CityConfig = CHI) -> str:
    return f"/gridpoints/{city.nws_office}/{city.nws_grid_x},{city.nws_grid_y}"


def observations_path(city: CityConfig = CHI) -> str:
    return f"/stations/{city.settlement_station}/observations"


def points_path(city: CityConfig = CHI) -> str:
    def degrees(value: float) -> str:
        return f"{value:.4f}".rstrip("0")

    return f"/points/{degrees(city.latitude)},{degrees(city.longitude)}"


def snapshot(
    code: str = "CHI",
    *,
    captured_at: datetime = NOON,
    issued_at: datetime | None = NOON - timedelta(hours=2),
    high_f: int = 80,
    observation: Observation | None = None,
) -> WeatherSnapshot:
    return WeatherSnapshot(
        city_code=code,
        captured_at=captured_at,
        issued_at=issued_at,
        highs=(DayHigh(day=DAY, high_f=high_f),),
        observation=observation,
    )


def city_weather(code: str = "CHI", **changes: Any) -> CityWeather:
    return CityWeather(snapshot=snapshot(code, **changes), raw={"grid": {"gridId": "LOT"}})


def reading(
    observed_at: datetime = NOON, temp_c: float = 22.0, *, station: str = "KMDW", is_metar: bool = False
) -> Observation:
    return Observation(station=station, observed_at=observed_at, temp_c=temp_c, is_metar=is_metar)
