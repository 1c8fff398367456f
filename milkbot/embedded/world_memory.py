"""Which recorded world a profile plays, kept across restarts: its time must go on where it stood, never back.

The database holds what happened in that world. A clock that started anew would put new facts before old ones.
"""

import shutil
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from milkbot.core.clock import WorldClock
from milkbot.embedded.process import CannotStart
from milkbot.embedded.profile import Profile, World


class Remembered(BaseModel):
    """The part of the sandbox's description that must not change."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    world: str
    world_path: str
    series: str
    recorded_date: date
    clock: WorldClock

    def options(self) -> dict[str, str]:
        """As the command line would name them."""
        return {
            "series": self.series,
            "date": self.recorded_date.isoformat(),
            "speed": f"{self.clock.speed:g}",
        }


def recall(profile: Profile, asked: World) -> World:
    """The world to play: the one kept, else the one asked for. Raises CannotStart when they are not the same."""
    kept_file, live_file = _files(profile)
    kept = _read(kept_file)
    if kept is None:
        return asked
    wanted = {"world": str(asked.folder), **asked.options}
    played = {"world": kept.world_path, **kept.options()}
    other = [name for name, value in wanted.items() if name in played and not _same(value, played[name])]
    if other:
        raise CannotStart(
            f"This profile plays {kept.world} at speed {kept.clock.speed:g}; to change "
            f"{' and '.join(name.upper() for name in other)} start it anew with FRESH=1."
        )
    if not live_file.exists():  # the sandbox withdraws it when it ends in peace
        shutil.copyfile(kept_file, live_file)
    return World(asked.folder, {**asked.options, **kept.options()})


def remember(profile: Profile) -> Remembered:
    """Keep the description of the sandbox that listens now. Raises CannotStart when it gave none."""
    found = _read(_files(profile)[1])
    if found is None:
        raise CannotStart(f"The sandbox did not describe itself in {profile.sandbox_state}.")
    keep(profile)
    return found


def keep(profile: Profile) -> None:
    """Keep how the clock runs now, should somebody have changed its speed since the start."""
    kept_file, live_file = _files(profile)
    if _read(live_file) is not None:
        shutil.copyfile(live_file, kept_file)


def forget(profile: Profile) -> None:
    """Let the next start begin a new world, accounts at its exchange included."""
    shutil.rmtree(profile.sandbox_state)
    profile.make_folders()


def _same(one: str, other: str) -> bool:
    try:
        return one == other or float(one) == float(other)
    except ValueError:
        return False


def _files(profile: Profile) -> tuple[Path, Path]:
    return profile.sandbox_state / "kept.json", profile.sandbox_state / "sandbox.json"


def _read(file: Path) -> Remembered | None:
    try:
        return Remembered.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None
