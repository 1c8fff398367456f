"""The mode decides where orders go: SHADOW nowhere, DEMO and LIVE each with keys and endpoints of their own."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from markets.clients.kalshi.market_data import client_from_config
from milkbot.celery import announce
from milkbot.core.config import KALSHI_DEMO_URL, KALSHI_LIVE_URL, Config, TradingMode, load_config
from milkbot.core.errors import ConfigError
from tests.e2e.test_kill import start_trader
from tests.e2e.world import World, running_world
from trading.models import FillRow, IntentRow, OrderRow

ROOT = Path(__file__).resolve().parents[2]
NO_FILE = Path("none")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running_world(ROOT / "sandbox" / "sample", None, tmp_path) as world:
        yield world


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "key.pem"
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(pem)
    return file


def configured(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Config:
    for name, value in variables.items():
        monkeypatch.setenv(name.upper(), value)
    return load_config(NO_FILE)


@pytest.mark.story("4.10", 5)
@pytest.mark.django_db
def test_shadow_day_asks_only_for_market_data_and_weather(world: World) -> None:
    world.run(world.opens_at + timedelta(hours=20), timedelta(hours=1))

    assert FillRow.objects.exists(), "it did trade, in shadow"
    assert {method for method, _ in world.asked} == {"GET"}
    assert not [path for _, path in world.asked if "portfolio" in path or path.endswith("/orders")]


@pytest.mark.story("4.10", 5)
@pytest.mark.django_db(transaction=True)
def test_shadow_trader_never_loads_the_order_client(world: World) -> None:
    world.move_to(world.opens_at + timedelta(hours=10))
    trader = start_trader(world)
    assert trader.stdin is not None
    assert trader.stdout is not None
    trader.stdin.write(f"{world.now.isoformat()}\n")
    trader.stdin.flush()
    lines = [trader.stdout.readline().strip() for _ in range(2)]
    trader.stdin.close()
    trader.wait(20)
    said = trader.stdout.read()
    trader.stdout.close()

    assert lines == ["cycle", "done"]
    assert IntentRow.objects.exists()
    assert "order client loaded: False" in said


@pytest.mark.story("4.10", 4)
@pytest.mark.django_db
def test_every_order_and_intent_carries_its_mode(world: World) -> None:
    world.run(world.opens_at + timedelta(hours=12), timedelta(hours=1))

    assert set(OrderRow.objects.values_list("mode", flat=True)) == {"SHADOW"}
    assert all(key.startswith("SHADOW:") for key in IntentRow.objects.values_list("intent_key", flat=True))


@pytest.mark.story("4.10", 4)
def test_worker_says_its_mode_when_it_starts(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="milkbot"):
        announce()

    (record,) = caplog.records
    assert record.__dict__["mode"] == "SHADOW"


@pytest.mark.story("4.10", 2)
def test_demo_uses_the_demo_endpoint_and_key_only(monkeypatch: pytest.MonkeyPatch, key_file: Path) -> None:
    config = configured(
        monkeypatch,
        trading_mode="DEMO",
        kalshi_demo_key_id="demo-key",
        kalshi_demo_private_key_path=str(key_file),
        kalshi_live_key_id="live-key",
        kalshi_live_private_key_path=str(key_file),
    )

    assert config.trading_mode is TradingMode.DEMO
    assert config.kalshi_url == KALSHI_DEMO_URL
    assert client_from_config(config).base_url == KALSHI_DEMO_URL


@pytest.mark.story("4.10", 3)
def test_live_without_the_confirmation_does_not_start(
    monkeypatch: pytest.MonkeyPatch, key_file: Path
) -> None:
    keys = {"kalshi_live_key_id": "live-key", "kalshi_live_private_key_path": str(key_file)}
    with pytest.raises(ConfigError, match="LIVE_CONFIRM"):
        configured(monkeypatch, trading_mode="LIVE", **keys)

    confirmed = configured(
        monkeypatch, trading_mode="LIVE", live_confirm="I accept real orders with real money", **keys
    )
    assert confirmed.kalshi_url == KALSHI_LIVE_URL


def test_the_tasks_of_a_worker_do_not_pull_the_order_client_in() -> None:
    """Not even importing everything a SHADOW worker runs."""
    script = (
        "import django, sys; django.setup(); import trading.tasks, weather.tasks, analytics.tasks, milkbot.celery;"
        "sys.exit('markets.clients.kalshi.orders' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60)
