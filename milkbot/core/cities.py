"""The ten cities. Facts come from `cities.json`; its sources are named in docs/DATA_DICTIONARY.md."""

import json
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator


class CityConfig(BaseModel):
    """One city and the station its market settles on.

    `std_offset_hours` is the fixed UTC offset of local standard time: it alone defines the climate day. `timezone` is
    for people. `nws_office` and the grid numbers are an offline seed: offices regrid, so `/points` is asked daily.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[A-Z]{3}$")
    name: str
    site: str
    timezone: str
    std_offset_hours: int = Field(ge=-10, le=-4)
    std_zone: str = Field(pattern=r"^[ECMP]ST$")
    cluster: str
    nws_office: str = Field(pattern=r"^[A-Z]{3}$")
    nws_grid_x: Annotated[int, Field(strict=True, gt=0)]
    nws_grid_y: Annotated[int, Field(strict=True, gt=0)]
    settlement_station: str = Field(pattern=r"^K[A-Z]{3}$")
    latitude: float = Field(ge=24, le=50)
    longitude: float = Field(ge=-125, le=-66)
    cli_code: str = Field(pattern=r"^CLI[A-Z]{3}$")
    kalshi_series: str = Field(pattern=r"^KXHIGH[A-Z]+$")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        ZoneInfo(value)
        return value

    @property
    def cli_location(self) -> str:
        """The location part of the CLI product, e.g. MDW of CLIMDW."""
        return self.cli_code.removeprefix("CLI")


@lru_cache(maxsize=1)
def load_cities() -> "MappingProxyType[str, CityConfig]":
    """All cities by code, in display order. Read-only."""
    rows = json.loads(files("milkbot.core").joinpath("cities.json").read_text(encoding="utf-8"))
    cities = {row["code"]: CityConfig.model_validate(row) for row in rows}
    if len(cities) != len(rows):
        raise ValueError("cities.json names a city twice")
    return MappingProxyType(cities)


def city_of_series(series_ticker: str) -> CityConfig | None:
    """The city whose daily-high series this is, or None."""
    return next((city for city in load_cities().values() if city.kalshi_series == series_ticker), None)
