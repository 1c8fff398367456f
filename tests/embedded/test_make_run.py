"""The whole system as `make run` starts it: comes up, is seen, agrees with itself, stops without a trace, survives kill -9."""

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
from typing import Any
from urllib.request import urlopen

import psutil
import psycopg
import pytest
from dotenv import dotenv_values

from milkbot.core.clock import monotonic
from milkbot.core.config import PROJECT_ROOT
from milkbot.embedded.postgres import profile_cluster
from milkbot.embedded.process import marked_processes, wait_until
from milkbot.embedded.profile import DEMO, RECORDED, SIMULATED
from tests.embedded.agreement import complaints, disagreements, read_page, released

pytestmark = [pytest.mark.slow, pytest.mark.django_db(databases=[])]

FIRST_START_S = 180.0
LATER_START_S = 60.0
"""Sixty and twenty seconds on a machine of its own; tests share theirs."""
FIRST_TURNS_S = 120.0
FIRST_ORDER_S = 900.0
"""Nothing is sent while a forecast or a reading is due, whatever the hour of the test."""
STOP_S = 60.0
UP = "Ctrl-C stops everything"


@dataclass(frozen=True)
class Place:
    """A profile folder and ports of this test's own."""

    state: Path
    ports: tuple[int, int, int]
    profile: str

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
        return self.state / self.profile

    @property
    def database_url(self) -> str:
        """The database's address as a second shell finds it."""
        return dotenv_values(self.folder / "env", interpolate=False)["DATABASE_URL"] or ""

    def is_quiet(self) -> bool:
        """Nothing of it lives: no marked process, no server on its data, no port taken."""
        cluster = profile_cluster(self.folder)
        return (
            not marked_processes(self.folder)
            and not cluster.is_ready()
            and all(_is_closed(port) for port in self.ports)
        )


class Run:
    """One `make run`, its output collected as it comes. The simulated world is what runs when nothing is asked for."""

    def __init__(self, place: Place) -> None:
        asked = () if place.profile == SIMULATED else ("--profile", place.profile)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "milkbot.embedded", "run", *asked],
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
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Of the profile a test names, else of the usual one."""
    profile = getattr(request, "param", SIMULATED)
    made = Place(tmp_path_factory.mktemp("whole") / "state", _free_ports(), profile)
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


def _manage(place: Place, *arguments: str) -> str:
    """What a command of manage.py writes, in a shell that knows nothing but where the project's state is."""
    told = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT_ROOT,
        env={"PATH": os.environ["PATH"], "MILKBOT_STATE_DIR": str(place.state)},
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout


def _status(place: Place) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(_manage(place, "status", "--json"))
    return known


def _turns(place: Place) -> list[bool]:
    """Whether each cycle of the fast loop read everything, newest last; those of the history are not among them."""
    with psycopg.connect(place.database_url) as connection:
        rows = connection.execute(
            "SELECT ok AND jsonb_array_length(to_jsonb(errors)) = 0 FROM ops.cycles "
            "WHERE finished_wall_at >= pg_postmaster_start_time() ORDER BY id"
        )
        return [ok for (ok,) in rows]


def test_run_shows_ten_cities_with_a_week_behind_them_then_stops_without_a_trace(
    run: Run, place: Place
) -> None:
    run.wait_until_up(FIRST_START_S)
    public, operator, _ = place.ports
    assert f"http://127.0.0.1:{public}/" in run.said
    assert "Console login, shown this once: admin / " in run.said
    assert "A simulated world, seed 7. On 15 % of events, chosen by the seed, makers" in run.said
    assert ", 0 refused" in run.said, "the past ends where life begins"
    assert (_get(public, "/"), _get(public, "/healthz"), _get(operator, "/admin/login/")) == (200, 200, 200)

    assert wait_until(lambda: len(_turns(place)) >= 3 and _status(place)["healthy"], timeout_s=FIRST_TURNS_S)
    _check_page_and_status(place)
    assert all(_turns(place))
    assert complaints(place.folder / "logs") == []

    second = Run(place)
    second.process.wait(30)
    assert second.end(signal.SIGTERM) == 1
    assert "already running" in second.said
    assert f"http://127.0.0.1:{public}/" in second.said

    _check_public_environment(place)
    _check_password_is_nowhere(run, place)

    assert run.end(signal.SIGINT) == 0
    assert wait_until(place.is_quiet, timeout_s=10)


