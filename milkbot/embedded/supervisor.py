"""Starts children in order, restarts those that die, and stops them in reverse order whatever happens."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final

from milkbot.core.clock import monotonic
from milkbot.embedded.process import CannotStart, spawn, stop, tail, wait_until

QUICK_DEATH_S: Final = 10.0
"""A child that lived shorter than this died quickly; one that lived longer starts with a clean record."""
MOST_QUICK_DEATHS: Final = 5
FIRST_RETRY_S: Final = 0.5
LONGEST_RETRY_S: Final = 8.0
WATCH_PERIOD_S: Final = 0.25


class StopRequested(BaseException):
    """Ctrl-C or SIGTERM: not an error, and not to be caught by accident."""


@dataclass(frozen=True)
class Child:
    """One process of the system. `ready` says when those after it may start; None: they need not wait."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    cwd: Path
    ready: Callable[[], bool] | None = None
    ready_timeout_s: float = 20.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 5.0
    user: tuple[int, int] | None = None
    is_needed: bool = True
    """Whether the system stops when this will not stay alive; otherwise it is just started again, for ever."""

    def spawn(self) -> "subprocess.Popen[bytes]":
        """Start the process; the kernel ends it with `stop_signal` should the supervisor vanish."""
        return spawn(
            self.command,
            env=self.env,
            log=self.log,
            cwd=self.cwd,
            user=self.user,
            death_signal=self.stop_signal,
        )


@dataclass
class _Running:
    """A child with what became of it. `retry_at` is set while it waits for its next start."""

    child: Child
    process: "subprocess.Popen[bytes]"
    started_at: float
    quick_deaths: int = 0
    retry_at: float | None = None


@dataclass
class Supervisor:
    """Use as a context manager: leaving it stops every child, newest first."""

    say: Callable[[str], None]
    _running: list[_Running] = field(default_factory=list)

    def __enter__(self) -> "Supervisor":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _request_stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A second Ctrl-C must not leave half of them running; every stop below is bounded.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self.stop()

    def start(self, child: Child) -> None:
        """Start a child and wait until it is ready. Raises CannotStart with the end of its log."""
        process = child.spawn()
        self._running.append(_Running(child, process, monotonic()))
        if child.ready and not wait_until(child.ready, timeout_s=child.ready_timeout_s, process=process):
            raise CannotStart(_obituary(child, "did not start"))

    def watch(self) -> None:
        """Restart what dies, until a stop is requested. Raises CannotStart when a child will not stay alive."""
        while True:
            self.look_once(monotonic())
            time.sleep(WATCH_PERIOD_S)

    def look_once(self, now_s: float) -> None:
        """One round at monotonic time `now_s`: note deaths, start again what has waited long enough."""
        for running in self._running:
            if running.retry_at is not None:
                if now_s >= running.retry_at:
                    running.process, running.started_at = running.child.spawn(), now_s
                    running.retry_at = None
            elif running.process.poll() is not None:
                self._note_death(running, now_s)

    def stop(self) -> None:
        """Stop every child, newest first."""
        while self._running:
            running = self._running.pop()
            stop(running.process, running.child.stop_signal, timeout_s=running.child.stop_timeout_s)

    def _note_death(self, running: _Running, now_s: float) -> None:
        child = running.child
        stop(running.process, child.stop_signal, timeout_s=0)  # what it started itself must not linger
        quick = now_s - running.started_at < QUICK_DEATH_S
        running.quick_deaths = min(running.quick_deaths + 1, MOST_QUICK_DEATHS) if quick else 1
        if child.is_needed and running.quick_deaths >= MOST_QUICK_DEATHS:
            raise CannotStart(_obituary(child, f"died {MOST_QUICK_DEATHS} times in a row"))
        pause_s = min(FIRST_RETRY_S * 2 ** (running.quick_deaths - 1), LONGEST_RETRY_S)
        running.retry_at = now_s + pause_s
        self.say(f"{child.name} ended (exit {running.process.returncode}); starting it again.")


def _request_stop(_number: int, _frame: FrameType | None) -> None:
    raise StopRequested


def _obituary(child: Child, what: str) -> str:
    last_words = "\n".join(f"    {line}" for line in tail(child.log))
    return f"{child.name} {what}; the end of {child.log}:\n{last_words}"
