"""Fixtures of the weather tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.weather.nws_stub import NwsStub, serving
from weather.clients.nws.client import NwsClient
from weather.clients.nws.transport import NwsTransport, TransportPolicy

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "data" / "weather"


@pytest.fixture
def recorded_weather() -> Path:
    """The folder of recorded weather data; the test is skipped where it does not exist."""
    if not RECORDED.is_dir():
        pytest.skip("recorded weather data (../shared/data/weather) is not on this machine")
    return RECORDED


@pytest.fixture
def nws() -> Iterator[NwsStub]:
    with serving() as stub:
        yield stub


@pytest.fixture
def waits() -> list[float]:
    """The seconds that retries wanted to wait; nobody sleeps."""
    return []


MakeTransport = Callable[..., NwsTransport]


@pytest.fixture
def make_transport(nws: NwsStub, waits: list[float]) -> Iterator[MakeTransport]:
    made: list[NwsTransport] = []

    def make(**limits: float) -> NwsTransport:
        policy = TransportPolicy(sleep=waits.append, **limits)  # type: ignore[arg-type]
        made.append(NwsTransport(nws.url, "(milkbot tests, nobody@example.org)", policy))
        return made[-1]

    yield make
    for transport in made:
        transport.close()


@pytest.fixture
def client(make_transport: MakeTransport) -> NwsClient:
    return NwsClient(make_transport())
