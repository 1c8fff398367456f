"""The two times a page is rendered at."""

from dataclasses import dataclass
from datetime import datetime

from milkbot.core import clock


@dataclass(frozen=True)
class Times:
    """`now` is the application's time (a replayed world's, maybe); `wall_now` the machine's, for signs of life."""

    now: datetime
    wall_now: datetime


def read_times() -> Times:
    return Times(clock.now(), clock.wall_now())
