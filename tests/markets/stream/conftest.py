"""A Redis of the test's own."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from markets.cache import BookCache, cache_from_config
from milkbot.core.config import Config
from milkbot.embedded import redis
from milkbot.embedded.process import spawn, stop, wait_until


def config_with(**settings: object) -> Config:
    """A configuration of the test's own, whatever the environment says of the rest."""
    return Config(_env_file=None, database_url=SecretStr("postgresql://nobody@/nothing"), **settings)  # type: ignore[arg-type]


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """The address of a running server, as the profile writes it."""
    socket = tmp_path / "redis.sock"
    process = spawn(redis.command(redis.find_server(), socket, tmp_path), env={}, log=tmp_path / "redis.log")
    try:
        assert wait_until(lambda: redis.is_ready(socket), timeout_s=10, process=process)
        yield redis.url(socket)
    finally:
        stop(process, signal.SIGTERM, timeout_s=5)


@pytest.fixture
def cache(redis_url: str) -> BookCache:
    return cache_from_config(config_with(redis_url=SecretStr(redis_url), milkbot_profile="test"))


@pytest.fixture
def cache_out_of_reach(tmp_path: Path) -> BookCache:
    url = SecretStr(redis.url(tmp_path / "nobody.sock"))
    return cache_from_config(config_with(redis_url=url, milkbot_profile="test"))
