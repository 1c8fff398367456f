"""What a halt cannot call back: requests marked as sent whose answer is not booked and whose signature still counts.

A send under way holds the switch, so a halt waits for it. A trader that stands still in its midst (a machine that is
suspended, a process that is stopped) loses its session and with it the switch; the request it is about to write carries
a date, and the exchange takes it until that is too old. Whoever acknowledges a halt, a disarming or a withdrawal asks
here afterwards and says what is left.
"""

from datetime import datetime
from typing import Final, NamedTuple

from django.db.models import Count, Exists, Max, OuterRef, QuerySet

from milkbot.core.config import TradingMode
from trading.domain.evidence import REQUEST_LIFE
from trading.domain.order_states import OrderEvent
from trading.domain.types import OrderState
from trading.models import OrderEventRow, OrderRow

_UNANSWERED: Final = (OrderState.SUBMITTED, OrderState.UNKNOWN)
_IN_BOOK: Final = (OrderState.RESTING, OrderState.PARTIAL)


class UnderWay(NamedTuple):
    """How many orders, when the last request can no longer be taken (aware UTC), and how many renewals of what rests."""

    orders: int
    until: datetime
    renewals: int = 0

    def __str__(self) -> str:
        parts = ((self.orders, "orders"), (self.renewals, "renewals"))
        told = " and ".join(f"{count} {what}" for count, what in parts if count)
        return (
            f"{told} were under way and are not answered: the exchange may still take them "
            f"until {self.until:%H:%M:%S} UTC. No other can leave."
        )


def sends_under_way(mode: TradingMode, now: datetime) -> UnderWay | None:
    """Orders and renewals that may still arrive although nothing leaves any more; None when there are none.

    Ask it after the switch was turned: an order that is marked as sent later finds it turned. SHADOW sends nothing.
    """
    if mode is TradingMode.SHADOW:
        return None
    since = now - REQUEST_LIFE
    sent = OrderRow.objects.filter(mode=mode, state__in=_UNANSWERED, sent_at__gt=since)
    orders = sent.aggregate(count=Count("pk"), newest=Max("sent_at"))
    renewals = _renewals(mode, since).aggregate(count=Count("order", distinct=True), newest=Max("at"))
    newest = [found["newest"] for found in (orders, renewals) if found["count"]]
    return UnderWay(orders["count"], max(newest) + REQUEST_LIFE, renewals["count"]) if newest else None


def _renewals(mode: TradingMode, since: datetime) -> QuerySet[OrderEventRow]:
    """Those asked for after `since` of orders that may rest, without an end of their own."""
    ended = OrderEventRow.objects.filter(
        order=OuterRef("order"), version__gt=OuterRef("version"), event=OrderEvent.END_RENEWAL
    )
    asked = OrderEventRow.objects.filter(
        order__mode=mode, order__state__in=_IN_BOOK, event=OrderEvent.RENEW, at__gt=since
    )
    return asked.filter(~Exists(ended))
