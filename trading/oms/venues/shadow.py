"""The venue of SHADOW: fills against the books of this cycle, sends nothing, and holds no order client."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from markets.domain.fees import trade_fee
from markets.domain.types import FeeSchedule, OrderBook
from trading.domain.shadow_fill import walk
from trading.domain.types import Fill, Order
from trading.oms.venues.base import Accepted, Answer, Rejected


class ShownMarket(NamedTuple):
    """What a market displayed when we decided, and what it charges."""

    book: OrderBook
    fees: FeeSchedule


class ShadowVenue:
    """Simulated fills on displayed interest with exact fees."""

    def __init__(self, shown: Mapping[str, ShownMarket], now: datetime) -> None:
        self._shown = shown
        self._now = now

    def place(self, order: Order) -> Answer:
        market = self._shown.get(order.market_ticker)
        if market is None:
            return Rejected(code="NOT_SHOWN", message="the market was not read in this cycle")
        executions = walk(market.book, order.book_side, order.remaining_count, order.limit_price)
        return Accepted(
            fills=tuple(
                Fill(
                    # The order's own id makes a repeated simulation the same fill, which is stored once.
                    fill_id=f"shadow:{order.client_order_id}:{number}",
                    mode=order.mode,
                    market_ticker=order.market_ticker,
                    client_order_id=order.client_order_id,
                    book_side=order.book_side,
                    count=execution.count,
                    yes_price=execution.yes_price,
                    fee=trade_fee(market.fees, execution.count, execution.yes_price, is_taker=True),
                    is_taker=True,
                    filled_at=self._now,
                )
                for number, execution in enumerate(executions)
            )
        )

    def find(self, order: Order) -> Answer:
        """A simulation that was interrupted before it was booked never happened: nothing filled, nothing rests."""
        return Accepted()
