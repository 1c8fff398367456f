"""What the console shows of the account at the exchange: what may still fill, whether the books agree, what is locked."""

from dataclasses import dataclass
from typing import Final

from django.db.models import F

from milkbot.core.config import TradingMode
from trading.domain.types import OPEN_STATES
from trading.models import LockRow, OrderRow, ReconciliationRow

SHOWN_ORDERS: Final = 20


@dataclass(frozen=True)
class Desk:
    """`orders` are the newest open ones, at most SHOWN_ORDERS, each with `unfilled` contracts; `has_more` says that some
    are left out. `reconciliation` is the last one, None before any and in SHADOW, which has no account."""

    has_account: bool
    orders: tuple[OrderRow, ...]
    has_more: bool
    reconciliation: ReconciliationRow | None
    locks: tuple[LockRow, ...]

    @property
    def waiting(self) -> int:
        """How many locks wait for a person."""
        return sum(lock.needs_person for lock in self.locks)


def read_desk(mode: TradingMode) -> Desk:
    """Three queries, whatever the number of orders; two in SHADOW."""
    has_account = mode is not TradingMode.SHADOW
    states = [state.value for state in OPEN_STATES]
    open_orders = OrderRow.objects.filter(mode=mode, state__in=states).select_related("market")
    newest = open_orders.annotate(unfilled=F("count") - F("filled_count")).order_by("-pk")[: SHOWN_ORDERS + 1]
    runs = ReconciliationRow.objects.filter(mode=mode).order_by("-at", "-pk")
    locks = LockRow.objects.filter(mode=mode, cleared_at__isnull=True)
    orders = tuple(newest)
    return Desk(
        has_account=has_account,
        orders=orders[:SHOWN_ORDERS],
        has_more=len(orders) > SHOWN_ORDERS,
        reconciliation=runs.first() if has_account else None,
        locks=tuple(locks.order_by("-needs_person", "locked_at", "pk")),
    )
