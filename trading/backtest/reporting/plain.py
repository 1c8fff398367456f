"""Values as JSON: exact, and in an order that never changes."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from pydantic import BaseModel


def plain(value: Any) -> Any:
    """`value` of dataclasses (with their properties), models, named tuples, mappings and sequences, as JSON knows them.

    Decimals become strings without an exponent, times ISO 8601 with Z, time spans seconds. Raises TypeError for anything
    else: a report must not depend on how somebody's repr looks.
    """
    if value is None or (isinstance(value, bool | int | float | str) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if is_dataclass(value) and not isinstance(value, type):
        told = [name for name, found in vars(type(value)).items() if isinstance(found, property)]
        return {
            name: plain(getattr(value, name)) for name in (*(field.name for field in fields(value)), *told)
        }
    if isinstance(value, BaseModel):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: plain(getattr(value, name)) for name in value._fields}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    return _scalar(value)


def as_json(value: Any) -> str:
    """Text of `plain(value)`. Raises ValueError for a float that is no number: missing is null."""
    return json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _scalar(value: object) -> str | float:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(f"{type(value).__name__} has no exact form in JSON")
