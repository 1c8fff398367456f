"""A trade from opinion to position, in rows; then what risk and health leave behind."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, models

from markets.models import MarketRow
from milkbot import health
from milkbot.core.health import Component, HealthStatus
from milkbot.models import HealthStatusRow
from tests.factories import EARLIER, LATER, NOON, store
from trading.domain.types import OrderState, Severity
from trading.models import FillRow, IntentRow, OrderEventRow, OrderRow, PositionRow, RiskEventRow, SignalRow

pytestmark = pytest.mark.django_db


@pytest.mark.story("2.4", 5)
def test_trade_is_stored_from_signal_to_position() -> None:
    market = store(MarketRow)
    signal = store(SignalRow, market=market)
    intent = store(IntentRow, market=market, p_yes=signal.p_yes)
    order = store(OrderRow, intent=intent, market=market)
    for version, state in enumerate(("SUBMITTED", "FILLED"), start=1):
        store(OrderEventRow, order=order, version=version, to_state=state)
        OrderRow.objects.filter(pk=order.pk, version=version - 1).update(state=state, version=version)
    fill = store(FillRow, order=order, market=market)
    OrderRow.objects.filter(pk=order.pk).update(filled_count=fill.count)
    store(PositionRow, market=market, count=fill.count, cost=fill.count * fill.yes_price)

    position = PositionRow.objects.get(market=market, is_open=True)
    told = FillRow.objects.select_related("order__intent").get(market_id=position.market_id)
    assert told.order is not None
    assert told.order.intent.intent_key == intent.intent_key
    assert told.order.state == OrderState.FILLED
    assert [event.to_state for event in told.order.events.order_by("version")] == ["SUBMITTED", "FILLED"]
    assert position.cost == Decimal("4.30")
    assert SignalRow.objects.get(market=market).decision == "BUY"


@pytest.mark.story("2.4", 4)
def test_position_is_open_while_held_and_closed_when_nothing_is_left() -> None:
    position = store(PositionRow)
    assert list(PositionRow.objects.filter(is_open=True)) == [position]
    PositionRow.objects.filter(pk=position.pk).update(
        count=0, cost=0, is_open=False, realized_pnl=Decimal("5.70"), settled_at=LATER
    )
    assert not PositionRow.objects.filter(is_open=True).exists()
    assert PositionRow.objects.get().settled_at == LATER


@pytest.mark.story("2.4", 1)
def test_status_columns_know_every_state() -> None:
    for state in OrderState:
        assert store(OrderRow, state=state.value).state == state.value


@pytest.mark.story("2.5", 1)
@pytest.mark.story("2.5", 4)
def test_recent_risk_events_are_found_by_time_and_severity() -> None:
    store(RiskEventRow, at=NOON - timedelta(days=2), severity="CRITICAL", event_type="old")
    store(RiskEventRow, at=EARLIER, severity="INFO", event_type="note")
    newest = store(
        RiskEventRow, at=NOON, severity="CRITICAL", event_type="drift", payload={"market": "X", "by": [1, 2]}
    )
    since = RiskEventRow.objects.filter(at__gte=NOON - timedelta(hours=1)).order_by("-at")
    assert [event.event_type for event in since] == ["drift", "note"]
    assert since.filter(severity=Severity.CRITICAL).get().payload == {"market": "X", "by": [1, 2]}
    assert RiskEventRow.objects.get(payload__market="X") == newest


@pytest.mark.story("2.5", 2)
@pytest.mark.story("2.5", 4)
def test_health_keeps_the_last_success_when_a_loop_fails() -> None:
    well = health.beat(Component.NWS_API, message="10 cities")
    assert well.ok
    failed = health.beat(Component.NWS_API, ok=False, message="NWS answers 500")
    assert not failed.ok
    assert failed.last_ok_at == well.last_ok_at
    assert failed.checked_at >= well.checked_at
    assert health.read_all() == {Component.NWS_API: failed}
    assert HealthStatusRow.objects.count() == 1


def test_health_message_is_fit_to_be_shown() -> None:
    said = health.beat(Component.DATABASE, ok=False, message="postgresql://u:hunter2@h\x00" + "x" * 1000)
    assert "hunter2" not in said.message
    assert "\x00" not in said.message
    assert len(said.message) == 500


def test_unknown_component_in_the_table_is_passed_over() -> None:
    store(HealthStatusRow, component="toaster")
    assert health.read_all() == {}


@pytest.mark.parametrize("component", list(Component))
def test_component_is_degraded_after_its_term_of_silence(component: Component) -> None:
    term = health.DEGRADED_AFTER[component]
    status = HealthStatus(component=component, last_ok_at=NOON, checked_at=NOON, ok=True)
    assert not health.is_degraded(status, component, NOON + term)
    assert health.is_degraded(status, component, NOON + term + timedelta(microseconds=1))


def test_component_that_failed_or_was_never_heard_of_is_degraded() -> None:
    never = HealthStatus(component=Component.TRADER, last_ok_at=None, checked_at=NOON, ok=True)
    failed = HealthStatus(component=Component.TRADER, last_ok_at=NOON, checked_at=NOON, ok=False)
    assert health.is_degraded(None, Component.TRADER, NOON)
    assert health.is_degraded(never, Component.TRADER, NOON)
    assert health.is_degraded(failed, Component.TRADER, NOON)


@pytest.mark.story("2.5", 3)
@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("risk_events", "(at DESC)"),
        ("risk_events", "(severity, at DESC)"),
        ("health_status", "(component, last_ok_at DESC)"),
    ],
)
def test_risk_and_health_are_indexed_by_what_people_ask(table: str, columns: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE schemaname = 'ops' AND tablename = %s", [table])
        assert any(definition.endswith(columns) for (definition,) in cursor.fetchall())


@pytest.mark.story("2.5", 2)
def test_health_table_has_component_last_success_and_message() -> None:
    kinds = {
        name: type(HealthStatusRow._meta.get_field(name)) for name in ("component", "last_ok_at", "message")
    }
    assert kinds == {
        "component": models.CharField,
        "last_ok_at": models.DateTimeField,
        "message": models.TextField,
    }
