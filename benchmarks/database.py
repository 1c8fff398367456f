"""A database server for measurements, Django set up on it, and empty databases in it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from milkbot.embedded.postgres import scratch_cluster
from milkbot.embedded.process import stop


@contextmanager
def database_server() -> Iterator[None]:
    """A PostgreSQL of its own unless DATABASE_URL names one, and Django set up to use it."""
    cluster = process = None
    if not os.environ.get("DATABASE_URL"):
        cluster = scratch_cluster()
        process = cluster.start(cluster.data.parent / "log")
        os.environ["DATABASE_URL"] = cluster.url("postgres")
    # Whatever profile runs on this machine, a measurement is none of its business.
    os.environ["MILKBOT_STATE_DIR"] = os.devnull
    os.environ |= {"DJANGO_SETTINGS_MODULE": "milkbot.settings.test", "TRADING_MODE": "SHADOW"}
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    # Imported here: the settings read the environment set above.
    import django

    try:
        django.setup()
        yield
    finally:
        if cluster is not None and process is not None:
            stop(process, signal.SIGQUIT, timeout_s=5)
            cluster.delete()


@contextmanager
def empty_database() -> Iterator[None]:
    """A migrated test database without rows, dropped at the end."""
    from django.test.utils import setup_databases, teardown_databases

    former = setup_databases(verbosity=0, interactive=False)
    try:
        yield
    finally:
        teardown_databases(former, verbosity=0)
