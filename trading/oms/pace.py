"""The time of a turn while it sends: each order leaves at its own moment, and a slow turn ends before the next is due."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Pace:
    """`clock` tells application time, by which orders are dated and expire; `is_over` that nothing more may begin."""

    clock: Callable[[], datetime]
    is_over: Callable[[], bool] = lambda: False
