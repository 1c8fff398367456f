"""The trading switch of each mode and the gate of each strategy, and the record of who turned them and why."""

from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from milkbot.core.config import TradingMode
from milkbot.logger import logger
from trading.arming import standing_arming
from trading.domain.strategy_gate import (
    ADMITTED_FOR,
    OVERRIDE_FOR,
    GateCode,
    GateEvidence,
    Shortfall,
    StrategyGate,
    judge,
)
from trading.domain.types import TradingState
from trading.models import ControlsRow, OperatorActionRow, StrategyGateRow
from trading.repositories.strategy_gates import read_gate, to_gate

SENDS_END_WITHIN_S: Final = 25
"""A send ends within four seconds, whatever names, addresses and answers do. The session of a worker that was paused in
its midst is ended after 15: what it may still write then is told by `trading.under_way`."""


def ensure_controls(mode: TradingMode, now: datetime) -> None:
    """Make the mode's switch if it is missing, and publish this mode: it is the one the process trades in."""
    with transaction.atomic():
        ControlsRow.objects.exclude(mode=mode).filter(is_published=True).update(is_published=False)
        row, _ = ControlsRow.objects.get_or_create(
            mode=mode, defaults={"changed_at": now, "is_published": True}
        )
        if not row.is_published:
            ControlsRow.objects.filter(mode=mode).update(is_published=True)


def get_trading_state(mode: TradingMode) -> TradingState:
    """The switch as it stands; HALTED when it was never set: no row, no trading."""
    state = ControlsRow.objects.filter(mode=mode).values_list("state", flat=True).first()
    return TradingState(state) if state else TradingState.HALTED


def get_effective_state(mode: TradingMode) -> TradingState:
    """What the switch comes to: HALTED, too, while LIVE is not armed."""
    if mode is TradingMode.LIVE and standing_arming() is None:
        return TradingState.HALTED
    return get_trading_state(mode)


_HOLD: Final = "SELECT mode, state FROM controls WHERE mode = %s FOR SHARE"
_HOLD_ARMED: Final = """
SELECT controls.mode, controls.state
FROM controls JOIN live_armings ON disarmed_at IS NULL AND expires_at > clock_timestamp()
WHERE controls.mode = %s
FOR SHARE
"""


def hold_switch(mode: TradingMode) -> TradingState:
    """What the switch comes to, locked FOR SHARE until the transaction ends; in LIVE the arming is locked with it.

    A halt and a disarming wait for a send under way, never the reverse.
    """
    statement = _HOLD_ARMED if mode is TradingMode.LIVE else _HOLD
    row = next(iter(ControlsRow.objects.raw(statement, [mode.value])), None)
    return TradingState(row.state) if row else TradingState.HALTED


@transaction.atomic
def set_trading_state(
    *, mode: TradingMode, state: TradingState, actor: str, user_id: int | None, reason: str, now: datetime
) -> TradingState:
    """Turn the switch and record it in one transaction; returns the state before. Raises ValueError without a reason.

    When this returns from a halt, no send can begin any more, and one under way has ended or lost its session. It waits
    for that for at most SENDS_END_WITHIN_S, and raises OperationalError when it was in vain. What may still be taken of
    a trader that stands still says `trading.under_way.sends_under_way`.
    """
    if not reason.strip():
        raise ValueError("say why: the reason is kept with the action")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{SENDS_END_WITHIN_S}s"])
    row, _ = ControlsRow.objects.select_for_update().get_or_create(mode=mode, defaults={"changed_at": now})
    before = TradingState(row.state)
    ControlsRow.objects.filter(mode=mode).update(state=state, reason=reason, changed_by=actor, changed_at=now)
    OperatorActionRow.objects.create(
        at=now,
        actor=actor,
        user_id=user_id,
        action="set_trading_state",
        mode=mode,
        reason=reason,
        before={"state": before.value},
        after={"state": state.value},
    )
    logger.warning("trading switch turned", extra={"mode": mode.value, "state": state.value, "by": actor})
    return before


GATED: Final = TradingMode.LIVE
"""The mode that strategies are admitted to; in the others all may trade."""
TASK: Final = "task"
NO_EVIDENCE: Final = Shortfall(GateCode.GATE_NO_EVIDENCE, "nothing it said was ever scored")
_TAKEN_BACK: Final = Shortfall(GateCode.GATE_WITHDRAWN, "a person withdrew it; only a person releases it")


