"""The sample fixtures are there by name, and are what they say."""

from decimal import Decimal

import pytest

from markets.domain.types import MarketSnapshot
from tests import samples
from trading.domain.types import Fill
from weather.domain.types import WeatherSnapshot


@pytest.mark.story("1.1", 2)
def test_samples_arrive_as_fixtures(
    sample_market_snapshot: MarketSnapshot, sample_weather_snapshot: WeatherSnapshot, sample_order_fill: Fill
) -> None:
    assert isinstance(sample_market_snapshot, MarketSnapshot)
    assert isinstance(sample_weather_snapshot, WeatherSnapshot)
    assert isinstance(sample_order_fill, Fill)


@pytest.mark.story("1.1", 3)
def test_samples_tell_one_coherent_moment() -> None:
    market, weather, fill = (
        samples.sample_market_snapshot(),
        samples.sample_weather_snapshot(),
        samples.sample_order_fill(),
    )
    assert market.spread == Decimal("0.02")
    assert weather.high_on(samples.CLIMATE_DAY) == 75
    assert not weather.is_stale(market.captured_at)
    assert weather.observation_usable(market.captured_at)
    assert fill.market_ticker == market.ticker
    assert fill.yes_price == market.yes_ask
    assert fill.filled_at == market.captured_at
