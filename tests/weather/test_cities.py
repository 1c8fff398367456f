"""Story 1.4: the ten cities."""

import csv
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from milkbot.core.cities import CityConfig, city_of_series, load_cities

CODES = ("NYC", "CHI", "LAX", "MIA", "AUS", "DEN", "PHL", "BOS", "SEA", "SFO")


@pytest.mark.story("1.4", 1)
def test_city_config_when_read_then_it_has_the_fields_the_product_names() -> None:
    wanted = {
        "code", "name", "timezone", "cluster", "nws_office", "nws_grid_x", "nws_grid_y", "settlement_station",
    }  # fmt: skip
    assert wanted <= set(CityConfig.model_fields)


@pytest.mark.story("1.4", 1)
@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("code", "chi"),
        ("timezone", "America/Gotham"),
        ("settlement_station", "MDW"),
        ("cli_code", "MDW"),
        ("latitude", 141),
    ],
)
def test_city_config_when_a_field_is_wrong_then_it_is_refused(field: str, bad: object) -> None:
    with pytest.raises((ValidationError, KeyError)):
        CityConfig.model_validate(load_cities()["CHI"].model_dump() | {field: bad})


@pytest.mark.story("1.4", 2)
def test_load_cities_when_called_then_all_ten_are_there_in_display_order() -> None:
    assert tuple(load_cities()) == CODES


@pytest.mark.story("1.4", 3)
def test_load_cities_when_called_then_it_maps_each_code_to_its_config_and_cannot_be_changed() -> None:
    cities = load_cities()
    assert {code: city.code for code, city in cities.items()} == {code: code for code in CODES}
    assert {type(city) for city in cities.values()} == {CityConfig}
    with pytest.raises(TypeError):
        cities["CHI"] = cities["NYC"]  # type: ignore[index]


@pytest.mark.story("1.4", 4)
@pytest.mark.parametrize("code", CODES)
def test_city_when_loaded_then_its_zone_exists_and_agrees_with_its_standard_offset(code: str) -> None:
    city = load_cities()[code]
    zone = ZoneInfo(city.timezone)
    assert datetime(2026, 1, 15, 12, tzinfo=zone).utcoffset() == timedelta(hours=city.std_offset_hours)


@pytest.mark.story("1.4", 4)
def test_cities_when_loaded_then_clusters_are_those_of_the_decision() -> None:
    clusters: dict[str, set[str]] = {}
    for city in load_cities().values():
        clusters.setdefault(city.cluster, set()).add(city.code)
    assert clusters.pop("NORTHEAST") == {"NYC", "PHL", "BOS"}
    assert clusters.pop("CALIFORNIA") == {"LAX", "SFO"}
    assert all(name and len(members) == 1 for name, members in clusters.items())


@pytest.mark.story("1.4", 5)
@pytest.mark.parametrize("code", CODES)
def test_city_when_loaded_then_its_grid_numbers_are_integers(code: str) -> None:
    city = load_cities()[code]
    assert type(city.nws_grid_x) is int
    assert type(city.nws_grid_y) is int


@pytest.mark.story("1.4", 5)
@pytest.mark.parametrize("bad", [72.0, "72", True, 0, -1, None])
def test_city_config_when_a_grid_number_is_no_positive_integer_then_it_is_refused(bad: object) -> None:
    with pytest.raises(ValidationError):
        CityConfig.model_validate(load_cities()["CHI"].model_dump() | {"nws_grid_x": bad})


def test_city_of_series_when_asked_then_it_finds_the_city_or_nothing() -> None:
    chicago = city_of_series("KXHIGHCHI")
    assert chicago is not None
    assert chicago.code == "CHI"
    assert city_of_series("KXHIGHTDEN") is None


def test_cities_when_compared_with_the_settlement_stations_then_every_fact_agrees(
    recorded_weather: Path,
) -> None:
    with (recorded_weather / "stations" / "settlement_stations.csv").open(encoding="utf-8") as file:
        rows = {row["city"]: row for row in csv.DictReader(file)}
    for code, city in load_cities().items():
        row = rows[code]
        assert (city.kalshi_series, city.settlement_station, city.cli_code) == (
            row["kalshi_series"], row["icao"], row["cli_pil"],
        )  # fmt: skip
        assert (city.nws_office, city.nws_grid_x, city.nws_grid_y) == (
            row["wfo"],
            int(row["grid_x"]),
            int(row["grid_y"]),
        )
        assert (city.latitude, city.longitude) == (float(row["lat"]), float(row["lon"]))
        assert (city.timezone, city.std_offset_hours) == (row["tz"], int(row["std_utc_offset_h"]))
        assert city.cli_location == row["cli_location"]
