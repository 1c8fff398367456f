"""The thin edge: tasks and commands call one service each and say what came of it; old explanations are pruned."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from markets.services import default_client
from milkbot.core import clock
from milkbot.core.config import TradingMode, get_config
from tests.e2e.world import World, running_world
from tests.factories import CycleFactory, FillFactory, SignalFactory
from tests.trading.makers import NOW
from trading import retention, tasks
from trading.models import CycleRow, FillRow, SignalRow
from trading.oms.lease import take_lease
from weather.services import _process_cache, _process_client

pytestmark = pytest.mark.django_db

SAMPLE = Path(__file__).resolve().parents[2] / "sandbox" / "sample"


@pytest.fixture
def configured_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A sandbox that this process is configured for, as a worker is."""
    caches = (get_config, default_client, _process_cache, _process_client)
    with running_world(SAMPLE, None, tmp_path) as world:
        monkeypatch.setenv("KALSHI_BASE_URL", f"{world.base_url}/trade-api/v2")
        monkeypatch.setenv("NWS_BASE_URL", f"{world.base_url}/nws")
        monkeypatch.setenv("CITIES", "CHI")
        for cache in caches:
            cache.cache_clear()
        yield world
    for cache in caches:
        cache.cache_clear()


def test_cycle_task_leaves_a_cycle_and_says_what_it_did(configured_world: World) -> None:
    assert set(tasks.run_cycle()) == {"markets", "intents", "fills"}
    assert CycleRow.objects.get().ok


def test_cycle_task_beside_another_trader_skips_its_turn(configured_world: World) -> None:
    take_lease(TradingMode.SHADOW, "host-b/2/2.00")

    assert tasks.run_cycle() == {}
    assert not CycleRow.objects.exists()


def test_cycle_task_whose_clock_stepped_back_skips_its_turn(configured_world: World) -> None:
    CycleFactory.create(started_at=clock.now() + timedelta(seconds=90))

    assert tasks.run_cycle() == {}
    assert CycleRow.objects.count() == 1


def test_settle_task_says_what_it_booked(configured_world: World) -> None:
    assert tasks.settle() == {"settled": 0, "orders_closed": 0, "refused": 0}


def test_run_cycle_command_prints_one_line_a_turn(configured_world: World) -> None:
    out = StringIO()

    call_command("run_cycle", "--once", stdout=out)

    assert out.getvalue().startswith("SHADOW ")
    assert out.getvalue().count("\n") == 1


def test_run_cycle_command_beside_another_trader_says_so(configured_world: World) -> None:
    take_lease(TradingMode.SHADOW, "host-b/2/2.00")

    with pytest.raises(CommandError, match="trades in SHADOW"):
        call_command("run_cycle", "--once", stdout=StringIO())


def test_settle_command_prints_what_it_booked(configured_world: World) -> None:
    out = StringIO()

    call_command("settle", stdout=out)

    assert out.getvalue().splitlines() == [
        "0 settled, P&L 0.0000, 0 orders closed, 0 refused, 0 revised, 0 waiting",
        "our reading differed on 0 of 0 settled days, 0 figures differ from the account",
    ]


def test_prune_deletes_what_only_explains_and_is_old_enough(tmp_path: Path) -> None:
    made_at = {days: NOW - timedelta(days=days) for days in (91, 89)}
    for at in made_at.values():
        SignalFactory.create(made_at=at, seen_until=at)
    FillFactory.create(filled_at=NOW - timedelta(days=900))

    deleted = retention.prune(NOW, tmp_path)

    assert deleted["signals"] == 1
    assert list(SignalRow.objects.values_list("made_at", flat=True)) == [made_at[89]]
    assert FillRow.objects.exists(), "facts of money stay"


def test_prune_goes_on_batch_after_batch(tmp_path: Path) -> None:
    for minutes in range(5):
        at = NOW - timedelta(days=100, minutes=minutes)
        SignalFactory.create(made_at=at, seen_until=at)

    assert retention.prune(NOW, tmp_path, batch=2)["signals"] == 5


def test_prune_task_names_the_tables() -> None:
    assert set(tasks.prune()) == {
        "market_snapshots",
        "signals",
        "decisions",
        "reconciliations",
        "weather_snapshots",
        "observations",
    }
