"""Forwards to the latest and backwards to nothing, on a database made for this file alone."""

import copy
from collections.abc import Iterator
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import DjangoDbBlocker

from tests.models.tables import OUR_APPS, our_models

ALIAS = "scratch"
OURS_FROM_THE_TOP = ("analytics", "trading", "markets", "weather", "milkbot")
"""Each may be taken away only after those that lean on it."""


@pytest.fixture
def scratch(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[DatabaseWrapper]:
    """An empty database under the alias `scratch`."""
    default = connections["default"]
    entry = copy.deepcopy(default.settings_dict)
    entry["NAME"] = f"{default.settings_dict['NAME']}_scratch"
    with django_db_blocker.unblock():
        with default._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{entry["NAME"]}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{entry["NAME"]}"')
        wrapper = DatabaseWrapper(entry, ALIAS)
        connections.settings[ALIAS] = entry
        connections[ALIAS] = wrapper
        yield wrapper
        wrapper.close()
        del connections[ALIAS]
        del connections.settings[ALIAS]
        with default._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{entry["NAME"]}" WITH (FORCE)')


def _migrate(*target: str) -> None:
    call_command("migrate", *target, database=ALIAS, verbosity=0, interactive=False, stdout=StringIO())


def _tables(wrapper: DatabaseWrapper, schema: str) -> set[str]:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = %s", [schema])
        return {name for (name,) in cursor.fetchall()}


def _schemas(wrapper: DatabaseWrapper) -> set[str]:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname IN ('ops', 'analytics')")
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.story("2.2", 1)
@pytest.mark.story("2.2", 2)
def test_first_migration_creates_both_schemas_and_nothing_of_them_was_there_before(
    scratch: DatabaseWrapper,
) -> None:
    assert _schemas(scratch) == set()
    _migrate("milkbot", "0001")
    assert _schemas(scratch) == {"ops", "analytics"}


@pytest.mark.slow
@pytest.mark.story("2.2", 3)
def test_migrate_forwards_backwards_to_zero_and_forwards_again(scratch: DatabaseWrapper) -> None:
    _migrate()
    made = {schema: _tables(scratch, schema) for schema in ("ops", "analytics")}
    for label in OURS_FROM_THE_TOP:
        _migrate(label, "zero")
    assert _schemas(scratch) == set()
    _migrate()
    assert {schema: _tables(scratch, schema) for schema in ("ops", "analytics")} == made


@pytest.mark.story("2.2", 3)
@pytest.mark.parametrize("label", OURS_FROM_THE_TOP)
def test_every_migration_of_an_app_can_be_taken_back(label: str) -> None:
    loader = MigrationLoader(None)
    of_app = [migration for (app, _), migration in loader.disk_migrations.items() if app == label]
    assert of_app
    for migration in of_app:
        assert all(operation.reversible for operation in migration.operations), migration


def test_every_app_of_ours_is_walked_backwards() -> None:
    assert set(OURS_FROM_THE_TOP) == {config.label for config in apps.get_app_configs()} & set(OUR_APPS)


@pytest.mark.slow
@pytest.mark.story("2.2", 4)
def test_after_migration_every_table_stands_in_a_schema_of_ours(scratch: DatabaseWrapper) -> None:
    _migrate()
    assert _schemas(scratch) == {"ops", "analytics"}
    for model in our_models():
        schema = "analytics" if model._meta.app_label == "analytics" else "ops"
        assert model._meta.db_table in _tables(scratch, schema)
        assert model._meta.db_table not in _tables(scratch, "public")


@pytest.mark.story("2.2", 4)
@pytest.mark.django_db
def test_test_database_holds_both_schemas() -> None:
    assert _schemas(connections["default"]) == {"ops", "analytics"}  # type: ignore[arg-type]


@pytest.mark.story("2.2", 5)
@pytest.mark.django_db
def test_history_of_migrations_is_kept_in_the_database() -> None:
    applied = MigrationRecorder(connections["default"]).applied_migrations()
    assert set(MigrationLoader(None).disk_migrations) <= set(applied)
