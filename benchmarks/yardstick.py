"""How fast is a core of this machine just now: a fixed piece of work beside what is measured.

The cores of shared machines differ threefold, and the same core by the hour. A rate that a promise names is therefore
compared as it would be on the core the promise was made for, which takes `REFERENCE_S` for this work. A faster core gets
no such allowance: there the promise is met as it stands.
"""

import time
from decimal import Decimal
from typing import Final

import numpy as np

REFERENCE_S: Final = 0.075
"""Of processor time: half as much again as the quickest core met takes. Builds were seen on cores on which the same replay
took 2.8 times as long as on that one.
"""
_STEPS: Final = 180_000
_ROUNDS: Final = 180
_GRID: Final = np.linspace(-4.0, 4.0, 20_000)


def slowness(taken_s: float) -> float:
    """How many times longer than the reference a core takes that took `taken_s`; one where it took less."""
    return max(1.0, taken_s / REFERENCE_S)


def yardstick_s() -> float:
    """Processor time of one piece of work: two thirds of it the interpreter's, one third arrays'."""
    began = time.process_time()
    _interpret()
    _compute()
    return time.process_time() - began


def _interpret() -> None:
    counts: dict[int, Decimal] = {}
    cent = Decimal("0.01")
    for step in range(_STEPS):
        counts[step % 97] = counts.get(step % 97, Decimal(0)) + cent * (step % 100)
    sorted(counts.values())


def _compute() -> None:
    total = np.zeros_like(_GRID)
    for round_ in range(_ROUNDS):
        total += np.exp(-0.5 * np.square(_GRID - round_ / _ROUNDS))
    np.sort(np.cumsum(total)[::-1])
