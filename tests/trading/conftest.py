"""Fixtures of the trading tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from markets.services import default_client
from milkbot.core.config import get_config
from tests.markets.local_exchange import LocalExchange


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
