"""kill -9 while fifty positions are settled: the books stay whole, and the next run ends the work."""

import os
import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from tests.trading.makers import CLOSE
from tests.trading.stored import SHADOW, assert_settled_books_add_up, hold_past_days
from trading.models import SettlementRow
from trading.repositories.books import PositionRepository

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
AT = CLOSE + timedelta(days=12)
USUALLY_TAKES_S = 0.5


def settle_in_a_process(kill_after_s: float | None) -> None:
    """Settle in a process on this test's database; kill it that long after it began, if asked."""
    settings = connection.settings_dict
    url = f"postgresql://{settings['USER']}@/{settings['NAME']}?host={settings['HOST']}"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.trading.settle_process", AT.isoformat()],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "LOG_LEVEL": "ERROR"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("\n")
        process.stdin.flush()
        if kill_after_s is None:
            assert process.stdout.readline() == "done\n"
        else:
            time.sleep(kill_after_s)
        process.kill()


def kill_repeatedly(kills: int, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(kills):
        settle_in_a_process(chance.uniform(0, USUALLY_TAKES_S / kills))
        assert_settled_books_add_up()


def end_the_work(held: int) -> None:
    settle_in_a_process(None)
    assert_settled_books_add_up()
    assert SettlementRow.objects.count() == held
    assert not PositionRepository(SHADOW).open()


def test_settlement_killed_in_the_middle_leaves_books_that_add_up() -> None:
    held = hold_past_days(days=10, per_day=5)

    kill_repeatedly(kills=3, seed=20253)

    end_the_work(held)


@pytest.mark.slow
def test_settlement_killed_thirty_times_leaves_books_that_add_up() -> None:
    held = hold_past_days(days=10, per_day=5)

    kill_repeatedly(kills=30, seed=20254)

    end_the_work(held)
