"""Pure readers of api.weather.gov bodies. Everything outside is hostile until it has passed through here.

Each function raises Malformed, with the reason, when the body is not what its endpoint promises. Single periods or
readings that are unusable are left out and named in `refused`; a broken grid is refused whole.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from milkbot.core.errors import Malformed
from weather.clients.nws import fields
from weather.clients.nws.fields import Json
from weather.domain.observations import MetarGroups, read_metar
from weather.domain.temperature import c_to_f
from weather.domain.types import (
    Forecast,
    ForecastPeriod,
    Grid,
    GridPoint,
    LayerValue,
    Observation,
    ObservationList,
    ProductRef,
)

SOURCE: Final = "nws"

_MOST_ENTRIES: Final = 2000
_USABLE_QC: Final = frozenset({"C", "S", "V", "Z"})
"""MADIS: passed one, two or three levels of checks, or not yet checked. X, Q and B are rejected or doubted."""
_METAR_TOLERANCE_C: Final = 0.06

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _reads(what: str) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """A ValueError from inside means that the body does not say what it should."""

    def decorate(read: Callable[_P, _T]) -> Callable[_P, _T]:
        @wraps(read)
        def checked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            try:
                return read(*args, **kwargs)
            except ValueError as error:
                raise Malformed(SOURCE, f"{what}: {fields.reason(error)}") from error

        return checked

    return decorate


@_reads("points")
def parse_points(body: Json) -> GridPoint:
    """The grid cell of a /points answer."""
    return _grid_point(fields.properties(body))


@_reads("grid")
def parse_grid(body: Json) -> Grid:
    """The raw grid of /gridpoints/{office}/{x},{y}: issue time, daytime maxima and hourly temperature."""
    properties = fields.properties(body)
    return Grid(
        point=_grid_point(properties),
        issued_at=fields.instant(fields.required(properties, "updateTime")),
        max_temperature=_layer(properties, "maxTemperature"),
        temperature=_layer(properties, "temperature"),
    )


@_reads("forecast")
def parse_forecast(body: Json) -> Forecast:
    """The twelve-hour periods of /forecast. No usable period at all is an empty forecast, not an error."""
    return _forecast(body)


@_reads("hourly forecast")
def parse_hourly(body: Json) -> Forecast:
    """The one-hour periods of /forecast/hourly."""
    return _forecast(body)


@_reads("observations")
def parse_observations(body: Json) -> ObservationList:
    """The readings of /stations/{id}/observations or of a single /observations/latest, newest first.

    Of several records for one instant the one backed by METAR text stays, else the last one sent.
    """
    features = [body] if body.get("type") == "Feature" else fields.objects(fields.required(body, "features"))
    readings: dict[tuple[str, datetime], Observation] = {}
    refused = []
    for feature in features[:_MOST_ENTRIES]:
        try:
            reading = _observation(fields.properties(feature))
        except ValueError as error:
            refused.append(fields.reason(error))
            continue
        instant = (reading.station, reading.observed_at)
        if reading.is_metar or not (instant in readings and readings[instant].is_metar):
            readings[instant] = reading
    newest_first = sorted(readings.values(), key=lambda r: r.observed_at, reverse=True)
    return ObservationList(readings=tuple(newest_first), refused=tuple(refused))


@_reads("product list")
def parse_product_list(body: Json) -> tuple[ProductRef, ...]:
    """The entries of a product list (`@graph`), newest first."""
    entries = fields.objects(fields.required(body, "@graph"))[:_MOST_ENTRIES]
    refs = [
        ProductRef(
            product_id=fields.text(fields.required(entry, "id")),
            issued_at=fields.instant(fields.required(entry, "issuanceTime")),
        )
        for entry in entries
    ]
    return tuple(sorted(refs, key=lambda ref: ref.issued_at, reverse=True))


@_reads("product")
def parse_product(body: Json) -> str:
    """The text of one product."""
    text = fields.text(fields.required(body, "productText"))
    if not text.strip() or "\x00" in text:
        raise fields.BadValue("productText is empty or holds NUL characters")
    text.encode()  # A lone surrogate is legal JSON but no text: UnicodeEncodeError is a ValueError.
    return text


def _grid_point(properties: Json) -> GridPoint:
    return GridPoint(
        office=fields.text(fields.required(properties, "gridId")),
        x=fields.whole(fields.required(properties, "gridX")),
        y=fields.whole(fields.required(properties, "gridY")),
    )


def _layer(properties: Json, name: str) -> tuple[LayerValue, ...]:
    layer = fields.mapping(fields.required(properties, name))
    unit = layer.get("uom")
    entries = []
    for entry in fields.objects(fields.required(layer, "values"))[:_MOST_ENTRIES]:
        if entry.get("value") is None:
            continue
        starts_at, ends_at = fields.interval(fields.required(entry, "validTime"))
        temp_c = fields.celsius(entry["value"], unit)
        entries.append(LayerValue(starts_at=starts_at, ends_at=ends_at, temp_c=temp_c))
    return tuple(sorted(entries, key=lambda value: value.starts_at))


def _forecast(body: Json) -> Forecast:
    properties = fields.properties(body)
    issued_at = fields.instant(fields.required(properties, "updateTime"))
    periods: list[ForecastPeriod] = []
    refused = []
    for raw in fields.objects(fields.required(properties, "periods"))[:_MOST_ENTRIES]:
        try:
            periods.append(_period(raw))
        except ValueError as error:
            refused.append(fields.reason(error))
    periods.sort(key=lambda period: period.starts_at)
    return Forecast(issued_at=issued_at, periods=tuple(periods), refused=tuple(refused))


def _period(raw: Json) -> ForecastPeriod:
    temperature = fields.required(raw, "temperature")
    if isinstance(
        temperature, Mapping
    ):  # With the quantity feature flag on, numbers come as {unitCode, value}.
        temp_c = fields.quantity_celsius(temperature)
    else:
        temp_c = fields.celsius(temperature, raw.get("temperatureUnit"))
    is_daytime = fields.required(raw, "isDaytime")
    if not isinstance(is_daytime, bool):
        raise fields.BadValue(f"isDaytime is {is_daytime!r}")
    return ForecastPeriod(
        starts_at=fields.instant(fields.required(raw, "startTime")),
        is_daytime=is_daytime,
        temp_f=c_to_f(temp_c),
        name=fields.optional_text(raw.get("name")),
        conditions=fields.optional_text(raw.get("shortForecast")),
    )


def _observation(properties: Json) -> Observation:
    observed_at = fields.instant(fields.required(properties, "timestamp"))
    station = fields.text(fields.required(properties, "station")).rstrip("/").rpartition("/")[2]
    quantity = fields.mapping(fields.required(properties, "temperature"))
    qc = fields.optional_text(quantity.get("qualityControl")).rpartition(":")[2] or "Z"
    if qc not in _USABLE_QC:
        raise fields.BadValue(f"{station} {observed_at:%d %H:%MZ}: temperature has quality flag {qc!r}")
    metar = read_metar(fields.optional_text(properties.get("rawMessage")), observed_at)
    temp_c, is_metar = _reading(quantity, metar if metar and metar.station == station else None)
    return Observation(
        station=station,
        observed_at=observed_at,
        temp_c=temp_c,
        is_metar=is_metar,
        # Without tenths that agree with the checked value the remarks prove nothing.
        six_hour_max_c=_no_lower(metar.six_hour_max_c, temp_c) if metar and is_metar else None,
        day_max_c=_no_lower(metar.day_max_c, temp_c) if metar and is_metar else None,
    )


def _no_lower(maximum_c: float | None, temp_c: float) -> float | None:
    """A maximum below the temperature of its own end is garbled."""
    return maximum_c if maximum_c is not None and maximum_c >= temp_c else None


def _reading(quantity: Json, metar: MetarGroups | None) -> tuple[float, bool]:
    """Temperature in °C and whether METAR tenths back it.

    A null is filled from the METAR. Where both speak and differ, the checked value stays, without METAR backing.
    """
    exact = metar.temp_c if metar else None
    if quantity.get("value") is None:
        if exact is None:
            raise fields.BadValue("temperature is null")
        return exact, True
    value = fields.quantity_celsius(quantity)
    if exact is not None and abs(exact - value) <= _METAR_TOLERANCE_C:
        return exact, True
    return round(value, 2), False
