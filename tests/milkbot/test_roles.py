"""What each role may really do, asked of the server and tried over a connection of that role."""

from collections.abc import Iterator
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection
from psycopg import errors

from milkbot.roles import ANALYTICS, PUBLIC, TRADER, apply_roles
from tests.models.tables import our_models

pytestmark = pytest.mark.django_db(transaction=True)

WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")


def _relations(schema: str, kinds: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind = ANY(%s) ORDER BY 1",
            [schema, list(kinds)],
        )
        return [name for (name,) in cursor.fetchall()]


def _may(role: str, relation: str, privilege: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, %s, %s)", [role, relation, privilege])
        (answer,) = cursor.fetchone()
    return bool(answer)


def _url(role: str) -> str:
    entry = connection.settings_dict
    return f"postgresql://{role}@/{entry['NAME']}?host={quote(str(entry['HOST']), safe='')}&port={entry['PORT'] or 5432}"


@pytest.fixture
def public() -> Iterator["psycopg.Connection"]:
    """A visitor's connection: logged in as the public role, with nothing but its own rights."""
    with psycopg.connect(_url(PUBLIC), autocommit=True) as visitor:
        yield visitor


def test_public_role_may_read_exactly_the_views_named_for_it() -> None:
    readable = {
        relation
        for schema in ("ops", "analytics", "public")
        for relation in _relations(schema, "rvm")
        if _may(PUBLIC, relation, "SELECT")
    }
    named = {
        relation
        for relation in _relations("analytics", "v")
        if relation.startswith("analytics.v_public_") or relation == "analytics.v_health_summary"
    }
    assert named
    assert readable == named


def test_public_role_may_write_nothing_anywhere() -> None:
    for schema in ("ops", "analytics", "public"):
        for relation in _relations(schema, "rvm"):
            assert not any(_may(PUBLIC, relation, privilege) for privilege in WRITES), relation


def test_public_connection_reads_its_views(public: "psycopg.Connection") -> None:
    assert public.execute("SELECT count(*) FROM analytics.v_health_summary").fetchone() == (6,)


@pytest.mark.story("9.3", 3)
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM ops.fills",
        "SELECT * FROM analytics.equity_curve",
        "SELECT * FROM public.auth_user",
        "SELECT * FROM public.django_session",
        "DELETE FROM analytics.v_public_observations",
        "CREATE TABLE analytics.mine (n int)",
        "CREATE TABLE public.mine (n int)",
        "CREATE TEMPORARY TABLE mine (n int)",
        "CREATE SCHEMA mine",
        "SET ROLE milkbot_trader",
        "SELECT pg_read_file('PG_VERSION')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ],
)
def test_public_connection_is_refused(public: "psycopg.Connection", statement: str) -> None:
    # The role's own wish to stay read-only is no protection: it can be unwished.
    public.execute("SET default_transaction_read_only = off")
    with pytest.raises(errors.InsufficientPrivilege):
        public.execute(statement)


@pytest.mark.parametrize("call", ["lo_creat(-1)", "lo_create(0)", "lo_from_bytea(0, 'x')"])
def test_public_connection_cannot_leave_large_objects(public: "psycopg.Connection", call: str) -> None:
    public.execute("SET default_transaction_read_only = off")
    with pytest.raises(errors.InsufficientPrivilege):
        public.execute(f"SELECT {call}")


def test_public_connection_is_short_of_patience_and_reads_only(public: "psycopg.Connection") -> None:
    shown = public.execute(
        "SELECT current_setting('statement_timeout'), current_setting('default_transaction_read_only')"
    ).fetchone()
    assert shown == ("5s", "on")


def test_analytics_role_reads_facts_and_writes_only_what_is_told_of_them() -> None:
    for model in our_models():
        table = model._meta.db_table
        if model._meta.app_label == "analytics":
            assert all(_may(ANALYTICS, f"analytics.{table}", right) for right in ("SELECT", *WRITES))
        else:
            assert _may(ANALYTICS, f"ops.{table}", "SELECT")
            assert not any(_may(ANALYTICS, f"ops.{table}", right) for right in WRITES)


def test_analytics_role_may_not_see_logins() -> None:
    assert not _may(ANALYTICS, "public.auth_user", "SELECT")


def test_trader_role_may_use_every_table() -> None:
    for schema in ("ops", "analytics", "public"):
        for relation in _relations(schema, "r"):
            assert all(_may(TRADER, relation, right) for right in ("SELECT", "INSERT", "UPDATE", "DELETE"))


def test_nobody_else_may_enter_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT grantee::regrole::text FROM pg_database, aclexplode(datacl)"
            " WHERE datname = current_database() AND privilege_type = 'CONNECT' AND grantee <> datdba"
        )
        assert {role for (role,) in cursor.fetchall()} == {TRADER, ANALYTICS, PUBLIC}


def test_roles_script_run_again_covers_a_view_made_since() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW analytics.v_public_new AS SELECT 1 AS one")
        cursor.execute("CREATE VIEW analytics.v_secret AS SELECT 1 AS one")
    try:
        assert not _may(PUBLIC, "analytics.v_public_new", "SELECT")
        entry = connection.settings_dict
        apply_roles(_url(str(entry["USER"])))
        assert _may(PUBLIC, "analytics.v_public_new", "SELECT")
        assert not _may(PUBLIC, "analytics.v_secret", "SELECT")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP VIEW analytics.v_public_new, analytics.v_secret")


def test_roles_script_takes_back_what_somebody_granted_by_hand() -> None:
    with connection.cursor() as cursor:
        cursor.execute("GRANT SELECT ON analytics.equity_curve TO milkbot_public")
        assert _may(PUBLIC, "analytics.equity_curve", "SELECT")
    apply_roles(_url(str(connection.settings_dict["USER"])))
    assert not _may(PUBLIC, "analytics.equity_curve", "SELECT")
