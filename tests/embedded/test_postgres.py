"""The private PostgreSQL: made from nothing, started, taken over, stopped; nothing foreign touched."""

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from milkbot.embedded import postgres
from milkbot.embedded.postgres import Cluster, profile_cluster, scratch_cluster
from milkbot.embedded.process import CannotStart, stop

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a server as another user")


@pytest.fixture(scope="module")
def made() -> Iterator[Cluster]:
    """A cluster that was made once; each test starts it itself."""
    cluster = scratch_cluster()
    cluster.initialise()
    yield cluster
    cluster.take_over()
    cluster.delete()
    shutil.rmtree(cluster.data.parent)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "postgres.log"


@pytest.fixture
def server(made: Cluster, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    process = made.start(log)
    yield process
    stop(process, signal.SIGINT, timeout_s=10)


def _ask(cluster: Cluster, question: str) -> object:
    with psycopg.connect(cluster.url("postgres")) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def test_server_answers_on_its_socket_and_not_on_tcp(
    made: Cluster, server: "subprocess.Popen[bytes]"
) -> None:
    assert _ask(made, "SELECT current_setting('listen_addresses')") == ""
    assert _ask(made, "SELECT current_setting('server_encoding')") == "UTF8"
    assert _ask(made, "SELECT inet_server_port() IS NULL") is True


def test_data_and_socket_are_private(made: Cluster, server: "subprocess.Popen[bytes]") -> None:
    for folder in (made.data, made.sockets):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_server_that_says_it_is_starting_is_not_asked_yet(
    made: Cluster, server: "subprocess.Popen[bytes]"
) -> None:
    """Asked too early it refuses, and its log holds a FATAL that means nothing."""
    pid_file = made.data / "postmaster.pid"
    written = pid_file.read_text()
    assert made.is_ready()
    try:
        pid_file.write_text(written.replace("ready   ", "starting"))
        assert not made.is_ready()
    finally:
        pid_file.write_text(written)


@as_root
def test_server_started_by_root_runs_as_nobody(made: Cluster, server: "subprocess.Popen[bytes]") -> None:
    status = Path(f"/proc/{server.pid}/status").read_text()
    assert made.user is not None
    assert f"Uid:\t{made.user[0]}\t{made.user[0]}" in status


def test_stop_is_quick_and_clean_with_a_session_open(made: Cluster, log: Path) -> None:
    process = made.start(log)
    with psycopg.connect(made.url("postgres"), autocommit=True) as connection:
        connection.execute("SELECT 1")
        stop(process, signal.SIGINT, timeout_s=10)
    assert process.returncode == 0
    assert not made.is_ready()


def test_server_left_by_an_earlier_start_is_ended_first(made: Cluster, log: Path) -> None:
    left = made.start(log)
    process = made.start(log)
    try:
        assert left.poll() == 0
        assert made.is_ready()
    finally:
        stop(process, signal.SIGINT, timeout_s=10)


def test_killed_server_starts_again_on_its_data(made: Cluster, log: Path) -> None:
    made = replace(made, durable=True)
    killed = made.start(log)
    with psycopg.connect(made.url("postgres")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    stop(killed, signal.SIGKILL, timeout_s=10)
    process = made.start(log)
    try:
        assert _ask(made, "SELECT answer FROM kept") == 42
    finally:
        stop(process, signal.SIGINT, timeout_s=10)


def test_lock_file_that_names_a_recycled_process_is_dropped(made: Cluster, log: Path) -> None:
    pid_file = made.data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{made.data}\n")
    made.take_over()
    assert not pid_file.exists()


def test_url_survives_a_folder_with_odd_characters() -> None:
    cluster = Cluster(Path("/d"), Path("/a b/c&d=é?#"), Path("/bin"))
    parsed = psycopg.conninfo.conninfo_to_dict(cluster.url("milk bot", "some_role"))
    assert parsed == {"user": "some_role", "dbname": "milk bot", "host": "/a b/c&d=é?#"}


def test_durable_cluster_keeps_what_it_says_it_keeps() -> None:
    assert "fsync=off" not in Cluster(Path("/d"), Path("/s"), Path("/b")).command()
    assert "fsync=off" in Cluster(Path("/d"), Path("/s"), Path("/b"), durable=False).command()


def test_server_that_cannot_start_is_reported_with_its_log(made: Cluster, tmp_path: Path, log: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("18\n")
    cluster = Cluster(data, tmp_path / "run", made.binaries)
    with pytest.raises(CannotStart, match=r"its log is .*postgres.log"):
        cluster.start(log)


def test_package_that_is_not_installed_is_named_with_the_way_out() -> None:
    with pytest.raises(CannotStart, match="set DATABASE_URL to a server, or install"):
        postgres._installed("no_such_package_here")


@as_root
def test_profiles_of_root_stand_outside_private_homes_and_never_in_one_place(
    made: Cluster, tmp_path: Path
) -> None:
    home = tmp_path / "var"
    home.mkdir()
    # Binaries of another test session will do: copying them again proves nothing here.
    copied = made.binaries.parents[2]
    (home / copied.name).symlink_to(copied)
    one, other = (profile_cluster(tmp_path / name, home) for name in ("one", "other"))
    assert one.data != other.data
    assert one.data.is_relative_to(home)
    assert one.user == other.user != (0, 0)


@as_root
def test_folder_that_was_there_keeps_its_permissions(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir(mode=0o750)
    foreign.chmod(0o750)
    postgres._make_traversable(foreign)
    assert stat.S_IMODE(foreign.stat().st_mode) == 0o750
