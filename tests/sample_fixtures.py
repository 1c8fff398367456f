"""pytest plugin: the samples as fixtures, under their own names."""

import pytest

from markets.domain.types import MarketSnapshot
from tests import samples
from trading.domain.types import Fill
from weather.domain.types import WeatherSnapshot


@pytest.fixture
def sample_market_snapshot() -> MarketSnapshot:
    return samples.sample_market_snapshot()


@pytest.fixture
def sample_weather_snapshot() -> WeatherSnapshot:
    return samples.sample_weather_snapshot()


@pytest.fixture
def sample_order_fill() -> Fill:
    return samples.sample_order_fill()