def _check_page_and_status(place: Place) -> None:
    before = released(place.database_url)
    page, status = read_page(place.ports[0]), _status(place)
    after = released(place.database_url)
    assert list(disagreements(page, status, before, after)) == []
    assert (status["mode"], status["profile"], status["world"]) == (
        *("SHADOW", SIMULATED),
        "simulated world, seed 7",
    )
    assert (status["last_cycle"]["cities"], status["last_cycle"]["markets"] % 60) == (10, 0)
    assert after.fills > 0
    assert status["orders"]["CLOSED"] > 0, "the week has settled trades"


@pytest.mark.parametrize("place", [RECORDED], indirect=True)
def test_recorded_day_is_traded_when_it_is_asked_for(run: Run, place: Place) -> None:
    run.wait_until_up(FIRST_START_S)
    assert wait_until(lambda: _status(place)["last_cycle"] is not None, timeout_s=60)

    status = _status(place)
    assert (status["mode"], status["profile"]) == ("SHADOW", RECORDED)
    assert "Chicago day" in status["world"]  # recorded, or invented where the recordings are not at hand
    assert (status["last_cycle"]["cities"], status["last_cycle"]["markets"]) == (1, 6)
    page = read_page(place.ports[0])
    assert status["world"] in page.mode_line
    assert page.cities == 1
    assert complaints(place.folder / "logs") == []

    assert run.end(signal.SIGINT) == 0
    assert wait_until(place.is_quiet, timeout_s=10)


@pytest.mark.story("4.10", 2)
@pytest.mark.parametrize("place", [DEMO], indirect=True)
def test_demo_sends_real_orders_on_an_account_whose_books_agree(run: Run, place: Place) -> None:
    run.wait_until_up(FIRST_START_S)
    assert wait_until(lambda: len(_turns(place)) >= 3, timeout_s=FIRST_TURNS_S)

    status = _status(place)
    assert (status["mode"], status["profile"]) == ("DEMO", DEMO)
    assert all(_turns(place))
    assert wait_until(
        lambda: _are_named(place), timeout_s=FIRST_ORDER_S
    ), "the exchange has named every order"
    with psycopg.connect(place.database_url) as connection:
        runs = connection.execute(
            "SELECT kind, complete_until IS NOT NULL AND drift = '[]' AND error = '' FROM ops.reconciliations"
            " ORDER BY id"
        ).fetchall()
    assert runs[0] == ("start", True)
    assert all(agrees for _, agrees in runs)
    assert "No drift." in _manage(place, "reconcile")
    assert "0 are left open" in _manage(place, "halt", "--cancel-all", "--reason", "drill")
    _check_public_environment(place)
    assert complaints(place.folder / "logs") == []

    assert run.end(signal.SIGINT) == 0
    assert wait_until(place.is_quiet, timeout_s=10)


def _are_named(place: Place) -> bool:
    """Whether there are orders, each with the exchange's name for it."""
    with psycopg.connect(place.database_url) as connection:
        counted = connection.execute("SELECT count(kalshi_order_id), count(*) FROM ops.orders").fetchone()
    return counted is not None and counted[0] == counted[1] > 0


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
    assert wait_until(lambda: bool(_turns(place)), timeout_s=60)
    fills = _status(place)["fills"]
    run.end(signal.SIGKILL)
    again = Run(place)
    try:
        again.wait_until_up(LATER_START_S)
        assert "Console login" not in again.said  # the login of the first start stands
        assert "Living through" not in again.said  # and so does its past
        assert _get(place.ports[0], "/healthz") == 200
        assert _status(place)["fills"] >= fills > 0  # the data of before
    finally:
        assert again.end(signal.SIGTERM) == 0
    assert wait_until(place.is_quiet, timeout_s=10)


@pytest.mark.parametrize("place", [RECORDED], indirect=True)
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
