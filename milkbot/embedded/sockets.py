"""Where Unix sockets stand, and whether a TCP port is free."""

import hashlib
import os
import socket
import stat
import tempfile
from pathlib import Path
from typing import Final

from milkbot.embedded.process import CannotStart

LONGEST_FOLDER: Final = 80
"""A socket's whole path must fit in 104 bytes on every system; our longest file name is `.s.PGSQL.5432.lock`."""


def socket_folder(folder: Path) -> Path:
    """A private folder for the sockets of a profile: inside it, or in the temporary folder where its path is too long.

    Raises CannotStart when somebody else holds the temporary one.
    """
    inside = folder / "run"
    if len(os.fsencode(inside)) <= LONGEST_FOLDER:
        inside.mkdir(mode=0o700, parents=True, exist_ok=True)
        return inside
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    outside = Path(tempfile.gettempdir()) / f"milkbot-{os.geteuid()}-{name}"
    outside.mkdir(mode=0o700, exist_ok=True)
    found = outside.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise CannotStart(f"{outside} is not a private folder of this user; remove it and start again.")
    return outside


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
