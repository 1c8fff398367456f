"""What the weather service said wrongly under HTTP 200: each function takes a decoded body and spoils it in place.

A forecast is spoilt in its periods or its grid layers, a list of observations in its records; a body that has none of
what a function spoils stays as it is.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

Body = dict[str, Any]

TEMPERATURE_LAYERS: Final = ("temperature", "maxTemperature", "minTemperature")
UPDATE_TIMES: Final = ("updateTime", "updated")
OLD_GRID_AGE: Final = timedelta(hours=88)
CLOCK_AHEAD: Final = timedelta(hours=3)
STATION_AHEAD: Final = timedelta(days=8)  # longer than the service remembers: no record lands in the past
ENTRIES_LEFT: Final = 2
IMPOSSIBLE_C: Final = 148.89
FLOAT_NOISE: Final = 4.55e-14
"""What turns -3.3 into the -3.2999999999999545 that was served."""
LAYER_LEFT_OUT: Final = "maxTemperature"


def empty_periods(body: Body) -> None:
    """A forecast without periods, a grid whose temperature layers hold no values."""
    properties = _properties(body)
    if "periods" in properties:
        properties["periods"] = []
    for layer in _layers(body):
        layer["values"] = []


def partial_grid(body: Body) -> None:
    """Only the first entries of every layer, the first periods of a forecast."""
    properties = _properties(body)
    if "periods" in properties:
        properties["periods"] = properties["periods"][:ENTRIES_LEFT]
    for layer in _layers(body):
        layer["values"] = layer["values"][:ENTRIES_LEFT]


def null_temperature(body: Body) -> None:
    """Every temperature is null and unchecked, also where the METAR text of the record has one."""

    def clear(quantity: Body) -> None:
        quantity["value"] = None
        if "qualityControl" in quantity:
            quantity["qualityControl"] = "Z"

    _change_temperatures(body, clear)


def out_of_range(body: Body) -> None:
    """Temperatures no station ever measured, checked and found good."""

    def heat(quantity: Body) -> None:
        quantity["value"] = IMPOSSIBLE_C

    _change_temperatures(body, heat)


def strings(body: Body) -> None:
    """Numbers as text."""

    def quote(quantity: Body) -> None:
        if quantity["value"] is not None:
            quantity["value"] = str(quantity["value"])

    _change_temperatures(body, quote)


def float_noise(body: Body) -> None:
    """Values that went through binary arithmetic on their way."""

    def shake(quantity: Body) -> None:
        if quantity["value"] is not None:
            quantity["value"] += FLOAT_NOISE

    _change_temperatures(body, shake)


def old_units(body: Body) -> None:
    """The spelling of units and quality flags of some years ago."""

    def respell(quantity: Body) -> None:
        if "qualityControl" in quantity:
            quantity["qualityControl"] = f"qc:{quantity['qualityControl']}"

    _change_temperatures(body, respell)
    _rename_units(body, "unit:degC")


def fahrenheit(body: Body) -> None:
    """Temperatures in °F under a unit that says so."""

    def convert(quantity: Body) -> None:
        if quantity["value"] is not None:
            quantity["value"] = quantity["value"] * 9 / 5 + 32

    _change_temperatures(_without_periods(body), convert)
    _rename_units(body, "wmoUnit:degF")


def unknown_unit(body: Body) -> None:
    """A unit nobody announced."""
    _rename_units(body, "wmoUnit:K")
    for period in _periods(body):
        period["temperatureUnit"] = "K"


def old_grid(body: Body) -> None:
    """An edge server's forecast of days ago: the update time tells, neither the status nor `generatedAt` does."""
    _move_update_time(body, -OLD_GRID_AGE)


def future_grid(body: Body) -> None:
    """A forecast of an office whose clock is ahead."""
    _move_update_time(body, CLOCK_AHEAD)


def moved_cell(body: Body) -> None:
    """The place lies in another cell than yesterday, one without a forecast."""
    properties = _properties(body)
    if "gridY" in properties and "timeZone" in properties:
        properties["gridY"] += 7


def missing_property(body: Body) -> None:
    """A grid without its daytime maxima, periods without a temperature, records that are nothing but a name."""
    _properties(body).pop(LAYER_LEFT_OUT, None)
    for period in _periods(body):
        period.pop("temperature", None)
    for record in _records(body):
        kept = record["@id"]
        record.clear()
        record["@id"] = kept


def no_offset(body: Body) -> None:
    """Times that do not say of which zone they are."""
    _rewrite_times(body, lambda time: time.replace(tzinfo=None))


