"""What a halt cannot call back: requests marked as sent whose answer is not booked and whose signature still counts.

A send under way holds the switch, so a halt waits for it. A trader that stands still in its midst (a machine that is
suspended, a process that is stopped) loses its session and with it the switch; the request it is about to write carries
a date, and the exchange takes it until that is too old. Whoever acknowledges a halt, a disarming or a withdrawal asks
here afterwards and says what is left.
"""

from datetime import datetime
from typing import Final, NamedTuple

from django.db.models import Count, Max

from milkbot.core.config import TradingMode
from trading.domain.evidence import REQUEST_LIFE
from trading.domain.types import OrderState
from trading.models import OrderRow

_UNANSWERED: Final = (OrderState.SUBMITTED, OrderState.UNKNOWN)


class UnderWay(NamedTuple):
    """How many orders, and when the last of them can no longer be taken (aware UTC)."""

    orders: int
    until: datetime

    def __str__(self) -> str:
        return (
            f"{self.orders} orders were under way and are not answered: the exchange may still take them "
            f"until {self.until:%H:%M:%S} UTC. No other can leave."
        )


def sends_under_way(mode: TradingMode, now: datetime) -> UnderWay | None:
    """Orders that may still arrive although nothing leaves any more; None when there are none.

    Ask it after the switch was turned: an order that is marked as sent later finds it turned. SHADOW sends nothing.
    """
    if mode is TradingMode.SHADOW:
        return None
    sent = OrderRow.objects.filter(mode=mode, state__in=_UNANSWERED, sent_at__gt=now - REQUEST_LIFE)
    young = sent.aggregate(count=Count("pk"), newest=Max("sent_at"))
    return UnderWay(young["count"], young["newest"] + REQUEST_LIFE) if young["count"] else None
