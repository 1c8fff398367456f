"""The state of the whole bot in one value: for `manage.py status` and the console."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db.models import Count
from pydantic import AwareDatetime, BaseModel, ConfigDict

from milkbot.core.config import TradingMode
from milkbot.core.health import OPTIONAL, REQUIRED, Component
from milkbot.health import DEGRADED_AFTER, is_degraded, read_all
from milkbot.models import InstallationRow
from trading.controls import get_trading_state
from trading.domain.types import OrderState, TradingState
from trading.models import CycleRow, FillRow, LedgerRow, OrderRow, PositionRow, SignalRow


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class LastCycle(_Frozen):
    """The newest turn of the fast loop. `age_s` is wall seconds since it ended."""

    age_s: float
    duration_ms: int
    ok: bool
    cities: int
    markets: int
    signals: int
    intents: int
    fills: int
    codes: Mapping[str, int]
    errors: tuple[str, ...]


class Equity(_Frozen):
    """The account at the last rolled-up cycle, dollars."""

    at: AwareDatetime
    cash: Decimal
    total: Decimal
    realized: Decimal
    unrealized: Decimal


class ComponentState(_Frozen):
    """A component's last sign of life. `age_s` is wall seconds since its last success; None if it never had one."""

    ok: bool
    degraded: bool
    age_s: float | None
    message: str


class Status(_Frozen):
    """Keys are stable: other programs read them. `now` is the application's time, ages are wall time."""

    now: AwareDatetime
    mode: TradingMode
    profile: str
    world: str
    trading_state: TradingState
    last_cycle: LastCycle | None
    signals: int
    orders: Mapping[OrderState, int]
    fills: int
    open_positions: int
    equity: Equity | None
    health: Mapping[Component, ComponentState]
    healthy: bool


def collect_status(mode: TradingMode, *, now: datetime, wall_now: datetime) -> Status:
    """Everything a person asks first about `mode`, in a constant number of queries."""
    installation = InstallationRow.objects.first()
    last_cycle = _last_cycle(mode, wall_now)
    health = _health(wall_now)
    return Status(
        now=now,
        mode=mode,
        profile=installation.profile if installation else "",
        world=installation.world if installation else "",
        trading_state=get_trading_state(mode),
        last_cycle=last_cycle,
        signals=SignalRow.objects.filter(mode=mode).count(),
        orders=_orders(mode),
        fills=FillRow.objects.filter(mode=mode).count(),
        open_positions=PositionRow.objects.filter(mode=mode, is_open=True).count(),
        equity=_equity(mode),
        health=health,
        healthy=_cycle_is_healthy(last_cycle) and not any(health[part].degraded for part in REQUIRED),
    )


def _last_cycle(mode: TradingMode, wall_now: datetime) -> LastCycle | None:
    row = CycleRow.objects.filter(mode=mode).order_by("-finished_wall_at").first()
    if row is None:
        return None
    return LastCycle(
        age_s=_seconds_between(row.finished_wall_at, wall_now),
        duration_ms=row.duration_ms,
        ok=row.ok,
        cities=row.cities,
        markets=row.markets,
        signals=row.signals,
        intents=row.intents,
        fills=row.fills,
        codes=row.codes,
        errors=tuple(row.errors),
    )


def _cycle_is_healthy(cycle: LastCycle | None) -> bool:
    limit_s = DEGRADED_AFTER[Component.TRADER].total_seconds()
    return cycle is not None and cycle.ok and cycle.age_s <= limit_s


def _orders(mode: TradingMode) -> dict[OrderState, int]:
    counted = OrderRow.objects.filter(mode=mode).values_list("state").annotate(Count("id"))
    counts = {OrderState(state): count for state, count in counted}
    return {state: counts.get(state, 0) for state in OrderState}


def _equity(mode: TradingMode) -> Equity | None:
    """The account as the last good cycle left it: as fresh as the orders and fills beside it, unlike the rollup."""
    row = CycleRow.objects.filter(mode=mode, cash__isnull=False).order_by("-finished_wall_at").first()
    deposit = LedgerRow.objects.filter(mode=mode, kind=LedgerRow.Kind.DEPOSIT).first()
    if row is None or deposit is None:
        return None
    # The three columns are null together or not at all (constraint cycle_account_paired).
    assert row.cash is not None
    assert row.realized_pnl is not None
    assert row.unrealized_pnl is not None
    return Equity(
        at=row.started_at,
        cash=row.cash,
        total=deposit.amount + row.realized_pnl + row.unrealized_pnl,
        realized=row.realized_pnl,
        unrealized=row.unrealized_pnl,
    )


def _health(wall_now: datetime) -> dict[Component, ComponentState]:
    """Every required component, and the optional ones that ever spoke."""
    known = read_all()
    states = {}
    for component in (*REQUIRED, *sorted(OPTIONAL & known.keys())):
        status = known.get(component)
        last_ok_at = status.last_ok_at if status else None
        states[component] = ComponentState(
            ok=status.ok if status else False,
            degraded=is_degraded(status, component, wall_now),
            age_s=_seconds_between(last_ok_at, wall_now) if last_ok_at else None,
            message=status.message if status else "never heard of",
        )
    return states


def _seconds_between(earlier: datetime, later: datetime) -> float:
    return round(max((later - earlier).total_seconds(), 0.0), 1)
