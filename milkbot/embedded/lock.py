"""One supervisor at a time: two profiles would fight over ports and over which one a second shell means."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from milkbot.embedded.process import CannotStart
from milkbot.embedded.profile import Profile


class AlreadyRunning(CannotStart):
    """Another supervisor holds the lock; the message says where its pages are."""


@contextmanager
def held_lock(profile: Profile) -> Iterator[None]:
    """Hold the project's lock. The kernel frees it when this process ends, in whatever way. Raises AlreadyRunning."""
    descriptor = os.open(profile.state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning(_where(file.read())) from None
        file.truncate(0)
        json.dump(
            {"profile": profile.name, "public": profile.ports.public, "operator": profile.ports.operator},
            file,
        )
        file.flush()
        yield


def _where(described: str) -> str:
    try:
        holder = json.loads(described)
        public, console = holder["public"], holder["operator"]
        pages = f"http://127.0.0.1:{public}/ and http://127.0.0.1:{console}/admin/"
        return f"Milkbot is already running (profile {holder['profile']}): {pages}"
    except (ValueError, KeyError, TypeError):
        return "Milkbot is already starting."
