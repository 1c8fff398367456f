"""A venue at which the caps are looked at whenever something happens."""

from collections import Counter
from datetime import datetime

from milkbot.core.config import TradingMode
from tests.faults.exposure import cap_complaints
from trading.domain.types import Order
from trading.oms.venues.base import Answer, NotSent, Rejected, RestingVenue, TakenOut, Unknown


class WatchedVenue:
    """The real venue; whenever an order was sent, cancelled or renewed, and when told to, the caps are looked at."""

    def __init__(self, venue: RestingVenue, mode: TradingMode) -> None:
        self._venue = venue
        self._mode = mode
        self.complaints: list[str] = []
        self.placed: Counter[str] = Counter()
        """How often each intent was sent."""

    def place(self, order: Order) -> Answer:
        self.placed[order.intent_key] += 1
        answer = self._venue.place(order)
        self.look()
        return answer

    def find(self, order: Order) -> Answer:
        return self._venue.find(order)

    def cancel(self, order: Order) -> TakenOut | Rejected | NotSent | Unknown:
        answer = self._venue.cancel(order)
        self.look()
        return answer

    def renew(self, order: Order, expires_at: datetime) -> Rejected | NotSent | Unknown | None:
        answer = self._venue.renew(order, expires_at)
        self.look()
        return answer

    def look(self) -> None:
        self.complaints += cap_complaints(self._mode)
