"""A session as the public site's role: what it may read is what the world may see."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Protocol

import pytest
from django.db import connection

PUBLIC_ROLE = "milkbot_public"
CREATE_ROLE = f"""
DO $$ BEGIN
    CREATE ROLE {PUBLIC_ROLE} LOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$
"""


class ActsAsPublic(Protocol):
    def __call__(self) -> AbstractContextManager[None]: ...


@contextmanager
def _as_public() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {PUBLIC_ROLE}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


@pytest.fixture
def as_public(db: None) -> ActsAsPublic:
    """Context in which every statement runs as the public role, with the grants of milkbot/sql/roles.sql."""
    with connection.cursor() as cursor:
        cursor.execute(CREATE_ROLE)
        cursor.execute(f"GRANT USAGE ON SCHEMA analytics TO {PUBLIC_ROLE}")
        cursor.execute("SELECT viewname FROM pg_views WHERE schemaname = 'analytics' ORDER BY viewname")
        for (view,) in cursor.fetchall():
            cursor.execute(f"GRANT SELECT ON analytics.{view} TO {PUBLIC_ROLE}")
    return _as_public


@pytest.fixture
def sql_now(db: None) -> datetime:
    """What SQL's now() says for the whole of this test's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        instant = cursor.fetchone()[0]
    assert isinstance(instant, datetime)
    return instant
