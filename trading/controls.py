"""The trading switch of each mode, and the record of who turned it and why."""

from datetime import datetime
from typing import Final

from django.db import transaction

from milkbot.core.config import TradingMode
from milkbot.logger import logger
from trading.arming import standing_arming
from trading.domain.types import TradingState
from trading.models import ControlsRow, OperatorActionRow


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

    When this returns from a halt, no order can leave any more: a send under way has ended.
    """
    if not reason.strip():
        raise ValueError("say why: the reason is kept with the action")
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
