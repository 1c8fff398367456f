"""Keeps the orders in sight that people placed on our account: counted as exposure, told once, never touched.

One of ours that a person made larger or dearer is counted as it was sent. Nothing is traded beside it: it is taken out of
the book like all that rests while the account is unsure.
"""

from datetime import datetime
from typing import NamedTuple

from markets.domain.account_types import ExchangeOrder
from markets.repositories import MarketRepository
from milkbot.core.config import TradingMode
from milkbot.logger import logger
from trading.domain.reconciliation import AccountReading
from trading.domain.types import BookSide, Order, RiskEvent, Severity
from trading.oms.arrivals import may_be_listed_soon
from trading.repositories.external import ExternalOrderRepository
from trading.repositories.orders import OrderRepository
from trading.repositories.risk_events import record_risk_event


class Seen(NamedTuple):
    """How many external orders may still fill, and in words what may fill and cannot be counted as exposure."""

    resting: int
    waiting: tuple[str, ...]


def track_external(mode: TradingMode, reading: AccountReading, now: datetime) -> Seen:
    """Bring the external orders up to the reading. One in a market of ours that was never read waits for it."""
    shown = {order.order_id: order for order in reading.orders}
    resting = {name: order for name, order in shown.items() if order.may_still_fill}
    ours = OrderRepository(mode).by_exchange_names(
        {name: order.client_order_id for name, order in resting.items()}
    )
    theirs = {name: order for name, order in resting.items() if name not in ours}
    repository = ExternalOrderRepository(mode)
    repository.end((name for name in shown if name not in theirs), now)  # over, or ours after all
    market_ids = MarketRepository().ids(order.ticker for order in theirs.values())
    for name in repository.see(theirs.values(), market_ids, now):
        _tell(mode, theirs[name], now)
    if reading.complete_until is not None:
        repository.end_unseen(reading.complete_until, now)
    uncounted = (
        f"order {name}, placed by hand: its market {order.ticker} has not been read yet"
        for name, order in theirs.items()
        if order.ticker not in market_ids and may_be_listed_soon(order.ticker, now.date())
    )
    changed = (
        f"order {name} of ours asks for more than was sent"
        for name in ours
        if _asks_more(shown[name], ours[name])
    )
    return Seen(len(theirs), (*uncounted, *changed))


def _asks_more(listed: ExchangeOrder, sent: Order) -> bool:
    """Whether it may buy more contracts than were ordered, or at a worse price."""
    dearer = listed.yes_price - sent.limit_price
    if sent.book_side is BookSide.ASK:
        dearer = -dearer
    return dearer > 0 or listed.filled_count + listed.remaining_count > sent.count


def _tell(mode: TradingMode, order: ExchangeOrder, now: datetime) -> None:
    logger.warning("order that is not ours", extra={"order_id": order.order_id, "market": order.ticker})
    record_risk_event(
        RiskEvent(
            at=now,
            severity=Severity.WARNING,
            event_type="EXTERNAL_ORDER",
            mode=mode,
            market_ticker=order.ticker,
            message=f"{order.remaining_count} contracts rest that somebody placed by hand: counted, never touched",
            payload={"order_id": order.order_id},
        )
    )
