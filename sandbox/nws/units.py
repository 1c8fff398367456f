"""Units and times in the weather service's spelling."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

HOUR = timedelta(hours=1)


def celsius(fahrenheit: int) -> float:
    """A whole Fahrenheit degree as the grids carry it: an exact multiple of 5/9, in floating point."""
    return (fahrenheit - 32) * 5 / 9


def shown_temperature(fahrenheit: int, units: str) -> int:
    """A period's whole temperature in `us` (F) or `si` (C) units."""
    return fahrenheit if units == "us" else int((Decimal(fahrenheit - 32) * 5 / 9).to_integral_value())


def utc_text(instant: datetime) -> str:
    """`2026-08-21T15:48:42+00:00`."""
    return instant.astimezone(UTC).isoformat(timespec="seconds")


def quantity(unit: str, value: float | None) -> dict[str, Any]:
    """A measured value with its unit; what was not recorded is null."""
    return {"unitCode": f"wmoUnit:{unit}", "value": value}


def start_of_hour(instant: datetime) -> datetime:
    """The full hour at or before `instant`."""
    return instant.replace(minute=0, second=0, microsecond=0)


def hours_text(duration: timedelta) -> str:
    """`PT13H`, or `P1DT2H` from a day on."""
    days, rest = divmod(int(duration / HOUR), 24)
    date_part = f"{days}D" if days else ""
    time_part = f"T{rest}H" if rest or not days else ""
    return f"P{date_part}{time_part}"
