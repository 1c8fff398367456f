"""Turns tripped breakers into locks and halts that outlive a restart, and ends those whose cause is gone."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from milkbot.core.climate_day import climate_day, climate_day_bounds
from milkbot.core.config import TradingMode
from milkbot.core.money import ZERO
from milkbot.logger import logger
from trading.controls import get_trading_state, set_trading_state
from trading.domain.breakers import CLEAN_CYCLES, REJECT_WINDOW, RULES, Breaker, Trip
from trading.domain.types import OrderState, RiskEvent, Severity, TradingState
from trading.models import CycleRow, LockRow, OperatorActionRow, OrderEventRow
from trading.repositories.accounts import Valuation
from trading.repositories.risk_events import record_risk_event

EXCHANGE_DAY_OFFSET_HOURS: Final = -5
"""A day for the loss limit begins at New York's midnight, by its standard time. What is held or rests then goes on: the
positions enter the new day at what they were valued at before it."""
SYSTEM: Final = "breaker"
_CITY_CODE: Final = 3


@transaction.atomic
def apply_trips(mode: TradingMode, tripped: Collection[Trip], now: datetime) -> None:
    """Lock what `tripped` names, halt where its rule says so, and end self-clearing locks gone for three cycles.

    Called once a cycle, before deciding. Idempotent within a cycle but for the count of clean cycles.
    """
    for each in tripped:
        trip(mode, each, now)
    named = {(each.breaker.value, each.scope) for each in tripped}
    for lock in _active_locks(mode).filter(needs_person=False):
        if (lock.code, lock.scope) not in named:
            _count_clean(lock, now)


@transaction.atomic
def trip(mode: TradingMode, tripped: Trip, now: datetime) -> None:
    """Trip one breaker at once, in the midst of a cycle."""
    stands = _active_locks(mode).filter(code=tripped.breaker.value, scope=tripped.scope)
    if not stands.update(clear_count=0, message=tripped.message):
        _lock(mode, tripped, now)
    if RULES[tripped.breaker].halts:
        _halt(mode, tripped, now)


@transaction.atomic
def clear_locks(
    mode: TradingMode, *, actor: str, user_id: int | None, reason: str, now: datetime, code: str | None = None
) -> int:
    """A person ends the locks that wait for one, all or those of one `code`; returns how many.

    Raises ValueError without a reason.
    """
    if not reason.strip():
        raise ValueError("say why: the reason is kept with the action")
    waiting = _active_locks(mode).filter(needs_person=True)
    locks = list(waiting.filter(code=code) if code else waiting)
    LockRow.objects.filter(pk__in=[lock.pk for lock in locks]).update(cleared_at=now, cleared_by=actor)
    if locks:
        OperatorActionRow.objects.create(
            at=now,
            actor=actor,
            user_id=user_id,
            action="clear_locks",
            mode=mode,
            reason=reason,
            before={"locks": [f"{lock.code} {lock.scope}" for lock in locks]},
        )
    return len(locks)


def count_rejects(mode: TradingMode, now: datetime) -> int:
    """Orders rejected within the window and since a person last reset the breaker."""
    since = max(now - REJECT_WINDOW, _last_reset(mode, Breaker.REJECT_RATE) or now - REJECT_WINDOW)
    return OrderEventRow.objects.filter(
        order__mode=mode, to_state=OrderState.REJECTED.value, at__gt=since, at__lte=now
    ).count()


def daily_pnl(mode: TradingMode, valuation: Valuation, now: datetime) -> Decimal:
    """Dollars gained, realized and unrealized, since the day began or a person reset the daily-loss breaker."""
    begins, _ = climate_day_bounds(climate_day(now, EXCHANGE_DAY_OFFSET_HOURS), EXCHANGE_DAY_OFFSET_HOURS)
    since = max(begins, _last_reset(mode, Breaker.DAILY_LOSS) or begins)
    # Backwards by key: at most a day's cycles are passed on the way.
    row = (
        CycleRow.objects.filter(mode=mode, cash__isnull=False, started_at__lte=since)
        .order_by("-pk")
        .values_list("realized_pnl", "unrealized_pnl")
        .first()
    )
    before = sum((value for value in row or () if value is not None), ZERO)
    return valuation.realized_pnl + valuation.unrealized_pnl - before


def _active_locks(mode: TradingMode) -> QuerySet[LockRow]:
    return LockRow.objects.filter(mode=mode, cleared_at__isnull=True)


def _last_reset(mode: TradingMode, breaker: Breaker) -> datetime | None:
    """When a person last cleared this breaker's lock."""
    cleared = LockRow.objects.filter(mode=mode, code=breaker.value, cleared_at__isnull=False)
    return cleared.order_by("-cleared_at").values_list("cleared_at", flat=True).first()


def _lock(mode: TradingMode, tripped: Trip, now: datetime) -> None:
    rule = RULES[tripped.breaker]
    LockRow.objects.create(
        mode=mode,
        scope=tripped.scope,
        code=tripped.breaker.value,
        message=tripped.message,
        needs_person=rule.needs_person,
        from_own_trading=rule.from_own_trading,
        locked_at=now,
    )
    record_risk_event(
        RiskEvent(
            at=now,
            severity=Severity.CRITICAL if rule.needs_person else Severity.WARNING,
            event_type=tripped.breaker.value,
            mode=mode,
            city_code=tripped.scope if len(tripped.scope) == _CITY_CODE else None,
            message=tripped.message,
        )
    )
    logger.warning(
        "breaker tripped",
        extra={"code": tripped.breaker.value, "scope": tripped.scope, "why": tripped.message},
    )


def _halt(mode: TradingMode, tripped: Trip, now: datetime) -> None:
    if get_trading_state(mode) is not TradingState.HALTED:
        set_trading_state(
            mode=mode,
            state=TradingState.HALTED,
            actor=SYSTEM,
            user_id=None,
            reason=f"{tripped.breaker}: {tripped.message}",
            now=now,
        )


def _count_clean(lock: LockRow, now: datetime) -> None:
    clean = lock.clear_count + 1
    ends = {"cleared_at": now, "cleared_by": SYSTEM} if clean >= CLEAN_CYCLES else {}
    LockRow.objects.filter(pk=lock.pk).update(clear_count=clean, **ends)
    if ends:
        logger.info("breaker's cause is gone", extra={"code": lock.code, "scope": lock.scope})
