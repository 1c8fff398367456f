"""Fixtures every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

from milkbot.core import config
from milkbot.core.clock import WORLD_CLOCK_VARIABLE
from milkbot.roles import roles_script

pytest_plugins = ["tests.sample_fixtures", "tests.public_role", "tests.exchange_account"]

settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

BESIDE_THE_PROJECT = config.PROJECT_ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The recorded data, which lie beside the project; MILKBOT_SHARED names another place."""
    folder = Path(os.environ.get("MILKBOT_SHARED") or BESIDE_THE_PROJECT)
    if not folder.is_dir():
        pytest.skip(f"the recorded data are not at {folder}; set MILKBOT_SHARED to their folder")
    return folder


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The test database with the roles and grants of an installation."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(roles_script())


@pytest.fixture(autouse=True)
def _real_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test runs on the clock of a world that is being replayed on this machine."""
    monkeypatch.delenv(WORLD_CLOCK_VARIABLE, raising=False)


@pytest.fixture
def fresh_config() -> Iterator[None]:
    """`get_config` reads the environment anew inside the test and forgets it afterwards."""
    config.get_config.cache_clear()
    yield
    config.get_config.cache_clear()
