"""Degrees: how whole °F, tenths of °C and whole °C map onto each other."""

import math


def c_to_f(temp_c: float) -> int:
    """The whole °F nearest to `temp_c` °C, halves upward.

    Exact for forecast maxima and METAR tenths: both come from whole °F.
    """
    return math.floor(temp_c * 9 / 5 + 32.5)


def f_to_c(temp_f: float) -> float:
    """`temp_f` °F in °C."""
    return (temp_f - 32) * 5 / 9


def whole_c_to_possible_f(celsius: int) -> tuple[int, ...]:
    """Every whole °F that a station would report as this whole °C: one value or two, ascending.

    Five-minute reports travel as whole °C, so 22 °C may have been 71 or 72 °F.
    """
    nearest = c_to_f(celsius)
    # floor((f − 32)·5/9 + ½) in integers: float rounding must not decide an edge.
    return tuple(f for f in range(nearest - 1, nearest + 2) if ((f - 32) * 10 + 9) // 18 == celsius)
