"""The broker's Redis: which binary, and that it serves."""

import signal
from pathlib import Path

import pytest

from milkbot.embedded import redis
from milkbot.embedded.process import CannotStart, spawn, stop, wait_until


def _executable(folder: Path, name: str) -> Path:
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_server_on_the_path_comes_before_the_bundled_one(tmp_path: Path) -> None:
    valkey = _executable(tmp_path, "valkey-server")
    assert redis.find_server(str(tmp_path)) == valkey
    own = _executable(tmp_path, "redis-server")
    assert redis.find_server(str(tmp_path)) == own


def test_no_server_anywhere_is_one_sentence_with_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="install redis-server or valkey-server, or set REDIS_URL"):
        redis.find_server(str(tmp_path), package="no_such_package_here")


def test_server_answers_on_its_socket_and_leaves_no_file(tmp_path: Path) -> None:
    socket = tmp_path / "redis.sock"
    assert not redis.is_ready(socket)
    command = redis.command(redis.find_server(), socket, tmp_path)
    process = spawn(command, env={}, log=tmp_path / "redis.log")
    try:
        assert wait_until(lambda: redis.is_ready(socket), timeout_s=10, process=process)
        assert redis.url(socket) == f"redis+socket://{socket}"
    finally:
        stop(process, signal.SIGTERM, timeout_s=5)
    assert [file.name for file in tmp_path.iterdir()] == ["redis.log"]
