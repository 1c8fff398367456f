"""Single values of a JSON body, checked. Each function raises BadValue with what it found instead."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from weather.domain.temperature import f_to_c

Json = Mapping[str, Any]


class BadValue(ValueError):
    """A value is not what its field promises. Pydantic's errors are ValueErrors too, so one `except` takes both."""


_DURATION = re.compile(
    r"^P(?:(?P<weeks>\d{1,2})W)?(?:(?P<days>\d{1,3})D)?"
    r"(?:T(?:(?P<hours>\d{1,4})H)?(?:(?P<minutes>\d{1,5})M)?(?:(?P<seconds>\d{1,6})S)?)?$"
)
_LONGEST: Final = timedelta(days=31)
_SHOWN: Final = 60


def mapping(raw: object) -> Json:
    """`raw`, which must be a JSON object."""
    if not isinstance(raw, Mapping):
        raise BadValue(f"expected an object, was {_show(raw)}")
    return raw


def objects(raw: object) -> list[Json]:
    """`raw`, which must be a list of JSON objects."""
    if not isinstance(raw, list):
        raise BadValue(f"expected a list, was {_show(raw)}")
    return [mapping(item) for item in raw]


def required(body: Json, name: str) -> Any:
    """The value under `name`, which must be there and not null."""
    value = body.get(name)
    if value is None:
        raise BadValue(f"{name} is missing")
    return value


def properties(body: Json) -> Json:
    """The payload of a GeoJSON Feature, or the body itself in the flat JSON-LD form."""
    return mapping(body["properties"]) if "properties" in body else body


def text(raw: object) -> str:
    """`raw`, which must be a string."""
    if not isinstance(raw, str):
        raise BadValue(f"expected text, was {_show(raw)}")
    return raw


def optional_text(raw: object) -> str:
    """`raw` when it is a string, else nothing."""
    return raw if isinstance(raw, str) else ""


def whole(raw: object) -> int:
    """A whole number; strings of digits pass because some recorded answers carry them."""
    value = number(raw)
    if value != int(value):
        raise BadValue(f"expected a whole number, was {_show(raw)}")
    return int(value)


def number(raw: object) -> float:
    """A finite number, given as a number or as its text."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise BadValue(f"expected a number, was {_show(raw)}")
    try:
        value = float(raw)
    except (ValueError, OverflowError):
        raise BadValue(f"expected a number, was {_show(raw)}") from None
    if not math.isfinite(value):
        raise BadValue(f"expected a finite number, was {_show(raw)}")
    return value


def celsius(raw: object, unit: object) -> float:
    """A temperature in °C from a number and its unit: wmoUnit:degC, unit:degF, C or F."""
    value = number(raw)
    suffix = optional_text(unit).rpartition(":")[2]
    if suffix in {"degC", "C"}:
        return value
    if suffix in {"degF", "F"}:
        return f_to_c(value)
    raise BadValue(f"unknown temperature unit {_show(unit)}")


def quantity_celsius(quantity: Json) -> float:
    """A temperature in °C from {unitCode, value}."""
    return celsius(required(quantity, "value"), quantity.get("unitCode"))


def instant(raw: object) -> datetime:
    """An aware UTC time from ISO-8601 with offset."""
    try:
        value = datetime.fromisoformat(text(raw))
        if value.tzinfo is None:
            raise BadValue("no offset")
        return value.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadValue(f"not a time with offset: {_show(raw)}") from None


def interval(raw: object) -> tuple[datetime, datetime]:
    """Start and end of `<start>/<duration>`, any ISO-8601 duration of weeks, days and time up to a month."""
    start, _, duration = text(raw).partition("/")
    match = _DURATION.match(duration)
    if match is None:
        raise BadValue(f"not an interval: {_show(raw)}")
    length = timedelta(**{unit: int(count) for unit, count in match.groupdict().items() if count})
    if not timedelta(0) < length <= _LONGEST:
        raise BadValue(f"not a plausible interval: {_show(raw)}")
    starts_at = instant(start)
    try:
        return starts_at, starts_at + length
    except OverflowError:
        raise BadValue(f"not a plausible interval: {_show(raw)}") from None


def reason(error: ValueError) -> str:
    """One line that says what was wrong, without pydantic's layout."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where} {_show(first['input'])}: {first['msg']}"
    return str(error)


def _show(raw: object) -> str:
    return repr(raw)[:_SHOWN]
