"""Children die with their parent, in groups, and are found again by their mark."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from milkbot.embedded.process import (
    LARGEST_LOG,
    MARKER,
    end_leftovers,
    marked_processes,
    spawn,
    stop,
    tail,
    wait_until,
)

FOREVER = "import signal; signal.pause()"
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"
)


def _environment(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **more}


def _python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


def _lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_spawned_child_leads_its_own_session_and_writes_to_its_log(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    child = spawn(_python("import os; print(os.getsid(0), os.getpid())"), env=_environment(), log=log)
    assert child.wait(10) == 0
    assert log.read_text().split() == [str(child.pid), str(child.pid)]


def test_spawned_child_gets_only_the_environment_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KALSHI_LIVE_KEY_ID", "not for everybody")
    log = tmp_path / "child.log"
    child = spawn(_python("import os; print(sorted(os.environ))"), env=_environment(MINE="1"), log=log)
    child.wait(10)
    assert "KALSHI_LIVE_KEY_ID" not in log.read_text()
    assert "MINE" in log.read_text()


def test_large_log_is_set_aside_at_the_next_start(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    log.touch()
    os.truncate(log, LARGEST_LOG + 1)
    spawn(_python("print('new')"), env=_environment(), log=log).wait(10)
    assert log.read_text() == "new\n"
    assert (tmp_path / "child.old.log").stat().st_size == LARGEST_LOG + 1


def test_stop_ends_the_child_and_what_it_started(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    code = (
        f"import subprocess, sys, signal; c = subprocess.Popen([sys.executable, '-S', '-c', {FOREVER!r}]);"
        "print(c.pid, flush=True); signal.pause()"
    )
    child = spawn(_python(code), env=_environment(), log=log)
    assert wait_until(lambda: log.read_text().endswith("\n"), timeout_s=10)
    grandchild = int(log.read_text())
    stop(child, signal.SIGTERM, timeout_s=5)
    assert child.returncode == -signal.SIGTERM
    assert wait_until(lambda: not _lives(grandchild), timeout_s=5)


def test_stop_of_a_child_that_will_not_listen_uses_force(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    child = spawn(_python(STUBBORN), env=_environment(), log=log)
    assert wait_until(lambda: "up" in log.read_text(), timeout_s=10)
    stop(child, signal.SIGTERM, timeout_s=0.1)
    assert child.returncode == -signal.SIGKILL


def test_stop_of_a_dead_child_is_no_fault(tmp_path: Path) -> None:
    child = spawn(_python("pass"), env=_environment(), log=tmp_path / "log")
    child.wait(10)
    stop(child, signal.SIGTERM, timeout_s=1)
    assert child.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's word to orphans is Linux's")
def test_killed_parent_takes_its_children_along(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib, signal; from milkbot.embedded.process import spawn;"
        f"c = spawn([sys.executable, '-S', '-c', {FOREVER!r}], env={{}}, log=pathlib.Path({str(tmp_path / 'log')!r}));"
        "print(c.pid, flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert _lives(child)
        parent.kill()
    assert wait_until(lambda: not _lives(child), timeout_s=5)


def test_wait_until_gives_up_when_the_process_has_ended(tmp_path: Path) -> None:
    child = spawn(_python("pass"), env=_environment(), log=tmp_path / "log")
    assert not wait_until(lambda: False, timeout_s=60, process=child)


def test_wait_until_gives_up_after_its_time() -> None:
    assert not wait_until(lambda: False, timeout_s=0)


def test_leftovers_are_found_by_their_mark_and_ended(tmp_path: Path) -> None:
    ours = spawn(_python(FOREVER), env=_environment(**{MARKER: str(tmp_path / "a")}), log=tmp_path / "log")
    stubborn = spawn(
        _python(STUBBORN), env=_environment(**{MARKER: str(tmp_path / "a")}), log=tmp_path / "log"
    )
    other = spawn(_python(FOREVER), env=_environment(**{MARKER: str(tmp_path / "b")}), log=tmp_path / "log")
    try:
        assert wait_until(lambda: "up" in (tmp_path / "log").read_text(), timeout_s=10)
        assert {found.pid for found in marked_processes(tmp_path / "a")} == {ours.pid, stubborn.pid}
        assert end_leftovers(tmp_path / "a", timeout_s=0.5) == 2
        assert not _lives(ours.pid)
        assert not _lives(stubborn.pid)
        assert other.poll() is None
    finally:
        for child in (ours, stubborn, other):
            stop(child, signal.SIGKILL, timeout_s=5)


def test_tail_gives_the_last_lines_and_nothing_for_no_file(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert list(tail(log)) == []
    log.write_text("\n".join(str(number) for number in range(100)))
    assert list(tail(log, 2)) == ["98", "99"]
