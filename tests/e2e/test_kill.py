"""kill -9 at random instants of a cycle: whatever was left, the next turn ends it, and the books stay whole."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection

from tests.e2e.world import MODE, World, running_world
from trading.domain import pnl
from trading.domain.types import OPEN_STATES, Position
from trading.models import FillRow, IntentRow, LedgerRow, OrderEventRow, OrderRow, PositionRow, TraderLeaseRow
from trading.repositories.books import FillRepository

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sandbox" / "sample"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running_world(SAMPLE, None, tmp_path) as world:
        world.move_to(world.opens_at + timedelta(hours=1))
        yield world


def start_trader(world: World) -> "subprocess.Popen[str]":
    """A trader process on this test's database."""
    settings = connection.settings_dict
    host = settings["HOST"]
    url = f"postgresql://{settings['USER']}@/{settings['NAME']}?host={host}"
    return subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.trader_process", world.base_url],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "LOG_LEVEL": "ERROR"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def one_turn(trader: "subprocess.Popen[str]", world: World, kill_after_s: float | None) -> None:
    """Let the trader run one cycle at the world's time; kill it in the middle if asked."""
    assert trader.stdin is not None
    assert trader.stdout is not None
    trader.stdin.write(f"{world.now.isoformat()}\n")
    trader.stdin.flush()
    assert trader.stdout.readline() == "cycle\n", "the trader died before its cycle"
    if kill_after_s is None:
        assert trader.stdout.readline() == "done\n", "the cycle failed"
    else:
        time.sleep(kill_after_s)
    trader.send_signal(signal.SIGKILL)
    trader.wait(10)
    trader.stdin.close()
    trader.stdout.close()


def check_books() -> None:
    """Intents, orders, events, fills, positions and cash tell one story."""
    assert IntentRow.objects.count() == OrderRow.objects.count()
    for order in OrderRow.objects.all():
        filled = sum((fill.count for fill in order.fills.all()), Decimal(0))
        assert filled == order.filled_count
        events = list(OrderEventRow.objects.filter(order=order).order_by("version"))
        assert [event.version for event in events] == list(range(order.version + 1))
        assert events[-1].to_state == order.state
    for row in PositionRow.objects.select_related("market"):
        position = Position(mode=MODE, market_ticker=row.market.ticker)
        for fill in FillRepository(MODE).all([row.market.ticker]):
            position = pnl.apply_fill(position, fill).position
        assert (row.count, row.cost, row.fees) == (position.count, position.cost, position.fees)
    cash = sum(LedgerRow.objects.values_list("amount", flat=True), Decimal(0))
    spent = sum((row.cost + row.fees for row in PositionRow.objects.all()), Decimal(0))
    assert not LedgerRow.objects.exists() or cash == 10_000 - spent


def kill_repeatedly(world: World, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(kills):
        world.move_to(world.now + timedelta(minutes=30))
        one_turn(start_trader(world), world, kill_after_s=chance.uniform(0, 0.6))
        check_books()
    world.move_to(world.now + timedelta(minutes=30))
    # No waiting for the dead trader's lease: its process is gone, and this host can tell.
    one_turn(start_trader(world), world, kill_after_s=None)
    check_books()
    assert not OrderRow.objects.filter(state__in=[state.value for state in OPEN_STATES]).exists()
    assert TraderLeaseRow.objects.get().fencing == 1 + kills or not FillRow.objects.exists()


def test_trader_killed_in_the_middle_leaves_books_that_add_up(world: World) -> None:
    kill_repeatedly(world, kills=3, seed=20251)


@pytest.mark.slow
def test_trader_killed_thirty_times_leaves_books_that_add_up(world: World) -> None:
    kill_repeatedly(world, kills=30, seed=20252)
