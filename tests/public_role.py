"""A session as the public site's role: what it may read is what the world may see."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime

import pytest
from django.db import connection

ActsAsPublic = Callable[[], AbstractContextManager[None]]


@contextmanager
def acts_as_public() -> Iterator[None]:
    """Every statement of the transaction it is entered in runs as the public role."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE milkbot_public")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


@pytest.fixture
def as_public(db: None) -> ActsAsPublic:
    """Context in which every statement of this test's transaction runs as the public role."""
    return acts_as_public


@pytest.fixture
def sql_now(db: None) -> datetime:
    """What SQL's now() says for the whole of this test's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        instant = cursor.fetchone()[0]
    assert isinstance(instant, datetime)
    return instant
