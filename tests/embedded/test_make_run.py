"""The whole system as `make run` starts it: comes up, is seen, stops without a trace, survives kill -9."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from milkbot.core.clock import monotonic
from milkbot.core.config import PROJECT_ROOT
from milkbot.embedded.postgres import profile_cluster
from milkbot.embedded.process import marked_processes, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(databases=[])]

FIRST_START_S = 120.0
LATER_START_S = 60.0
"""Twenty seconds on a machine of its own; tests share theirs."""
STOP_S = 60.0
UP = "Ctrl-C stops everything"


@dataclass(frozen=True)
class Place:
    """A profile folder and ports of this test's own."""

    state: Path
    ports: tuple[int, int, int]

    def environment(self) -> dict[str, str]:
        wanted = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")
        public, operator, sandbox = map(str, self.ports)
        return {
            **{name: os.environ[name] for name in wanted if name in os.environ},
            "PUBLIC_PORT": public,
            "OPERATOR_PORT": operator,
            "SANDBOX_PORT": sandbox,
            "MILKBOT_STATE_DIR": str(self.state),
        }

    @property
    def folder(self) -> Path:
        return self.state / "recorded"

    def is_quiet(self) -> bool:
        """Nothing of it lives: no marked process, no server on its data, no port taken."""
        cluster = profile_cluster(self.folder)
        return (
            not marked_processes(self.folder)
            and not cluster.is_ready()
            and all(_is_closed(port) for port in self.ports)
        )


class Run:
    """One `make run`, its output collected as it comes."""

    def __init__(self, place: Place) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "milkbot.embedded", "run"],
            cwd=PROJECT_ROOT,
            env=place.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    @property
    def said(self) -> str:
        return "".join(self.lines)

    def wait_until_up(self, timeout_s: float) -> float:
        """Seconds it took."""
        began = monotonic()
        assert wait_until(lambda: UP in self.said, timeout_s=timeout_s, process=self.process), self.said
        return monotonic() - began

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code = self.process.wait(STOP_S)
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def _is_closed(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _free_ports() -> tuple[int, int, int]:
    with socket.socket() as a, socket.socket() as b, socket.socket() as c:
        for probe in (a, b, c):
            probe.bind(("127.0.0.1", 0))
        one, two, three = (probe.getsockname()[1] for probe in (a, b, c))
    return one, two, three


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("whole") / "state", _free_ports())
    yield made
    for process in marked_processes(made.folder):
        process.kill()
    cluster = profile_cluster(made.folder)
    cluster.take_over()
    cluster.delete()
    if os.geteuid() == 0:
        shutil.rmtree(cluster.data.parent)


@pytest.fixture
def run(place: Place) -> Iterator[Run]:
    """A start of the system; ended by force should the test fail."""
    started = Run(place)
    yield started
    if started.process.poll() is None:
        started.end(signal.SIGTERM)


def _get(port: int, path: str) -> int:
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return int(answer.status)


def _status(place: Place) -> "subprocess.CompletedProcess[str]":
    """`manage.py status` from a shell that knows nothing but where the project's state is."""
    shell = {"PATH": os.environ["PATH"], "MILKBOT_STATE_DIR": str(place.state)}
    return subprocess.run(
        [sys.executable, "manage.py", "status", "--json"],
        cwd=PROJECT_ROOT,
        env=shell,
        capture_output=True,
        text=True,
        check=False,
    )


def test_run_serves_both_pages_and_trades_then_stops_without_a_trace(run: Run, place: Place) -> None:
    run.wait_until_up(FIRST_START_S)
    public, operator, _ = place.ports
    assert f"http://127.0.0.1:{public}/" in run.said
    assert "Console login, shown this once: admin / " in run.said
    assert (_get(public, "/"), _get(public, "/healthz"), _get(operator, "/admin/login/")) == (200, 200, 200)

    assert wait_until(lambda: json.loads(_status(place).stdout)["last_cycle"] is not None, timeout_s=60)
    status = json.loads(_status(place).stdout)
    assert (status["mode"], status["profile"]) == ("SHADOW", "recorded")
    assert "Chicago day" in status["world"]  # recorded, or invented where the recordings are not at hand
    assert status["last_cycle"]["markets"] == 6

    second = Run(place)
    second.process.wait(30)
    assert second.end(signal.SIGTERM) == 1
    assert "already running" in second.said
    assert f"http://127.0.0.1:{public}/" in second.said

    _check_public_environment(place)
    _check_password_is_nowhere(run, place)

    assert run.end(signal.SIGINT) == 0
    assert wait_until(place.is_quiet, timeout_s=10)


def _check_public_environment(place: Place) -> None:
    (of_public,) = {
        frozenset(process.environ().items())
        for process in marked_processes(place.folder)
        if process.environ().get("DJANGO_SETTINGS_MODULE") == "milkbot.settings.public"
    }
    text = repr(sorted(of_public))
    assert "milkbot_public@" in text
    assert "milkbot_trader" not in text
    assert not {name for name, _ in of_public if "KEY" in name or "REDIS" in name}


def _check_password_is_nowhere(run: Run, place: Place) -> None:
    password = run.said.split("admin / ")[1].split()[0]
    for file in place.folder.rglob("*"):
        if file.is_file():
            assert password.encode() not in file.read_bytes(), file


def test_killed_supervisor_leaves_nothing_that_stops_the_next_start(run: Run, place: Place) -> None:
    run.wait_until_up(FIRST_START_S)
    assert wait_until(lambda: json.loads(_status(place).stdout)["last_cycle"] is not None, timeout_s=60)
    run.end(signal.SIGKILL)
    again = Run(place)
    try:
        again.wait_until_up(LATER_START_S)
        assert "Console login" not in again.said  # the login of the first start stands
        assert _get(place.ports[0], "/healthz") == 200
        assert json.loads(_status(place).stdout)["last_cycle"] is not None  # the data of before
    finally:
        assert again.end(signal.SIGTERM) == 0
    assert wait_until(place.is_quiet, timeout_s=10)


def test_killed_worker_is_started_again(run: Run, place: Place) -> None:
    run.wait_until_up(FIRST_START_S)

    def fast_workers() -> set[int]:
        found = (p for p in marked_processes(place.folder) if "fast@%h" in p.cmdline())
        return {process.pid for process in found}

    before = fast_workers()
    assert before
    for pid in before:
        psutil.Process(pid).kill()
    assert wait_until(lambda: bool(fast_workers() - before), timeout_s=30)
    assert "worker-fast ended" in run.said
    assert run.end(signal.SIGTERM) == 0
    assert wait_until(place.is_quiet, timeout_s=10)
