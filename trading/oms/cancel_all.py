"""Takes everything out of the exchange's book, from any process: no lease, no switch and no worker is asked.

The exchange's own cancel-all goes first. Only what it does not confirm is asked for order by order. What came of it is
then read back, because an order that was being cancelled may have filled.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from milkbot.core.config import TradingMode
from milkbot.logger import logger
from trading.domain.types import Order, OrderState
from trading.models import OperatorActionRow
from trading.oms.exchange import CancelDesk
from trading.oms.reconcile import ReconcileReport, reconcile
from trading.oms.working import CANCELLABLE, cancel
from trading.repositories.orders import OrderRepository, StaleOrder

MAY_FILL: Final = (OrderState.SUBMITTED, OrderState.UNKNOWN, OrderState.RESTING, OrderState.PARTIAL)
IN_BOOK: Final = (OrderState.RESTING, OrderState.PARTIAL)
LOOKS: Final = 3
"""How often the account is read: its lists lag behind the engine that cancels."""
TRIES: Final = 5
"""How often one order is read anew because it moved: a trader moves it at most a few times in a turn."""


@dataclass(frozen=True)
class CancelAllReport:
    """`refusal` is empty when the exchange confirmed its cancel-all; `one_by_one` counts the orders asked for instead."""

    open_before: int
    refusal: str
    one_by_one: int
    reconciled: ReconcileReport
    still_open: tuple[Order, ...]

    @property
    def is_done(self) -> bool:
        """Whether it is proven that nothing on the account can fill any more, orders placed by hand included."""
        if self.still_open or self.reconciled.complete_until is None:
            return False
        return not self.reconciled.external_orders


def cancel_all(
    mode: TradingMode,
    desk: CancelDesk,
    *,
    now: Callable[[], datetime],
    pause: Callable[[], None],
    actor: str,
    user_id: int | None,
    reason: str,
) -> CancelAllReport:
    """Cancel everything on the account, orders placed by hand included, and read back what came of it.

    `pause` waits between two looks at the account. Raises ValueError without a reason; never for what the outside does.
    """
    if not reason.strip():
        raise ValueError("say why: the reason is kept with the action")
    orders = OrderRepository(mode)
    open_before = orders.in_states(MAY_FILL)
    answer = desk.venue.cancel_all()
    one_by_one = _one_by_one(mode, desk, now(), actor=actor, why=reason) if answer is not None else 0
    refusal = "" if answer is None else f"{type(answer).__name__} {answer.model_dump(mode='json')}"
    told = {"refusal": refusal, "asked_one_by_one": one_by_one}
    OperatorActionRow.objects.create(
        at=now(),
        actor=actor,
        user_id=user_id,
        action="cancel_all",
        mode=mode,
        reason=reason,
        before={"open_orders": len(open_before)},
        after=told,
    )
    logger.warning("cancel-all asked for", extra={"mode": mode.value, "by": actor, **told})
    reconciled, still_open = _read_back(mode, desk, now, pause)
    return CancelAllReport(len(open_before), refusal, one_by_one, reconciled, still_open)


def _one_by_one(mode: TradingMode, desk: CancelDesk, at: datetime, *, actor: str, why: str) -> int:
    """How many orders were asked for."""
    named = [order for order in OrderRepository(mode).in_states(CANCELLABLE) if order.kalshi_order_id]
    return sum(_asked_for(order, desk, at, actor=actor, why=why) for order in named)


def _asked_for(order: Order, desk: CancelDesk, at: datetime, *, actor: str, why: str) -> bool:
    """Whether the order was asked for. A trader at work may move it at any time: then it is asked for as it stands now."""
    for _ in range(TRIES):
        try:
            cancel(order, desk.venue, at=at, why=why, actor=actor)
        except StaleOrder as moved:
            logger.warning("order moved before its cancel", extra={"why": str(moved)})
            (order,) = OrderRepository(order.mode).by_intent_keys([order.intent_key])
            if order.state not in CANCELLABLE:
                return False
        else:
            return True
    return False


def _read_back(
    mode: TradingMode, desk: CancelDesk, now: Callable[[], datetime], pause: Callable[[], None]
) -> tuple[ReconcileReport, tuple[Order, ...]]:
    for look in range(LOOKS):
        if look:
            pause()
        report = reconcile(mode, desk.account, now())
        still_open = OrderRepository(mode).in_states(MAY_FILL)
        if not still_open and not report.external_orders:
            break
    return report, still_open
