import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics.status import Status, collect_status
from milkbot.core import clock
from milkbot.core.health import REQUIRED, Component
from milkbot.health import DEGRADED_AFTER, beat
from tests.factories import (
    NOON,
    SHADOW,
    CycleFactory,
    DepositFactory,
    FillFactory,
    OrderFactory,
    PositionFactory,
    SignalFactory,
    make_ladder,
    publish,
)
from trading.domain.types import OrderState, TradingState
from trading.models import ControlsRow

KEYS = {
    "now", "mode", "profile", "world", "trading_state", "last_cycle", "signals", "orders", "fills", "open_positions",
    "equity", "health", "healthy",
}  # fmt: skip
CYCLE_KEYS = {
    "age_s", "duration_ms", "ok", "cities", "markets", "signals", "intents", "fills", "codes", "errors",
}  # fmt: skip


def status_now() -> Status:
    return collect_status(SHADOW, now=clock.now(), wall_now=clock.wall_now())


def all_beat() -> None:
    for component in REQUIRED:
        beat(component)


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and standard output of `manage.py status`."""
    output = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("status", *arguments, stdout=output)
    assert isinstance(stopped.value.code, int)
    return stopped.value.code, output.getvalue()


def test_status_of_an_empty_database_is_unhealthy_and_complete(db: None) -> None:
    status = status_now()

    assert (status.healthy, status.last_cycle, status.equity) == (False, None, None)
    assert status.trading_state is TradingState.HALTED
    assert all(state.degraded and state.age_s is None for state in status.health.values())


def test_status_counts_what_is_stored_for_its_mode(db: None) -> None:
    publish()
    DepositFactory.create()
    cycle = CycleFactory.create(started_at=NOON, realized_pnl=Decimal("1.5"), unrealized_pnl=Decimal("0.5"))
    first, second, *_ = make_ladder()
    FillFactory.create(order__intent__market=first, order__state=OrderState.FILLED)
    OrderFactory.create(intent__market=second, state=OrderState.UNKNOWN)
    PositionFactory.create(market=first)
    SignalFactory.create(market=first)
    wall_now = cycle.finished_wall_at + timedelta(seconds=21)

    status = collect_status(SHADOW, now=NOON, wall_now=wall_now)

    assert status.last_cycle is not None
    assert (status.last_cycle.age_s, status.last_cycle.codes) == (21.0, {"EDGE_BELOW_FLOOR": 6})
    assert (status.signals, status.fills, status.open_positions) == (1, 1, 1)
    assert {state: count for state, count in status.orders.items() if count} == {
        OrderState.FILLED: 1,
        OrderState.UNKNOWN: 1,
    }
    assert status.equity is not None
    assert status.equity.total == Decimal(10_002)
    assert (status.equity.realized, status.equity.unrealized) == (Decimal("1.5"), Decimal("0.5"))
    assert (status.profile, status.world) == ("recorded", "recorded world, May 2025")


@pytest.mark.parametrize("silent", list(REQUIRED))
def test_status_with_one_silent_component_is_unhealthy(db: None, silent: Component) -> None:
    all_beat()
    wall_now = clock.wall_now()
    CycleFactory.create(started_at=wall_now - timedelta(seconds=5))
    assert collect_status(SHADOW, now=wall_now, wall_now=wall_now).healthy

    late = wall_now + DEGRADED_AFTER[silent] + timedelta(seconds=1)
    status = collect_status(SHADOW, now=late, wall_now=late)

    assert not status.healthy
    assert status.health[silent].degraded


def test_status_with_a_failed_last_cycle_is_unhealthy_and_names_the_error(db: None) -> None:
    all_beat()
    CycleFactory.create(started_at=clock.wall_now() - timedelta(seconds=5), ok=False)

    status = status_now()

    assert not status.healthy
    assert status.last_cycle is not None
    assert status.last_cycle.errors == ("CHI: NWS answers 500",)


def test_status_halted_by_a_person_is_told_and_not_a_fault(db: None) -> None:
    all_beat()
    CycleFactory.create(started_at=clock.wall_now() - timedelta(seconds=5))
    ControlsRow.objects.create(mode=SHADOW, state="HALTED", changed_at=NOON)

    status = status_now()

    assert (status.trading_state, status.healthy) == (TradingState.HALTED, True)


def test_status_takes_the_same_number_of_queries_however_much_is_stored(db: None) -> None:
    with CaptureQueriesContext(connection) as empty:
        status_now()
    for market in make_ladder():
        FillFactory.create(order__intent__market=market)
        SignalFactory.create(market=market)
    with CaptureQueriesContext(connection) as full:
        status_now()

    assert len(full) == len(empty) <= 10


def test_status_command_as_json_has_stable_keys_and_says_degraded_by_its_exit_code(db: None) -> None:
    CycleFactory.create(started_at=clock.wall_now())

    code, output = run("--json")

    document = json.loads(output)
    assert code == 1
    assert set(document) == KEYS
    assert set(document["last_cycle"]) == CYCLE_KEYS
    assert set(document["orders"]) == {state.value for state in OrderState}
    assert set(document["health"]) == {component.value for component in REQUIRED}
    assert document["healthy"] is False


def test_status_command_when_all_is_well_exits_0_with_a_readable_table(db: None) -> None:
    publish()
    DepositFactory.create()
    all_beat()
    CycleFactory.create(started_at=clock.wall_now(), realized_pnl=Decimal("-3.25"))
    OrderFactory.create(intent__market=make_ladder()[0], state=OrderState.RESTING)

    code, output = run()

    assert code == 0
    assert "SHADOW  (profile recorded, recorded world, May 2025)" in output
    assert "RESTING 1" in output
    assert "$9,996.75  (cash $9,996.75, realized −$3.25, unrealized +$0.00)" in output
    assert output.rstrip().endswith("healthy")


def test_status_tells_of_an_optional_component_once_it_spoke_and_never_suffers_from_it(db: None) -> None:
    all_beat()
    CycleFactory.create(started_at=clock.wall_now() - timedelta(seconds=5))
    assert Component.KALSHI_STREAM not in status_now().health
    beat(Component.KALSHI_STREAM, ok=False, message="the feed ended")

    status = status_now()

    assert status.health[Component.KALSHI_STREAM].degraded
    assert status.healthy
