"""What is kept how long. Facts of money are append-only and stay; what only explains is pruned.

Age counts from the time a row was written: a market lives for two days, so its last row is never much younger. Prices
and weather are put aside first (design 5); what cannot be put aside is not pruned.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.db import models
from django.db.models import Q

from markets.models import MarketSnapshotRow
from trading.archive.keeping import Day, put_aside
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


MOST_HELD: Final = 50
"""Days that one statement leaves out; when more could not be put aside, nothing of the table is pruned."""


def prune(now: datetime, archive: Path, *, batch: int = BATCH) -> dict[str, int]:
    """Put aside in the folder `archive` and delete what is past its time; rows deleted by table."""
    deleted = {}
    for model, column, keep in RETENTION:
        table, before = model._meta.db_table, now - keep
        held = put_aside(table, before, archive)
        deleted[table] = 0 if len(held) > MOST_HELD else _prune_table(model, column, before, held, batch)
    return deleted


def _prune_table(
    model: type[models.Model], column: str, before: datetime, held: Collection[Day], batch: int
) -> int:
    deleted = 0
    rows = model._default_manager.filter(**{f"{column}__lt": before})
    for code, day in held:
        on = "market__event_date" if model is MarketSnapshotRow else f"{column}__date"
        rows = rows.exclude(Q(city_code=code) & Q(**{on: day}))
    while keys := list(rows.values_list("pk", flat=True)[:batch]):
        deleted += model._default_manager.filter(pk__in=keys).delete()[0]
    return deleted