def local_offset(body: Body) -> None:
    """The same instants on a clock seven hours behind UTC."""
    behind = datetime.fromisoformat("2000-01-01T00:00:00-07:00").tzinfo
    _rewrite_times(body, lambda time: time.astimezone(behind))


def relative_icons(body: Body) -> None:
    """Links to pictures without the host."""
    for holder in (*_periods(body), *_records(body)):
        holder["icon"] = "/icons/land/day/few?size=medium"


def no_records(body: Body) -> None:
    """A station of which nothing is known."""
    if "features" in body:
        body["features"] = []


def no_metar_text(body: Body) -> None:
    """Five-minute records only: whole degrees and no text."""
    for record in _records(body):
        record["rawMessage"] = ""
        if record["temperature"]["value"] is not None:
            record["temperature"]["value"] = float(round(record["temperature"]["value"]))


def future_records(body: Body) -> None:
    """Records of a station whose clock is ahead."""
    for record in _records(body):
        record["timestamp"] = (datetime.fromisoformat(record["timestamp"]) + STATION_AHEAD).isoformat()


def repeated_records(body: Body) -> None:
    """Every record arrives twice: without its temperature, then with it."""
    if "features" not in body:
        return
    repeated = []
    for feature in body["features"]:
        first = {**feature, "properties": {**feature["properties"]}}
        first["properties"]["temperature"] = {
            "unitCode": "wmoUnit:degC",
            "value": None,
            "qualityControl": "Z",
        }
        repeated += [first, feature]
    body["features"] = repeated


NWS_SPOILERS: Final[dict[str, Callable[[Body], None]]] = {
    spoil.__name__: spoil
    for spoil in (
        empty_periods,
        partial_grid,
        null_temperature,
        out_of_range,
        strings,
        float_noise,
        old_units,
        fahrenheit,
        unknown_unit,
        old_grid,
        future_grid,
        moved_cell,
        missing_property,
        no_offset,
        local_offset,
        relative_icons,
        no_records,
        no_metar_text,
        future_records,
        repeated_records,
    )
}


def _properties(body: Body) -> Body:
    properties: Body = body.get("properties", {})
    return properties


def _periods(body: Body) -> list[Body]:
    periods: list[Body] = _properties(body).get("periods", [])
    return periods


def _records(body: Body) -> list[Body]:
    """The records of an observation list, or the one of /observations/latest."""
    holders = [feature.get("properties", {}) for feature in body.get("features", [])]
    return [record for record in (*holders, _properties(body)) if "rawMessage" in record]


def _layers(body: Body) -> Iterator[Body]:
    for name in TEMPERATURE_LAYERS:
        layer = _properties(body).get(name)
        if isinstance(layer, dict) and "values" in layer:
            yield layer


def _change_temperatures(body: Body, change: Callable[[Body], None]) -> None:
    """Apply `change` to every {value: ...} that holds a temperature; a period's counts as one."""
    for layer in _layers(body):
        for entry in layer["values"]:
            change(entry)
    for record in _records(body):
        change(record["temperature"])
    for period in _periods(body):
        quantity = {"value": period["temperature"]}
        change(quantity)
        period["temperature"] = quantity["value"]


def _without_periods(body: Body) -> Body:
    """The body but for its periods, which are in °F already."""
    return {} if _periods(body) else body


def _rename_units(body: Body, unit: str) -> None:
    for layer in _layers(body):
        layer["uom"] = unit
    for record in _records(body):
        record["temperature"]["unitCode"] = unit


def _move_update_time(body: Body, by: timedelta) -> None:
    properties = _properties(body)
    for name in UPDATE_TIMES:
        if name in properties:
            properties[name] = (datetime.fromisoformat(properties[name]) + by).isoformat()


def _rewrite_times(body: Body, rewrite: Callable[[datetime], datetime]) -> None:
    """Every time a reader of forecasts and records needs."""

    def rewritten(text: str) -> str:
        return rewrite(datetime.fromisoformat(text)).isoformat()

    for layer in _layers(body):
        for entry in layer["values"]:
            start, _, duration = entry["validTime"].partition("/")
            entry["validTime"] = f"{rewritten(start)}/{duration}"
    for holder in (_properties(body), *_periods(body), *_records(body)):
        for name in (*UPDATE_TIMES, "startTime", "endTime", "timestamp"):
            if name in holder:
                holder[name] = rewritten(holder[name])