@transaction.atomic
def decide_gate(evidence: GateEvidence, *, now: datetime, actor: str = TASK) -> StrategyGate:
    """Judge a strategy by its evidence and record the verdict; returns how it stands then.

    What a person withdrew stays shut. What a person let through without evidence stays open for its time unless the
    evidence admits it by now.
    """
    before = _hold_gate(evidence.strategy)
    shortfalls = judge(evidence, now)
    if before is not None and before.withdrawn:
        shortfalls = (*shortfalls, _TAKEN_BACK)
    elif before is not None and shortfalls and _is_standing_override(before, now):
        return before
    return _record_gate(
        evidence.strategy,
        before,
        admitted=not shortfalls,
        withdrawn=before is not None and before.withdrawn,
        shortfalls=shortfalls,
        evidence=evidence,
        decided_at=now,
        decided_by=actor,
        expires_at=None if shortfalls else now + ADMITTED_FOR,
    )


@transaction.atomic
def withdraw_gate(
    strategy: str, *, actor: str, user_id: int | None, reason: str, now: datetime
) -> StrategyGate:
    """Shut the gate until a person releases it. Raises ValueError without a reason.

    When this returns no send of an order that rests on this strategy alone can begin in LIVE; one under way has ended
    or lost its session (`trading.under_way`).
    """
    before = _hold_gate(strategy)
    _record_action("withdraw_gate", strategy, actor, user_id, reason, now)
    return _record_gate(
        strategy,
        before,
        admitted=False,
        withdrawn=True,
        shortfalls=(_TAKEN_BACK,),
        evidence=before.evidence if before else None,
        note=reason,
        decided_at=now,
        decided_by=actor,
    )


@transaction.atomic
def release_gate(
    strategy: str, *, actor: str, user_id: int | None, reason: str, now: datetime
) -> StrategyGate:
    """End a withdrawal: the evidence it stands on is judged anew. Raises ValueError without one, or without a reason."""
    before = _hold_gate(strategy)
    if before is None or not before.withdrawn:
        raise ValueError(f"{strategy} is not withdrawn")
    _record_action("release_gate", strategy, actor, user_id, reason, now)
    shortfalls = judge(before.evidence, now) if before.evidence else (NO_EVIDENCE,)
    return _record_gate(
        strategy,
        before,
        admitted=not shortfalls,
        withdrawn=False,
        shortfalls=shortfalls,
        evidence=before.evidence,
        note=reason,
        decided_at=now,
        decided_by=actor,
        expires_at=None if shortfalls else now + ADMITTED_FOR,
    )


@transaction.atomic
def override_gate(
    strategy: str, *, actor: str, user_id: int | None, reason: str, now: datetime
) -> StrategyGate:
    """Let a strategy through for OVERRIDE_FOR although its evidence falls short; the shortfalls stay on record.

    Raises ValueError without a reason, and for what a person withdrew: that is released first.
    """
    before = _hold_gate(strategy)
    if before is not None and before.withdrawn:
        raise ValueError(f"{strategy} is withdrawn; release it first")
    _record_action("override_gate", strategy, actor, user_id, reason, now)
    evidence = before.evidence if before else None
    missing = judge(evidence, now) if evidence else (NO_EVIDENCE,)
    logger.warning("gate overridden", extra={"strategy": strategy, "by": actor, "reason": reason})
    return _record_gate(
        strategy,
        before,
        admitted=True,
        is_override=True,
        shortfalls=(*missing, Shortfall(GateCode.GATE_OVERRIDE, f"let through by {actor}")),
        evidence=evidence,
        note=reason,
        decided_at=now,
        decided_by=actor,
        expires_at=now + OVERRIDE_FOR,
    )


def _hold_gate(strategy: str) -> StrategyGate | None:
    """The newest decision. Decisions wait for one another, and for a send under way, at the mode's switch."""
    list(ControlsRow.objects.select_for_update().filter(mode=GATED))
    return read_gate(GATED, strategy)


def _is_standing_override(gate: StrategyGate, now: datetime) -> bool:
    return gate.is_override and gate.expires_at is not None and gate.expires_at > now


def _record_gate(
    strategy: str,
    before: StrategyGate | None,
    *,
    shortfalls: tuple[Shortfall, ...],
    evidence: GateEvidence | None,
    **columns: Any,
) -> StrategyGate:
    row = StrategyGateRow.objects.create(
        mode=GATED,
        strategy=strategy,
        version=before.version + 1 if before else 1,
        shortfalls=[(shortfall.code.value, shortfall.detail) for shortfall in shortfalls],
        evidence=evidence.model_dump(mode="json") if evidence else None,
        **columns,
    )
    if before is None or before.admitted is not row.admitted:
        logger.warning("gate turned", extra={"strategy": strategy, "admitted": row.admitted})
    return to_gate(row)


def _record_action(
    action: str, strategy: str, actor: str, user_id: int | None, reason: str, now: datetime
) -> None:
    if not reason.strip():
        raise ValueError("say why: the reason is kept with the action")
    OperatorActionRow.objects.create(
        at=now,
        actor=actor,
        user_id=user_id,
        action=action,
        mode=GATED,
        reason=reason,
        after={"strategy": strategy},
    )
