"""Exact money. Dollars and counts are `Decimal`; a missing price is `None`, never 0 or 1."""

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Final

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
CENT: Final = Decimal("0.01")
CENTICENT: Final = Decimal("0.0001")

MOST_DIGITS_BEFORE: Final = 13
MOST_DIGITS_AFTER: Final = 18
"""Digits around the point that money, prices and counts can have; anything else is a fault of the sender."""
_LONGEST: Final = 40
_BEYOND: Final = 10**MOST_DIGITS_BEFORE
# Stricter than Decimal(), which also reads "1_0", "Infinity", "NaN" and digits of other scripts.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")
_PLAIN = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,18})?")
"""What exchanges write: within all bounds by its form alone. A page of 1,000 markets holds seven thousand of them."""


def parse_decimal(raw: object) -> Decimal:
    """A finite decimal of reasonable size from a string, integer or Decimal.

    Floats are refused: they have already lost the exact value. Raises ValueError with the offending text.
    """
    if type(raw) is str and _PLAIN.fullmatch(raw):
        return Decimal(raw)
    if type(raw) is int and -_BEYOND < raw < _BEYOND:
        return Decimal(raw)  # What follows is for the rare and the wrong.
    if isinstance(raw, bool) or not isinstance(raw, str | int | Decimal):
        shown = f"{raw!r:.{_LONGEST}}"
        raise ValueError(f"expected a decimal string, was {shown}")  # noqa: TRY004 - callers catch one error
    value = _from_text(raw) if isinstance(raw, str) else Decimal(raw)
    if not value.is_finite():
        raise ValueError(f"not a finite number: {value}")
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    if exponent < -MOST_DIGITS_AFTER or value.adjusted() >= MOST_DIGITS_BEFORE:
        raise ValueError(f"number out of range: {value:.3e}")
    return value if value else value.copy_abs()  # "-0" is shown to people, and -0.00 looks like a loss


def _from_text(raw: str) -> Decimal:
    text = raw.strip()
    if len(text) > _LONGEST or not _NUMBER.fullmatch(text):
        raise ValueError(f"not a decimal number: {raw[:_LONGEST]!r}")
    return Decimal(text)


@lru_cache(maxsize=10_000)
def six_places(share: float) -> Decimal:
    """A probability, or another share of one, as decisions reckon with it: rounded to six digits after the point.

    Kept: within one decision each is asked for several times.
    """
    return Decimal(repr(round(share, 6)))


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """`value` rounded up (toward +infinity) to a multiple of `step`."""
    return (value / step).to_integral_value(ROUND_CEILING) * step


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """`value` rounded down (toward -infinity) to a multiple of `step`."""
    return (value / step).to_integral_value(ROUND_FLOOR) * step


def signed_dollars(value: Decimal) -> str:
    """`+$1.23` or `−$1.23` (typographic minus), as people read gains and losses. Less than half a cent is `+$0.00`."""
    cents = value.quantize(CENT, ROUND_HALF_EVEN)
    sign = "−" if cents < 0 else "+"
    return f"{sign}${abs(cents):,.2f}"
