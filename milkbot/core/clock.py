"""The only reader of the clock.

Two times exist. `wall_now()` is the machine's time: leases, heartbeats and durations use it. `now()` is the
application's time: the same, except in the recorded-world profile, where the sandbox replays a past day faster than
life and publishes how its clock runs in the file named by `MILKBOT_WORLD_CLOCK`. World time never runs past the wall
clock, so "60 minutes ago" means the same to Python and to SQL's `now()`.
"""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from milkbot.core.errors import ConfigError

WORLD_CLOCK_VARIABLE = "MILKBOT_WORLD_CLOCK"


class WorldClock(BaseModel):
    """A clock that was at `world_started_at` when the wall said `wall_started_at` and runs `speed` times as fast."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    wall_started_at: AwareDatetime
    world_started_at: AwareDatetime
    speed: float = Field(gt=0, le=100_000)

    def at(self, wall: datetime) -> datetime:
        """World time at wall time `wall`, aware UTC: never later than `wall`, and never running backwards."""
        elapsed_s = max((wall - self.wall_started_at).total_seconds(), 0.0)
        # An hour-long sleep of the machine at speed 100 000 must not overflow timedelta: cap before multiplying.
        gap_s = max((wall - self.world_started_at).total_seconds(), 0.0)
        world = self.world_started_at + timedelta(seconds=min(elapsed_s * self.speed, gap_s))
        return min(wall, world).astimezone(UTC)


def wall_now() -> datetime:
    """The machine's time, aware UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds of a clock that never steps; for measuring durations only."""
    return time.monotonic()


def now() -> datetime:
    """The application's time, aware UTC.

    Raises ConfigError when the world clock's file is there but holds no readable clock: falling back to the wall would
    jump a replayed day into the present.
    """
    wall = wall_now()
    path = os.environ.get(WORLD_CLOCK_VARIABLE)
    if not path:
        return wall
    world = _read_world_clock(path)
    return world.at(wall) if world else wall


def _read_world_clock(path: str) -> WorldClock | None:
    try:
        return _parse_world_clock(path, Path(path).stat().st_mtime_ns)
    except OSError:
        return None  # The sandbox has not started yet: wall time is the honest fallback.


@lru_cache(maxsize=4)
def _parse_world_clock(path: str, modified_ns: int) -> WorldClock | None:
    """Read the `clock` object of the sandbox's description; cached by modification time."""
    try:
        description = json.loads(Path(path).read_text(encoding="utf-8"))
        clock = description.get("clock")
        return WorldClock.model_validate(clock) if clock else None
    except (ValueError, AttributeError) as error:
        raise ConfigError(
            f"{WORLD_CLOCK_VARIABLE} names {path}, which holds no readable clock: {error}"
        ) from error
