"""Exact money. Dollars and counts are `Decimal`; a missing price is `None`, never 0 or 1."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation

ZERO = Decimal(0)
ONE = Decimal(1)
CENT = Decimal("0.01")
CENTICENT = Decimal("0.0001")

_MAX_EXPONENT = 12


def parse_decimal(raw: object) -> Decimal:
    """A finite decimal of reasonable size from a string, integer or Decimal.

    Floats are refused: they have already lost the exact value. Raises ValueError with the offending text.
    """
    if isinstance(raw, bool) or not isinstance(raw, str | int | Decimal):
        raise ValueError(f"expected a decimal string, was {raw!r}")
    text = raw.strip() if isinstance(raw, str) else raw
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"not a decimal number: {str(raw)[:40]!r}") from None
    if not value.is_finite():
        raise ValueError(f"not a finite number: {str(raw)[:40]!r}")
    if value != 0 and abs(value.adjusted()) > _MAX_EXPONENT:
        raise ValueError(f"number out of range: {str(raw)[:40]!r}")
    return value


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """`value` rounded up (toward +infinity) to a multiple of `step`."""
    return (value / step).to_integral_value(ROUND_CEILING) * step


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """`value` rounded down (toward -infinity) to a multiple of `step`."""
    return (value / step).to_integral_value(ROUND_FLOOR) * step


def signed_dollars(value: Decimal) -> str:
    """`+$1.23` or `−$1.23` (typographic minus), as people read gains and losses."""
    sign = "−" if value < 0 else "+"
    return f"{sign}${abs(value):,.2f}"
