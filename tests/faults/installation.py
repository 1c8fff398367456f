"""The processes of an installation in DEMO, in real time, on this test's database: a broker, beat and its workers."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from django.core.management import call_command
from django.db import connection

from milkbot.core.cities import load_cities
from milkbot.core.config import get_config
from milkbot.embedded import redis
from milkbot.embedded.process import spawn, wait_until
from tests.faults.bench import Bench
from trading.models import CycleRow

ROOT = Path(__file__).resolve().parents[2]
PERIOD_S = 3
"""Of a loop: a minute is too long for a test."""


class Worker(NamedTuple):
    """What a worker serves, and the module its Celery application is found in."""

    queues: str
    app: str = "milkbot.celery"


ONE_FOR_ALL: Final[Mapping[str, Worker]] = MappingProxyType({"worker": Worker("fast,slow")})


@dataclass
class Installation:
    """Its processes by name; each may be killed and started again."""

    bench: Bench
    folder: Path
    workers: dict[str, Worker]
    env: dict[str, str] = field(default_factory=dict)
    processes: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)

    def start(self, name: str) -> None:
        """One of "redis", "beat" and the workers."""
        log = self.folder / f"{name}.log"
        self.processes[name] = spawn(self._command(name), env=self.env, log=log, cwd=ROOT)
        if name == "redis":
            assert wait_until(lambda: redis.is_ready(self.socket), timeout_s=10)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """End a process and all it started."""
        process = self.processes.pop(name)
        os.killpg(process.pid, number)
        process.wait(30)

    def end(self, name: str) -> None:
        """Ask a process to end, and wait: a worker first finishes what it is at."""
        process = self.processes.pop(name)
        process.terminate()
        process.wait(30)

    def stop(self) -> None:
        for name in reversed([*self.processes]):
            self.kill(name)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8")

    @property
    def socket(self) -> Path:
        return self.folder / "redis.sock"

    def _command(self, name: str) -> Sequence[str]:
        if name == "redis":
            return redis.command(redis.find_server(), self.socket, self.folder)
        celery = [sys.executable, "-m", "celery", "-A"]
        if name == "beat":
            scheduler = "django_celery_beat.schedulers:DatabaseScheduler"
            schedule = ("--scheduler", scheduler, "--max-interval", "1", "--pidfile", "")
            return [*celery, "milkbot.celery", "beat", *schedule]
        worker = self.workers[name]
        serves = ("--hostname", f"{name}@%h", "--queues", worker.queues, "--concurrency", "1")
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        return [*celery, worker.app, "worker", *serves, *quiet]


@contextmanager
def installed(
    bench: Bench, folder: Path, workers: Mapping[str, Worker] = ONE_FOR_ALL
) -> Iterator[Installation]:
    """Broker, workers and beat, trading on the bench's account until the block ends.

    The periods of the loops are this process's own.
    """
    database, config = connection.settings_dict, get_config()
    installation = Installation(bench, folder, {**workers})
    installation.env = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "milkbot.settings.worker",
        "MILKBOT_STATE_DIR": os.devnull,
        "TRADING_MODE": "DEMO",
        "CITIES": ",".join(load_cities()),
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "REDIS_URL": redis.url(installation.socket),
        "KALSHI_BASE_URL": f"{bench.base_url}/trade-api/v2",
        "NWS_BASE_URL": f"{bench.base_url}/nws",
        "KALSHI_DEMO_KEY_ID": bench.account.key_id,
        "KALSHI_DEMO_PRIVATE_KEY_PATH": str(bench.account.private_key_path),
        "FAST_PERIOD_S": str(config.fast_period_s),
        "SLOW_PERIOD_S": str(config.slow_period_s),
    }
    call_command("ensure_schedule", verbosity=0)
    try:
        for name in ("redis", *workers, "beat"):
            installation.start(name)
        yield installation
    finally:
        installation.stop()


def cycles() -> int:
    """How many turns have ended well."""
    return CycleRow.objects.filter(ok=True).count()


def await_cycles(more: int, timeout_s: float) -> bool:
    """Whether so many more turns end well in time."""
    goal = cycles() + more
    return wait_until(lambda: cycles() >= goal, timeout_s=timeout_s)
