"""The world's clock: the only place in the sandbox that reads the machine's.

A recorded day is moved by whole days so that its event settles about now; world time starts at the event's opening and
runs faster than life until it has caught up with the wall clock, which it never passes.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

DAY = timedelta(days=1)


def wall_now() -> datetime:
    """The machine's time, aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class WorldClock:
    """A clock that stood at `world_started_at` when the wall said `wall_started_at` and runs `speed` times as fast."""

    wall_started_at: datetime
    world_started_at: datetime
    speed: float

    def at(self, wall: datetime) -> datetime:
        """World time at wall time `wall`: never later than `wall`, never before the world began."""
        elapsed_s = max((wall - self.wall_started_at).total_seconds(), 0.0)
        gap_s = max((wall - self.world_started_at).total_seconds(), 0.0)
        return min(wall, self.world_started_at + timedelta(seconds=min(elapsed_s * self.speed, gap_s)))

    def restarted(self, wall: datetime, world: datetime, speed: float) -> "WorldClock":
        """The same world from wall time `wall` on, standing at `world` and running at `speed`.

        Raises ValueError when `world` would turn time back or pass the wall clock.
        """
        if world < self.at(wall):
            raise ValueError("world time cannot go back")
        if world > wall:
            raise ValueError("world time cannot pass the wall clock")
        return WorldClock(wall_started_at=wall, world_started_at=world, speed=speed)

    def as_json(self) -> dict[str, Any]:
        """The form published in the sandbox's description."""
        return {
            "wall_started_at": self.wall_started_at.isoformat(),
            "world_started_at": self.world_started_at.isoformat(),
            "speed": self.speed,
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "WorldClock":
        """The reverse of `as_json`. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            wall_started_at=parse_instant(fields["wall_started_at"]),
            world_started_at=parse_instant(fields["world_started_at"]),
            speed=float(fields["speed"]),
        )


def parse_instant(text: str) -> datetime:
    """An ISO-8601 instant with zone as aware UTC. Raises ValueError when the zone is missing."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone")
    return instant.astimezone(UTC)


def whole_day_shift(settles_at: datetime, wall: datetime) -> int:
    """Days to move a world by: the largest whole number that lets it settle not later than `wall`."""
    return (wall - settles_at) // DAY
