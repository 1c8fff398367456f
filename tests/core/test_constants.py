"""The product's named values, exactly as its definitions give them."""

import subprocess
import sys
from datetime import timedelta
from decimal import Decimal

import pytest

from milkbot.core import constants


@pytest.mark.story("1.1", 1)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_TRADE_DELAY_MIN", 60),
        ("DASH_REFRESH_SEC", 5),
        ("WEATHER_CACHE_MIN", 5),
        ("WEATHER_STALE_MIN", 15),
        ("MAX_SPREAD_CENTS", 3),
        ("DAILY_LOSS_LIMIT", Decimal(250)),
        ("STARTING_CAPITAL", Decimal(10_000)),
        ("MAX_UNCERTAINTY", 0.20),
    ],
)
def test_constant_has_its_defined_value_and_type(name: str, value: object) -> None:
    actual = getattr(constants, name)
    assert actual == value
    assert type(actual) is type(value)


def test_staleness_terms_follow_the_three_ages() -> None:
    assert timedelta(minutes=90) == constants.OBSERVATION_USABLE_FOR
    assert timedelta(hours=12) == constants.ISSUANCE_WARN_AFTER
    assert timedelta(hours=18) == constants.ISSUANCE_BLOCK_AFTER


@pytest.mark.story("1.1", 4)
def test_constants_pass_mypy_strict() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-incremental", constants.__file__],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.story("1.1", 5)
def test_core_and_samples_import_without_framework_or_network() -> None:
    program = (
        "import socket, sys\n"
        "def refuse(*args, **kwargs): raise AssertionError('opened a socket')\n"
        "socket.socket.connect = refuse\n"
        "import milkbot.core.constants, tests.samples\n"
        "tests.samples.sample_market_snapshot(); tests.samples.sample_weather_snapshot()\n"
        "tests.samples.sample_order_fill()\n"
        "found = {'django', 'psycopg', 'celery', 'requests', 'redis'} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    environment = {"PYTHONPATH": ".", "PATH": ""}
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False
    )
    assert result.returncode == 0, result.stderr
