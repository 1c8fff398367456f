"""Exact money: what is read, what is refused, and which way it rounds."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core.money import ceil_to, floor_to, parse_decimal, signed_dollars

amounts = st.decimals(-1_000_000, 1_000_000, places=6, allow_nan=False, allow_infinity=False)
steps = st.sampled_from([Decimal(text) for text in ("0.01", "0.0001", "0.001", "0.05", "1", "0.03")])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("0.4500", "0.4500"),
        (" 12 ", "12"),
        ("-3.5", "-3.5"),
        ("+.5", "0.5"),
        ("5.", "5"),
        ("1e2", "1E+2"),
        (7, "7"),
        (Decimal("0.01"), "0.01"),
        ("0", "0"),
        ("-0.00", "0.00"),
        ("9999999999999", "9999999999999"),
        ("0.000000000000000001", "1E-18"),
    ],
)
def test_parse_decimal_keeps_the_exact_value_and_its_digits(raw: object, expected: str) -> None:
    parsed = parse_decimal(raw)
    assert str(parsed) == str(Decimal(expected))


@pytest.mark.parametrize(
    "raw",
    [
        "NaN",
        "-nan",
        "sNaN",
        "NaN123",
        "Infinity",
        "-inf",
        "1e309",
        "1e999999",
        "1e-999999",
        "0e999999",
        "0e-999999",
        "1e9999999999999999999999",
        "10000000000000",
        "0.0000000000000000001",
        "",
        "   ",
        ".",
        "-",
        "e5",
        "1_000",
        "1,000",
        "$5",
        "٣",
        "１",
        "0x10",
        "1 2",
        "0.5\x00",
        "9" * 100_000,
        "0." + "0" * 100_000,
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("1e309"),
        Decimal("0e999999"),
        10**5000,
        -(10**13),
        0.45,
        float("nan"),
        True,
        False,
        None,
        b"1",
        [],
        {},
    ],
    ids=lambda raw: repr(raw)[:20] if not isinstance(raw, int) or isinstance(raw, bool) else "big int",
)
def test_parse_decimal_of_anything_else_is_refused(raw: object) -> None:
    with pytest.raises(ValueError) as caught:
        parse_decimal(raw)
    assert len(str(caught.value)) < 120


@given(st.text(max_size=30) | st.integers() | st.floats() | st.booleans() | st.none() | st.binary(max_size=5))
def test_parse_decimal_gives_a_finite_number_or_a_value_error(raw: object) -> None:
    try:
        parsed = parse_decimal(raw)
    except ValueError:
        return
    assert parsed.is_finite()
    assert abs(parsed) < 10**13
    assert parsed == Decimal(str(raw).strip())


@given(amounts)
def test_parse_decimal_of_a_printed_amount_is_that_amount(amount: Decimal) -> None:
    assert parse_decimal(f"{amount:f}") == amount


@given(amounts, steps)
def test_rounding_lands_on_the_nearest_multiple_in_its_direction(value: Decimal, step: Decimal) -> None:
    up, down = ceil_to(value, step), floor_to(value, step)
    for rounded in (up, down):
        assert (Fraction(rounded) / Fraction(step)).denominator == 1
    assert Fraction(up) - Fraction(step) < Fraction(value) <= Fraction(up)
    assert Fraction(down) <= Fraction(value) < Fraction(down) + Fraction(step)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1.23", "+$1.23"),
        ("-1.23", "−$1.23"),
        ("0", "+$0.00"),
        ("-0.004", "+$0.00"),
        ("-0.006", "−$0.01"),
        ("1234567.891", "+$1,234,567.89"),
    ],
)
def test_signed_dollars_reads_as_people_write_it(value: str, shown: str) -> None:
    assert signed_dollars(Decimal(value)) == shown
