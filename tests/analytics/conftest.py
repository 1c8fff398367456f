"""What the public views' tests share."""

from datetime import datetime

import pytest
from django.db import connection


@pytest.fixture
def sql_now(db: None) -> datetime:
    """What SQL's now() says for the whole of this test's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        instant = cursor.fetchone()[0]
    assert isinstance(instant, datetime)
    return instant
