"""Opening, asking after and letting go of the database, on the session's real PostgreSQL."""

import copy
from collections.abc import Iterator

import psycopg
import pytest
from django.db import OperationalError, connections, transaction
from django.db.backends.postgresql.base import DatabaseWrapper
from pydantic import SecretStr
from pytest_django import DjangoDbBlocker

from milkbot.core.config import get_config
from milkbot.database import check_database, close_all, session
from milkbot.settings.base import database

ALIAS = "under_test"

pytestmark = pytest.mark.usefixtures("server")


@pytest.fixture
def server(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Connections as the program has them: no test transaction around, other aliases allowed."""
    with django_db_blocker.unblock():
        yield
        connections["default"].close()


@pytest.fixture
def pooled(server: None) -> Iterator[DatabaseWrapper]:
    """A second way to the test database, through a pool of a single connection: keeping it would starve the next."""
    entry = copy.deepcopy(connections["default"].settings_dict)
    entry["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 1, "timeout": 5}
    wrapper = DatabaseWrapper(entry, ALIAS)
    _install(wrapper)
    yield wrapper
    wrapper.close()
    wrapper.close_pool()
    _uninstall()


@pytest.fixture
def unreachable(server: None) -> Iterator[None]:
    entry = copy.deepcopy(connections["default"].settings_dict)
    entry |= {"HOST": "127.0.0.1", "PORT": "1"}
    _install(DatabaseWrapper(entry, ALIAS))
    yield
    _uninstall()


def _install(wrapper: DatabaseWrapper) -> None:
    connections.settings[ALIAS] = wrapper.settings_dict
    connections[ALIAS] = wrapper


def _uninstall() -> None:
    del connections[ALIAS]
    del connections.settings[ALIAS]


@pytest.mark.story("2.1", 1)
def test_session_when_its_block_ends_gives_the_connection_back(pooled: DatabaseWrapper) -> None:
    for _ in range(3):
        with session(ALIAS) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 41 + 1")
            assert cursor.fetchone() == (42,)
        assert pooled.connection is None
    _take_the_only_connection(pooled)


@pytest.mark.story("2.1", 1)
def test_session_when_its_block_raises_gives_the_connection_back(pooled: DatabaseWrapper) -> None:
    with pytest.raises(ZeroDivisionError), session(ALIAS):
        _ = 1 / 0
    _take_the_only_connection(pooled)


def _take_the_only_connection(pooled: DatabaseWrapper) -> None:
    with pooled.pool.connection(timeout=5) as raw:
        assert raw.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.story("2.1", 1)
def test_session_inside_a_transaction_leaves_it_to_the_block_outside() -> None:
    with transaction.atomic():
        with session() as connection:
            pass
        assert connection.is_usable()


def test_session_with_the_database_out_of_reach_raises(unreachable: None) -> None:
    with pytest.raises(OperationalError), session(ALIAS):
        pytest.fail("there is no such database")


@pytest.mark.story("2.1", 2)
@pytest.mark.story("2.1", 4)
def test_check_database_with_a_running_server_is_true() -> None:
    assert check_database()


@pytest.mark.story("2.1", 2)
def test_check_database_with_the_server_out_of_reach_is_false(unreachable: None) -> None:
    assert not check_database(ALIAS)


@pytest.mark.story("2.1", 3)
def test_pool_size_and_timeouts_are_those_of_the_configuration() -> None:
    entry = database(SecretStr("postgresql://me@db.example:6432/milkbot"), pool=True)
    config, options = get_config(), entry["OPTIONS"]
    assert isinstance(options, dict)
    assert options["pool"] == {
        "min_size": 1,
        "max_size": config.db_pool_size,
        "timeout": config.db_timeout_s,
    }
    assert options["connect_timeout"] == config.db_timeout_s
    assert f"-c lock_timeout={config.db_timeout_s * 1000}" in options["options"]
    assert f"-c statement_timeout={config.db_timeout_s * 6000}" in options["options"]


@pytest.mark.story("2.1", 3)
def test_connections_carry_the_configured_timeouts_and_search_path(pooled: DatabaseWrapper) -> None:
    with session(ALIAS) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('lock_timeout'), current_setting('search_path'), current_setting('timezone')"
        )
        assert cursor.fetchone() == (f"{get_config().db_timeout_s}s", "public,ops,analytics", "UTC")


def test_workers_hold_no_pool() -> None:
    assert "pool" not in dict(connections["default"].settings_dict["OPTIONS"])


@pytest.mark.story("2.1", 5)
def test_close_all_releases_every_connection_of_the_server(pooled: DatabaseWrapper) -> None:
    with session(ALIAS) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    assert pooled.pool.get_stats()["pool_size"] == 1  # given back, not closed
    pool = pooled.pool
    close_all()
    assert pool.closed
    assert not _backend_lives(backend)


def _backend_lives(pid: int) -> bool:
    """Asked over a connection of its own, with patience: a server ends a session a moment after its client left."""
    entry = connections["default"].settings_dict
    with psycopg.connect(
        dbname=entry["NAME"],
        user=entry["USER"],
        password=entry["PASSWORD"],
        host=entry["HOST"],
        port=entry["PORT"],
    ) as observer:
        for _ in range(100):
            found = observer.execute("SELECT pg_sleep(0.01) FROM pg_stat_get_activity(%s)", [pid]).fetchone()
            if found is None:
                return False
            observer.rollback()  # what it sees stands still within a transaction
    return True
