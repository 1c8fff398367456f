"""The supervisor with small real processes in place of the big ones."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from milkbot.embedded.process import CannotStart, wait_until
from milkbot.embedded.supervisor import MOST_QUICK_DEATHS, QUICK_DEATH_S, Child, StopRequested, Supervisor

SERVE = """
import pathlib, signal, sys
def bye(*_):
    with open("story", "a") as story: story.write("stop " + sys.argv[1] + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, bye)
with open("story", "a") as story: story.write("start " + sys.argv[1] + "\\n")
signal.pause()
"""


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(said.append)
    yield supervisor
    supervisor.stop()


def _child(folder: Path, name: str, code: str = SERVE) -> Child:
    story = folder / "story"
    return Child(
        name=name,
        command=[sys.executable, "-S", "-c", code, name],
        env={"PATH": os.environ["PATH"]},
        log=folder / f"{name}.log",
        cwd=folder,
        ready=lambda: story.exists() and f"start {name}\n" in story.read_text(),
        ready_timeout_s=10.0,
    )


def test_children_start_in_order_and_stop_in_reverse(supervisor: Supervisor, tmp_path: Path) -> None:
    for name in ("database", "web", "beat"):
        supervisor.start(_child(tmp_path, name))
    supervisor.stop()
    story = (tmp_path / "story").read_text().splitlines()
    assert story == ["start database", "start web", "start beat", "stop beat", "stop web", "stop database"]


def test_child_that_does_not_start_is_reported_with_its_last_words(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    broken = _child(tmp_path, "broken", "import sys; sys.exit('no such table')")
    with pytest.raises(CannotStart, match=r"broken did not start(?s:.)*no such table"):
        supervisor.start(broken)


def test_child_that_dies_is_started_again_after_a_pause(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    supervisor.start(_child(tmp_path, "worker"))
    running = supervisor._running[0]
    running.process.kill()
    running.process.wait()
    now_s = running.started_at + QUICK_DEATH_S + 1
    supervisor.look_once(now_s)
    assert said == [f"worker ended (exit {-signal.SIGKILL}); starting it again."]
    first = running.process.pid
    supervisor.look_once(now_s)
    assert running.process.pid == first  # not yet
    supervisor.look_once(now_s + 1)
    assert running.process.pid != first
    assert wait_until(lambda: (tmp_path / "story").read_text().count("start worker") == 2, timeout_s=10)


def test_child_that_keeps_dying_stops_the_whole(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    child = _child(tmp_path, "worker", "print('out of memory', flush=True)")
    supervisor.start(Child(**{**vars(child), "ready": None}))
    running, now_s, pauses = supervisor._running[0], 0.0, []
    running.started_at = now_s
    for _ in range(MOST_QUICK_DEATHS - 1):
        running.process.wait(10)
        supervisor.look_once(now_s)
        assert running.retry_at is not None
        pauses.append(running.retry_at - now_s)
        now_s = running.retry_at
        supervisor.look_once(now_s)
    running.process.wait(10)
    with pytest.raises(CannotStart, match=r"died 5 times in a row(?s:.)*out of memory"):
        supervisor.look_once(now_s)
    assert len(said) == MOST_QUICK_DEATHS - 1
    assert pauses == [0.5, 1.0, 2.0, 4.0]


def test_child_that_is_not_needed_is_started_again_for_ever(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    child = _child(tmp_path, "extra")
    mortal = replace(child, command=[sys.executable, "-c", ""], ready=None, is_needed=False)
    supervisor.start(mortal)
    running, now_s, pauses = supervisor._running[0], 0.0, []
    running.started_at = now_s
    for _ in range(MOST_QUICK_DEATHS + 3):
        running.process.wait(10)
        supervisor.look_once(now_s)
        assert running.retry_at is not None
        pauses.append(running.retry_at - now_s)
        now_s = running.retry_at
        supervisor.look_once(now_s)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0]
    assert len(said) == len(pauses)


def test_child_that_lived_long_starts_with_a_clean_record(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(_child(tmp_path, "worker"))
    running = supervisor._running[0]
    running.quick_deaths = MOST_QUICK_DEATHS - 1
    running.process.kill()
    running.process.wait()
    supervisor.look_once(running.started_at + QUICK_DEATH_S + 1)
    assert running.quick_deaths == 1


def test_stop_request_ends_the_watch_and_every_child(said: list[str], tmp_path: Path) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        with pytest.raises(StopRequested):
            _watch_until_told_to_stop(_child(tmp_path, "worker"), said)
        assert (tmp_path / "story").read_text() == "start worker\nstop worker\n"
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch_until_told_to_stop(child: Child, said: list[str]) -> None:
    with Supervisor(said.append) as supervisor:
        supervisor.start(child)
        os.kill(os.getpid(), signal.SIGTERM)
        supervisor.watch()
