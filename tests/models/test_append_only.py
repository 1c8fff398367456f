"""History is added to, never rewritten: UPDATE and DELETE are refused by the database itself."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Model

from tests.factories import store
from tests.models.tables import our_models
from trading.models import (
    CycleRow,
    EnsembleWeightsRow,
    FillRow,
    IntentRow,
    LedgerRow,
    OperatorActionRow,
    OrderEventRow,
    RiskEventRow,
    SettlementRow,
    StrategyGateRow,
)
from weather.models import CalibrationRow, ClimateReportRow, ForecastRow, RegimeRow, SourceForecastRow

pytestmark = pytest.mark.django_db

HISTORY: list[type[Model]] = [
    ForecastRow,
    CalibrationRow,
    RegimeRow,
    SourceForecastRow,
    ClimateReportRow,
    CycleRow,
    EnsembleWeightsRow,
    StrategyGateRow,
    OperatorActionRow,
    IntentRow,
    OrderEventRow,
    FillRow,
    SettlementRow,
    LedgerRow,
    RiskEventRow,
]


def _triggers() -> dict[str, set[str]]:
    """Events each table's `refuse_change` triggers fire on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event_object_table, event_manipulation FROM information_schema.triggers"
            " WHERE action_statement LIKE '%%refuse_change%%' AND event_object_schema = 'ops'"
        )
        found: dict[str, set[str]] = {}
        for table, event in cursor.fetchall():
            found.setdefault(table, set()).add(event)
    return found


def test_history_tables_are_exactly_those_the_database_guards() -> None:
    assert set(_triggers()) == {model._meta.db_table for model in HISTORY}
    assert all(events == {"UPDATE", "DELETE"} for events in _triggers().values())


def test_history_tables_say_so() -> None:
    said = {model for model in our_models() if "append-only" in (model.__doc__ or "").lower()}
    assert said == set(HISTORY)


def test_history_tables_also_guard_against_truncate() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%%\\_no\\_truncate' AND NOT tgisinternal"
        )
        guarded = {name.removeprefix("ops.") for (name,) in cursor.fetchall()}
    assert guarded == {model._meta.db_table for model in HISTORY}


@pytest.mark.parametrize("model", HISTORY, ids=lambda model: model.__name__)
def test_update_of_history_is_refused(model: type[Model]) -> None:
    row = store(model)
    column = (
        "at" if hasattr(row, "at") else next(f.name for f in model._meta.fields if f.name.endswith("_at"))
    )
    with pytest.raises(DatabaseError, match="append-only: UPDATE refused"), transaction.atomic():
        model._default_manager.filter(pk=row.pk).update(**{column: getattr(row, column)})


@pytest.mark.parametrize("model", HISTORY, ids=lambda model: model.__name__)
def test_delete_of_history_is_refused(model: type[Model]) -> None:
    row = store(model)
    with pytest.raises(DatabaseError, match="append-only: DELETE refused"), transaction.atomic():
        model._default_manager.filter(pk=row.pk)._raw_delete("default")
    assert model._default_manager.filter(pk=row.pk).exists()
