"""Early pytest plugin: the session has a PostgreSQL before Django's settings are read.

DATABASE_URL names the server to use. Without it one is started for this session alone, in a folder of its own, by the
controlling process; xdist's workers inherit its address. Should the session be killed, the kernel ends the server.
"""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from milkbot.embedded.postgres import Cluster, scratch_cluster
from milkbot.embedded.process import stop

STOP_TIMEOUT_S = 5.0


class Server:
    """The session's own server, while it runs; None in a worker process, and where DATABASE_URL names another."""

    cluster: Cluster
    process: "subprocess.Popen[bytes] | None" = None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Start the server. This is the earliest hook there is; pytest-django reads the settings in the next."""
    # A profile that runs on this machine must not configure the tests.
    os.environ["MILKBOT_STATE_DIR"] = os.devnull
    if os.environ.get("DATABASE_URL"):
        return
    Server.cluster = scratch_cluster()
    log = Server.cluster.data.parent / "log"
    Server.process = Server.cluster.start(log)
    os.environ["DATABASE_URL"] = Server.cluster.url("postgres")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server and remove its data."""
    process, Server.process = Server.process, None
    if process is None:
        return
    # Nobody keeps these data: no checkpoint is needed.
    stop(process, signal.SIGQUIT, timeout_s=STOP_TIMEOUT_S)
    Server.cluster.delete()
    _remove_empty(Server.cluster.data.parent)


def _remove_empty(folder: Path) -> None:
    (folder / "log").unlink(missing_ok=True)
    folder.rmdir()
