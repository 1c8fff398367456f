"""What a person does to a running bot beyond turning its switch. The console and the commands both call these."""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from milkbot.core.config import TradingMode
from milkbot.core.errors import MilkbotError
from trading.breakers import clear_locks
from trading.controls import set_trading_state
from trading.domain.types import TradingState
from trading.models import LockRow


class LocksStand(MilkbotError):
    """Breakers still wait for a person; nothing was changed."""


class Resumed(NamedTuple):
    """The switch before, and how many locks were cleared with it."""

    before: TradingState
    cleared: int


def waiting_locks(mode: TradingMode) -> tuple[LockRow, ...]:
    """Locks that stand until a person clears them, oldest first."""
    rows = LockRow.objects.filter(mode=mode, cleared_at__isnull=True, needs_person=True)
    return tuple(rows.order_by("locked_at", "pk"))


@transaction.atomic
def resume(
    mode: TradingMode, *, actor: str, user_id: int | None, reason: str, now: datetime, clear: bool = False
) -> Resumed:
    """Turn the switch to ACTIVE; with `clear` end the locks that wait for a person, too. Both are recorded.

    Raises LocksStand, having changed nothing, while such a lock stands and `clear` was not asked for; ValueError without
    a reason.
    """
    standing = waiting_locks(mode)
    if standing and not clear:
        named = "; ".join(f"{lock.code} on {lock.scope}: {lock.message}" for lock in standing)
        raise LocksStand(f"{len(standing)} locks wait for a person. {named}")
    cleared = clear_locks(mode, actor=actor, user_id=user_id, reason=reason, now=now) if standing else 0
    before = set_trading_state(
        mode=mode, state=TradingState.ACTIVE, actor=actor, user_id=user_id, reason=reason, now=now
    )
    return Resumed(before, cleared)
