"""Real SHADOW worker processes on a real broker: what they import is told by the interpreter itself."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from milkbot.core.clock import WORLD_CLOCK_VARIABLE
from milkbot.core.health import Component
from milkbot.embedded import redis
from milkbot.embedded.process import wait_until
from milkbot.health import read_all
from tests.e2e.world import World, running_world
from trading.models import CycleRow, IntentRow

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[2]
QUEUES = {"fast": "fast", "slow": "slow,batch"}
"""The workers of an installation."""
ORDER_MODULES = ("markets.clients.kalshi.orders", "trading.oms.venues.kalshi")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running_world(ROOT / "sandbox" / "sample", None, tmp_path) as world:
        world.move_to(world.opens_at + timedelta(hours=10))
        yield world


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    socket = tmp_path / "redis.sock"
    server = subprocess.Popen(
        redis.command(redis.find_server(), socket, tmp_path), stdout=subprocess.DEVNULL, env={}
    )
    try:
        assert wait_until(lambda: redis.is_ready(socket), timeout_s=10, process=server)
        yield redis.url(socket)
    finally:
        server.terminate()
        server.wait(10)


def environment(world: World, broker: str, folder: Path) -> dict[str, str]:
    """A SHADOW worker's, at a world whose clock stands still; every import is written to its log."""
    clock = folder / "clock.json"
    at = world.now.isoformat()
    clock.write_text(
        json.dumps({"clock": {"wall_started_at": at, "world_started_at": at, "speed": 1e-9}}), "utf-8"
    )
    database = connection.settings_dict
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPROFILEIMPORTTIME": "1",
        "DJANGO_SETTINGS_MODULE": "milkbot.settings.worker",
        "MILKBOT_STATE_DIR": os.devnull,
        "TRADING_MODE": "SHADOW",
        "CITIES": "CHI",
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "REDIS_URL": broker,
        "KALSHI_BASE_URL": f"{world.base_url}/trade-api/v2",
        "NWS_BASE_URL": f"{world.base_url}/nws",
        WORLD_CLOCK_VARIABLE: str(clock),
    }


@contextmanager
def worker(queue: str, env: dict[str, str], log: Path) -> Iterator[None]:
    """A Celery worker with a pool process of its own, as `make run` starts it."""
    options = ("--queues", QUEUES[queue], "--hostname", f"{queue}@%h", "--concurrency", "1")
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    command = [sys.executable, "-m", "celery", "-A", "milkbot.celery", "worker", *options, *quiet]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=sink, stderr=sink)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.story("4.10", 1)
@pytest.mark.story("4.10", 4)
@pytest.mark.story("4.10", 5)
def test_shadow_workers_trade_without_ever_importing_the_order_client(
    world: World, broker: str, tmp_path: Path
) -> None:
    call_command("ensure_schedule", verbosity=0)
    env = environment(world, broker, tmp_path)
    logs = {queue: tmp_path / f"{queue}.log" for queue in QUEUES}
    with ExitStack() as running:
        for queue in QUEUES:
            running.enter_context(worker(queue, env, logs[queue]))
        assert wait_until(CycleRow.objects.filter(ok=True).exists, timeout_s=60), logs["fast"].read_text()
        assert wait_until(lambda: Component.ANALYTICS in read_all(), timeout_s=60), logs["slow"].read_text()

    assert IntentRow.objects.filter(mode="SHADOW").exists()
    imported = {queue: log.read_text() for queue, log in logs.items()}
    assert "mode=SHADOW" in imported["fast"].split("worker started")[1].splitlines()[0]
    assert "markets.clients.kalshi.market_data" in imported["fast"], "imports are told"
    assert not [
        (queue, module) for queue, said in imported.items() for module in ORDER_MODULES if module in said
    ]
    assert {method for method, _ in world.asked} == {"GET"}
    assert not [path for _, path in world.asked if "portfolio" in path or path.endswith("/orders")]
