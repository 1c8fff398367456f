"""Child processes: each leads a session of its own, writes to its own log and does not outlive its parent."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from milkbot.core.clock import monotonic
from milkbot.core.errors import MilkbotError

MARKER: Final = "MILKBOT_SUPERVISED"
"""In the environment of every child: the profile folder it serves. A recycled process number cannot carry it."""

LARGEST_LOG: Final = 10_000_000
"""Bytes after which the next start of the process begins a new log; one old one is kept."""

_PR_SET_PDEATHSIG: Final = 1
_POLL_S: Final = 0.05
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class CannotStart(MilkbotError):
    """The start ends here; the message is one sentence for the person at the terminal."""


def spawn(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    log: Path,
    cwd: Path | None = None,
    user: tuple[int, int] | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> "subprocess.Popen[bytes]":
    """Start `command` in a session of its own, output appended to `log`.

    `user` is (uid, gid) to run as, root only. On Linux the kernel sends `death_signal` to the child when this process
    ends in whatever way.
    """
    uid, gid = user or (None, None)
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".old.log"))
    with log.open("ab") as sink:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            user=uid,
            group=gid,
            extra_groups=[] if user else None,
            # Safe here though not in general: this process has one thread when it starts children.
            preexec_fn=_dies_with(os.getpid(), death_signal),
        )


def _dies_with(parent: int, death_signal: signal.Signals) -> Callable[[], None] | None:
    libc = _LIBC
    if libc is None:
        return None

    def ask_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it ended before the kernel knew whom to tell
            os._exit(1)

    return ask_kernel


def wait_until(
    probe: Callable[[], bool],
    *,
    timeout_s: float,
    process: "subprocess.Popen[bytes] | subprocess.Popen[str] | None" = None,
) -> bool:
    """Whether `probe` came true within `timeout_s`; gives up at once when `process` has ended."""
    deadline = monotonic() + timeout_s
    while not probe():
        if monotonic() > deadline or (process is not None and process.poll() is not None):
            return False
        time.sleep(_POLL_S)
    return True


def stop(process: "subprocess.Popen[bytes]", stop_signal: signal.Signals, *, timeout_s: float) -> None:
    """End a child and its whole group: politely, then after `timeout_s` by force."""
    if process.poll() is None:
        process.send_signal(stop_signal)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout_s)
    with suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def marked_processes(folder: Path) -> list[psutil.Process]:
    """Processes that an earlier supervisor of this profile folder left behind."""
    return [process for process in psutil.process_iter() if _marker_of(process) == str(folder)]


def end_leftovers(folder: Path, *, timeout_s: float = 5.0) -> int:
    """End what an earlier supervisor of this profile left running; returns how many there were."""
    leftovers = marked_processes(folder)
    for process in leftovers:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(leftovers, timeout=timeout_s)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=timeout_s)
    return len(leftovers)


def _marker_of(process: psutil.Process) -> str | None:
    if process.pid == os.getpid():
        return None
    try:
        return process.environ().get(MARKER)
    except (psutil.Error, OSError):  # a foreign or vanishing process is none of ours
        return None


def tail(log: Path, lines: int = 20) -> Iterator[str]:
    """The last `lines` lines of a log, for a person."""
    with suppress(OSError):
        yield from log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
