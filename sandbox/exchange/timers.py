"""What is due when: expirations, closes, determinations, payouts, pauses."""

import heapq
from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from sandbox.exchange.state import State
from sandbox.feeds import Ladder, Pause
from sandbox.kalshi.lifecycle import SETTLEMENT_TIMER, finalization_time


class Bell(IntEnum):
    """What rings; of several at one instant the lower comes first."""

    EXPIRE = 0
    CLOSE = 1
    DETERMINE = 2
    FINALIZE = 3
    PAUSE = 4
    RESUME = 5


class Due(NamedTuple):
    """`key` is (account, order id) for EXPIRE, tickers for CLOSE, DETERMINE and FINALIZE, empty for pauses."""

    at: datetime
    bell: Bell
    key: tuple[str, ...]


class Timers:
    """A heap of what is still to come. A bell may ring for something that is over: the listener looks."""

    def __init__(self) -> None:
        self._due: list[Due] = []

    def set(self, at: datetime, bell: Bell, *key: str) -> None:
        """Ring `bell` at `at`."""
        heapq.heappush(self._due, Due(at, bell, key))

    def plan(self, ladders: Iterable[Ladder], pauses: Iterable[Pause], now: datetime) -> None:
        """Everything after `now` that the world has planned."""
        for ladder in ladders:
            tickers = [bracket.ticker for bracket in ladder.brackets]
            paid_at = finalization_time(ladder)
            for at, bell in (
                (ladder.closes_at, Bell.CLOSE),
                (paid_at - SETTLEMENT_TIMER, Bell.DETERMINE),
                (paid_at, Bell.FINALIZE),
            ):
                if at > now:
                    self.set(at, bell, *tickers)
        for pause in pauses:
            for at, bell in ((pause.starts_at, Bell.PAUSE), (pause.ends_at, Bell.RESUME)):
                if at > now:
                    self.set(at, bell)

    def resume(self, state: State) -> None:
        """What orders and controls have set going and is still to come."""
        for account in state.accounts.values():
            for order in account.orders.values():
                if order.status == "resting" and order.expires_at is not None:
                    self.set(order.expires_at, Bell.EXPIRE, account.name, order.order_id)
        for market in state.markets.values():
            if market.set_determined_at and not market.is_settled:
                self.set(market.set_determined_at + SETTLEMENT_TIMER, Bell.FINALIZE, market.ticker)

    def pop(self, until: datetime) -> Due | None:
        """The next that is due by `until`."""
        return heapq.heappop(self._due) if self._due and self._due[0].at <= until else None
