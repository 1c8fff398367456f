"""Which profile a database belongs to. Facts of one world must never mix with those of another."""

from datetime import datetime

from milkbot.core.errors import ConfigError
from milkbot.models import InstallationRow


class WrongProfile(ConfigError):
    """The database at hand holds another profile's or another world's facts."""


def ensure_installation(*, profile: str, world: str, now: datetime) -> None:
    """Claim an empty database for `profile`, or check that it is this profile's already. Raises WrongProfile.

    `world` is what the data are in words; empty when they are the live ones. `now` is wall time.
    """
    row, _ = InstallationRow.objects.get_or_create(
        defaults={"profile": profile, "world": world, "created_at": now}
    )
    if row.profile != profile:
        raise WrongProfile(
            f"This database belongs to profile {row.profile!r}, not {profile!r}; set DATABASE_URL to another database."
        )
    if row.world != world:
        raise WrongProfile(
            f"This database holds {_in_words(row.world)}, not {_in_words(world)}; "
            "set DATABASE_URL to another database, or start the profile anew with FRESH=1."
        )


def _in_words(world: str) -> str:
    return world or "the live world"
