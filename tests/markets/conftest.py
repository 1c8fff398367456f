"""A local exchange on loopback, and the recorded data if they lie beside the project."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.transport import Transport
from tests.markets.local_exchange import LocalExchange
from tests.markets.makers import NOW


def _existing(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not among the recorded data")
    return path


@pytest.fixture
def ladders_csv(shared_data: Path) -> Path:
    return _existing(shared_data / "kalshi" / "ladders" / "events.csv")


@pytest.fixture
def recorded_api(shared_data: Path) -> Path:
    return _existing(shared_data / "kalshi" / "api-samples" / "fortuna-demo-2026-06")


@pytest.fixture
def snippets(shared_data: Path) -> Path:
    return _existing(shared_data / "kalshi" / "api-samples" / "snippets")


@pytest.fixture
def golden_vectors(shared_data: Path) -> Path:
    return _existing(shared_data.parent / "reference" / "golden-vectors.json")


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange() as server:
        yield server


@pytest.fixture
def naps() -> list[float]:
    """The pauses the transport asked for, instead of taking them."""
    return []


@pytest.fixture
def client(exchange: LocalExchange, naps: list[float]) -> Iterator[KalshiMarketData]:
    data = KalshiMarketData(Transport(exchange.base_url, sleep=naps.append), now=lambda: NOW)
    yield data
    data.close()
