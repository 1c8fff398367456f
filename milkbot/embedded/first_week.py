"""The week before a simulated world's first start: exported by the sandbox, lived through by the real engine.

Once only: a database in which anything has turned keeps the past it has, also when a start was cut short in the middle.
"""

import shutil
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import psycopg

from milkbot.core.clock import wall_now
from milkbot.embedded import children
from milkbot.embedded.profile import Profile, SimulatedWorld

DAYS: Final = timedelta(days=7)
_TRADED_AROUND: Final = timedelta(days=1)
"""Events trade from the day before, in cities up to eight hours behind UTC."""


def live_through(
    profile: Profile,
    world: SimulatedWorld,
    admin_url: str,
    env: Mapping[str, str],
    say: Callable[[str], None],
) -> None:
    """Fill an empty, migrated database with the past seven days. Raises CannotStart when that fails."""
    if has_lived(admin_url):
        return
    say(f"Living through the week before today in the {world.words}: about a minute, this once.")
    folder = profile.folder / "history"
    shutil.rmtree(folder, ignore_errors=True)
    children.export_world(profile, world, env, *_past(wall_now()), "--readings", "--out", str(folder))
    children.manage(profile, env, "fill_history", "--data", str(folder))
    children.manage(profile, env, "roll_up_equity")
    children.manage(profile, env, "score_past")


def has_lived(url: str) -> bool:
    """Whether any trader ever turned in this database."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT EXISTS (SELECT FROM ops.cycles)").fetchone()
    return row is not None and bool(row[0])


def _past(now: datetime) -> tuple[str, ...]:
    """The event dates that were open at any time of the past week, and what of them is past."""
    first, last = (now - DAYS - _TRADED_AROUND).date(), (now + _TRADED_AROUND).date()
    return ("--from", first.isoformat(), "--to", last.isoformat(), "--until", now.isoformat())
