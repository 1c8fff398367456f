"""Brackets of whole degrees and the half degrees around them (probability-and-sizing.md 1.1)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from milkbot.core.arrays import Floats

Bracket = tuple[int | None, int | None]
"""Whole °F, both ends inclusive; None is an open end."""

HALF_DEGREE: Final = 0.5
"""A settled whole degree stands for everything that rounds to it."""


def edges(brackets: Sequence[Bracket]) -> tuple[Floats, Floats]:
    """The half degrees around each bracket, ±∞ at open ends; read-only. Raises ValueError for an empty bracket."""
    return _edges(tuple(brackets))


@lru_cache(maxsize=1000)
def _edges(brackets: tuple[Bracket, ...]) -> tuple[Floats, Floats]:
    # A ladder is read off hundreds of times before its day is over.
    for low, high in brackets:
        if low is not None and high is not None and low > high:
            raise ValueError(f"bracket {low}..{high} is empty")
    lows = [-np.inf if low is None else low - HALF_DEGREE for low, _ in brackets]
    highs = [np.inf if high is None else high + HALF_DEGREE for _, high in brackets]
    found = np.asarray([lows, highs], dtype=np.float64)
    found.flags.writeable = False
    return found[0], found[1]


def middle_f(brackets: Sequence[Bracket]) -> float | None:
    """Halfway between the outer half degrees of the closed ones, °F; None where all are open. Raises as `edges`."""
    lows, highs = edges([each for each in brackets if None not in each])
    return float(lows.min() + highs.max()) / 2 if lows.size else None


def moved(brackets: Sequence[Bracket], by: int) -> list[Bracket]:
    """Each bracket `by` whole degrees further up."""
    return [
        (None if low is None else low + by, None if high is None else high + by) for low, high in brackets
    ]
