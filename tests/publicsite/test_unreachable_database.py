"""The site with a database that fails: one view that cannot be read, a server that is away."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client

from publicsite.regions import REGIONS

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def renamed(view: str) -> Iterator[None]:
    """While inside, `view` cannot be read; the others can."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER VIEW analytics.{view} RENAME TO away")
        try:
            yield
        finally:
            cursor.execute(f"ALTER VIEW analytics.away RENAME TO {view}")


@contextmanager
def database_away() -> Iterator[None]:
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = "no_such_database"
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name


def test_page_with_one_unreadable_view_shows_the_rest_and_says_so_in_its_place(visitor: Client) -> None:
    with renamed("v_public_equity"):
        response = visitor.get("/")
        html = response.content.decode()

    assert response.status_code == 200
    # The figures under the masthead and the chart are of the same account.
    assert html.count("This part could not be read.") == 2
    assert "No trade is old enough to be shown." in html
    assert 'hx-get="/fragments/equity?v=' in html


def test_fragment_after_the_fault_is_gone_replaces_the_notice(visitor: Client) -> None:
    with renamed("v_public_equity"):
        broken = visitor.get("/fragments/equity").content.decode()

    assert visitor.get("/fragments/equity").content.decode() != broken


def test_page_with_the_database_away_still_answers(visitor: Client) -> None:
    with database_away():
        response = visitor.get("/")

    assert response.status_code == 200
    assert response.content.decode().count("This part could not be read.") == len(REGIONS)


def test_healthz_with_the_database_away_answers_503(visitor: Client) -> None:
    with database_away():
        response = visitor.get("/healthz")

    assert (response.status_code, response.json()) == (503, {"status": "unavailable"})
