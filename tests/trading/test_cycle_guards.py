"""What a cycle may never do: book computed fills as real ones, or keep a secret in a row that stays."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from milkbot.core.config import TradingMode
from milkbot.core.errors import ConfigError
from trading.cycle import Settings, run_cycle
from trading.cycle_report import record_failure
from trading.models import CycleRow


@pytest.mark.parametrize("mode", [TradingMode.DEMO, TradingMode.LIVE])
def test_cycle_in_a_mode_without_a_venue_is_refused_before_anything_is_stored(mode: TradingMode) -> None:
    # No database is at hand in this test: reaching for it would fail it.
    settings = Settings(mode=mode, cities=("CHI",), capital=Decimal(10_000))
    with pytest.raises(ConfigError, match=f"{mode} needs an exchange"):
        run_cycle(datetime(2025, 5, 14, 18, tzinfo=UTC), settings)


@pytest.mark.django_db
def test_failed_cycle_leaves_its_trace_without_secrets() -> None:
    error = OSError("postgresql://bot:hunter2hunter2@db/x refused\x00")
    record_failure(datetime(2025, 5, 14, 18, tzinfo=UTC), TradingMode.SHADOW, error)
    row = CycleRow.objects.get()
    assert not row.ok
    assert row.errors == ["OSError: postgresql://bot:[redacted]@db/x refused"]
