"""A trader in a process of its own, as the tests hold it: told to take turns, stopped, killed, and born again."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from django.db import connection

from tests.faults.bench import Bench
from tests.faults.nursery import SILENT, Birth
from tests.faults.shared_clock import SharedClock

ROOT: Final = Path(__file__).resolve().parents[2]
TURN_ENDS_WITHIN_S: Final = 60.0


class Trader:
    """One process."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._heard = link.makefile("rb")
        self.pid: int = self.answer()["pid"]

    def begin_turn(self, seed: int) -> None:
        """Let it take a turn with the wishes of `seed`; `answer` waits for its end."""
        self._link.sendall(f"{seed}\n".encode())

    def silent_turn(self) -> dict[str, Any]:
        """A turn that reads its account and sends nothing; what it tells."""
        self._link.sendall(f"{SILENT}\n".encode())
        return self.answer()

    def answer(self) -> dict[str, Any]:
        line = self._heard.readline()
        assert line, "the trader died by itself"
        told: dict[str, Any] = json.loads(line)
        return told

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """kill -9; returns when the process is gone."""
        os.kill(self.pid, signal.SIGKILL)
        with suppress(ConnectionResetError):  # it died with something unread
            while self._heard.readline():
                pass
        self.close()

    def close(self) -> None:
        self._heard.close()
        self._link.close()


class Nursery:
    """Bears traders of one account on this test's database."""

    def __init__(
        self, bench: Bench, clock_path: Path, wishes: int, listener: socket.socket, mother: Any
    ) -> None:
        self._listener = listener
        self._mother = mother
        self._latest: Trader | None = None
        self._birth = Birth(
            socket=listener.getsockname(),
            clock=str(clock_path),
            base_url=bench.base_url,
            key_id=bench.account.key_id,
            key_path=str(bench.account.private_key_path),
            cities=list(bench.cities),
            wishes=wishes,
        )

    def bear(self) -> Trader:
        """A new process, ready for its first turn."""
        self._mother.stdin.write(json.dumps(self._birth._asdict()) + "\n")
        self._mother.stdin.flush()
        link, _ = self._listener.accept()
        link.settimeout(TURN_ENDS_WITHIN_S)
        self._latest = Trader(link)
        return self._latest

    def close(self) -> None:
        if self._latest is not None:
            self._latest.close()


@contextmanager
def nursery(bench: Bench, clock_path: Path, wishes: int = 3) -> Iterator[Nursery]:
    """Until the block ends; every trader ends with it. `bench` must live by the shared clock at `clock_path`.

    `wishes` are those a turn has beside what the strategies want.
    """
    settings = connection.settings_dict
    url = f"postgresql://{settings['USER']}@/{settings['NAME']}?host={settings['HOST']}"
    assert isinstance(bench.clock, SharedClock)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(clock_path.with_name("link")))
        listener.listen()
        listener.settimeout(TURN_ENDS_WITHIN_S)
        mother = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url, "LOG_LEVEL": "CRITICAL"},
            stdin=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        born = Nursery(bench, clock_path, wishes, listener, mother)
        try:
            yield born
        finally:
            born.close()
            os.killpg(mother.pid, signal.SIGKILL)
            mother.communicate()
