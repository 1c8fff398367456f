"""The database roles: trader, analytics and public. What each may do is in `milkbot/sql/roles.sql`."""

from importlib.resources import files
from typing import Final

import psycopg

TRADER: Final = "milkbot_trader"
ANALYTICS: Final = "milkbot_analytics"
PUBLIC: Final = "milkbot_public"


def roles_script() -> str:
    """The SQL that makes the roles and their grants; for a superuser, to be run before and after `migrate`."""
    return files("milkbot").joinpath("sql", "roles.sql").read_text(encoding="utf-8")


def apply_roles(url: str) -> None:
    """Run the script in the database at `url`, all of it or nothing. Raises psycopg.Error."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        connection.execute(roles_script().encode())
