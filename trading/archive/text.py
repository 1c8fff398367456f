"""How figures and instants are written in archives: exact, and the same bytes for the same value."""

from datetime import UTC, datetime
from decimal import Decimal

Row = tuple[str, ...]
"""One row of a table, as text."""


def stamp(at: datetime) -> str:
    """An instant in UTC, to the second; fractions only where there are some."""
    at = at.astimezone(UTC)
    pattern = "%Y-%m-%dT%H:%M:%S.%fZ" if at.microsecond else "%Y-%m-%dT%H:%M:%SZ"
    return at.strftime(pattern)


def figure(value: Decimal | int | None) -> str:
    """A number, whole or with two decimal places or as many more as it has; empty when there is none."""
    if value is None:
        return ""
    if value == int(value):
        return str(int(value))
    exponent = Decimal(value).normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return f"{value:.{max(2, -exponent)}f}"


def degrees(value: float | Decimal) -> str:
    """A temperature to the tenth of a degree, which is as fine as stations and forecasts tell it."""
    return f"{value:.1f}"
