"""Computed fills may never be booked under the name of real ones."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from milkbot.core.config import TradingMode
from milkbot.core.errors import ConfigError
from trading.cycle import Settings, run_cycle


@pytest.mark.parametrize("mode", [TradingMode.DEMO, TradingMode.LIVE])
def test_cycle_in_a_mode_without_a_venue_is_refused_before_anything_is_stored(mode: TradingMode) -> None:
    # No database is at hand in this test: reaching for it would fail it.
    settings = Settings(mode=mode, cities=("CHI",), capital=Decimal(10_000))
    with pytest.raises(ConfigError, match=f"{mode} has no venue"):
        run_cycle(datetime(2025, 5, 14, 18, tzinfo=UTC), settings)
