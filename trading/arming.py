"""Permission to trade real money: given by a person, for a stated time, and taken back at once.

LIVE trades only while an arming stands, whatever the switch says. Time is the database's own clock, as for the lease:
no other clock can make an arming last longer.
"""

from datetime import datetime, timedelta
from typing import Final

from django.contrib.postgres.functions import TransactionNow
from django.db import transaction
from django.db.models import QuerySet

from milkbot.core.config import TradingMode
from milkbot.logger import logger
from trading.domain.strategy_gate import StrategyGate
from trading.models import LiveArmingRow, OperatorActionRow
from trading.repositories.strategy_gates import admitted_strategies, read_gates

LONGEST: Final = timedelta(hours=12)
"""A waking day: who wants to go on trading says so again."""


def standing_arming() -> LiveArmingRow | None:
    """The arming that stands now, the one that lasts longest; None when LIVE may not trade."""
    return _standing().order_by("-expires_at").first()


@transaction.atomic
def arm_live(duration: timedelta, *, actor: str, user_id: int | None, reason: str) -> datetime:
    """Let LIVE trade from now on for `duration`; returns until when.

    Raises ValueError without a reason, for a duration that is not positive or longer than LONGEST, and while no strategy
    has passed its gate: nothing could be sent.
    """
    _require(reason)
    if not timedelta(0) < duration <= LONGEST:
        raise ValueError(f"LIVE can be armed for at most {LONGEST // timedelta(hours=1)} hours at a time")
    if not admitted_strategies(TradingMode.LIVE):
        raise ValueError(f"no strategy has passed its gate to LIVE. {_what_is_missing()}")
    row = LiveArmingRow.objects.create(
        armed_at=TransactionNow(),
        armed_by=actor,
        reason=reason,
        expires_at=TransactionNow() + duration,
    )
    row.refresh_from_db()
    _record("arm_live", actor, user_id, reason, after={"expires_at": row.expires_at.isoformat()})
    logger.warning("LIVE armed", extra={"by": actor, "until": row.expires_at.isoformat()})
    return row.expires_at


@transaction.atomic
def disarm_live(*, actor: str, user_id: int | None, reason: str) -> int:
    """Take every standing arming back; returns how many. Raises ValueError without a reason.

    When this returns no send can begin in LIVE any more: it waits for one under way, which holds the arming. What may
    still be taken of a trader that stands still says `trading.under_way.sends_under_way`.
    """
    _require(reason)
    taken_back = _standing().update(disarmed_at=TransactionNow(), disarmed_by=actor)
    _record("disarm_live", actor, user_id, reason, before={"armings": taken_back})
    logger.warning("LIVE disarmed", extra={"by": actor, "armings": taken_back})
    return taken_back


def _what_is_missing() -> str:
    gates = read_gates(TradingMode.LIVE)
    if not gates:
        return "None was ever judged: DEMO's evidence is missing."
    return " ".join(f"{gate.strategy}: {_why_shut(gate)}." for gate in gates)


def _why_shut(gate: StrategyGate) -> str:
    if gate.admitted:
        return f"its admission ran out at {gate.expires_at:%Y-%m-%d %H:%M} UTC"
    return "; ".join(shortfall.detail for shortfall in gate.shortfalls)


def _standing() -> QuerySet[LiveArmingRow]:
    return LiveArmingRow.objects.filter(disarmed_at__isnull=True, expires_at__gt=TransactionNow())


def _require(reason: str) -> None:
    if not reason.strip():
        raise ValueError("say why: the reason is kept with the action")


def _record(action: str, actor: str, user_id: int | None, reason: str, **what: dict[str, object]) -> None:
    OperatorActionRow.objects.create(
        at=TransactionNow(),
        actor=actor,
        user_id=user_id,
        action=action,
        mode=TradingMode.LIVE,
        reason=reason,
        **what,
    )
