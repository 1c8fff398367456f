"""The database as one thing to open, to ask after and to let go. Django owns the connections; web processes pool them.

Pool size and timeouts come from DB_POOL_SIZE and DB_TIMEOUT_S, see `milkbot.settings.base.database`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from milkbot.logger import logger


@contextmanager
def session(alias: str = DEFAULT_DB_ALIAS) -> Iterator[BaseDatabaseWrapper]:
    """An open connection for code outside a request or task; given back (to the pool, if any) however the block ends.

    Raises django.db.OperationalError when the database cannot be reached.
    """
    connection = connections[alias]
    connection.ensure_connection()
    try:
        yield connection
    finally:
        if not connection.in_atomic_block:  # it belongs to a block further out, which ends it
            connection.close()


def check_database(alias: str = DEFAULT_DB_ALIAS) -> bool:
    """Whether the database answers a trivial question. Never raises for a dead one; the reason goes to the log."""
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone() == (1,))
    except Error:
        logger.warning("the database does not answer", exc_info=True)
        return False


def close_all() -> None:
    """Give back every connection of this thread and close the pools; for the end of a process."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        close_pool = getattr(connection, "close_pool", None)
        if close_pool is not None:
            close_pool()
