"""What is kept how long. Facts of money are append-only and stay; what only explains is pruned.

Age counts from the time a row was written: a market lives for two days, so its last row is never much younger.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import models

from markets.models import MarketSnapshotRow
from trading.models import DecisionRow, ReconciliationRow, SignalRow
from weather.models import ObservationRow, WeatherSnapshotRow

RETENTION: Final[tuple[tuple[type[models.Model], str, timedelta], ...]] = (
    (MarketSnapshotRow, "captured_at", timedelta(days=90)),
    (SignalRow, "made_at", timedelta(days=90)),
    (DecisionRow, "decided_at", timedelta(days=90)),
    (ReconciliationRow, "at", timedelta(days=90)),
    (WeatherSnapshotRow, "captured_at", timedelta(days=90)),
    (ObservationRow, "observed_at", timedelta(days=400)),
)
BATCH: Final = 10_000
"""Rows deleted in one statement: short locks, and a stop in between loses nothing."""


def prune(now: datetime, *, batch: int = BATCH) -> dict[str, int]:
    """Delete what is past its time; rows deleted by table."""
    return {
        model._meta.db_table: _prune_table(model, column, now - keep, batch)
        for model, column, keep in RETENTION
    }


def _prune_table(model: type[models.Model], column: str, before: datetime, batch: int) -> int:
    deleted = 0
    rows = model._default_manager.filter(**{f"{column}__lt": before})
    while keys := list(rows.values_list("pk", flat=True)[:batch]):
        deleted += model._default_manager.filter(pk__in=keys).delete()[0]
    return deleted
