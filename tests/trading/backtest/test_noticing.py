"""A forecast is seen some minutes after its release, and what is read stays what it was."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.trading.backtest.pasts import DAY, forecast, recording
from tests.trading.backtest.recordings import opens_at
from trading.backtest.noticing import noticed

TEN = timedelta(minutes=10)
RELEASED = opens_at(DAY) + timedelta(hours=3)
RECORDING = recording({}, [forecast(RELEASED, 74)])


def test_until_then_nobody_has_seen_it() -> None:
    seen = noticed(RECORDING, TEN)
    assert seen.forecast_at("CHI", DAY, RELEASED + TEN - timedelta(seconds=1)) is None
    found = seen.forecast_at("CHI", DAY, RELEASED + TEN)
    assert found is not None
    assert (found.issued_at, found.high_f) == (RELEASED, Decimal(74))


def test_without_delay_nothing_changes_and_nothing_is_seen_before_it_is_released() -> None:
    assert noticed(RECORDING, timedelta(0)).forecast_at("CHI", DAY, RELEASED) is not None
    with pytest.raises(ValueError, match="before it is released"):
        noticed(RECORDING, -TEN)
