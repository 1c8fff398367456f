"""Fixtures of the trading tests."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from markets.services import default_client
from milkbot.core.config import TradingMode, get_config
from tests.markets.local_exchange import LocalExchange
from tests.trading.makers import NOW
from tests.trading.stored import store_markets
from trading.controls import ensure_controls
from trading.oms.lease import take_lease
from trading.repositories.books import LedgerRepository
from trading.repositories.orders import Lease


@pytest.fixture(scope="session")
def shared_reference() -> Path:
    """The reference folder beside the project, for checks against its answer key."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "reference"
    if not folder.is_dir():
        pytest.skip("the reference folder is not beside the project")
    return folder


@pytest.fixture
def useless_exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process is configured for an exchange that refuses every question."""
    caches = (get_config, default_client)
    with LocalExchange() as exchange:
        monkeypatch.setenv("KALSHI_BASE_URL", exchange.base_url)
        for cache in caches:
            cache.cache_clear()
        yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def market_ids(db: None) -> dict[str, int]:
    """A DEMO account of $10,000 and the markets of an event, by ticker."""
    ensure_controls(TradingMode.DEMO, NOW)
    LedgerRepository(TradingMode.DEMO).open_account(Decimal(10_000), NOW)
    return store_markets()


@pytest.fixture
def lease(db: None) -> Lease:
    """DEMO's, held by somebody on another host."""
    return take_lease(TradingMode.DEMO, "host-a/1/1.00")
