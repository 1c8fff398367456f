"""Takes back orders of ours that rest at the exchange although our books have them as ended or as never sent.

A request may arrive after it was written off, and books may be a copy from before an order was sent. What rests may
fill, so it is reserved again, and its wish is not sent a second time while it lasts.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from markets.domain.account_types import ExchangeOrder
from milkbot.core.config import TradingMode
from milkbot.logger import logger
from trading.domain.order_states import OrderEvent
from trading.domain.reconciliation import AccountReading
from trading.domain.types import Order, OrderState, RiskEvent, Severity
from trading.repositories.orders import Learnt, Move, OrderRepository, Step
from trading.repositories.risk_events import record_risk_event

BELIEVED_OVER: Final = (OrderState.NEW, OrderState.CANCELED, OrderState.REJECTED)
"""States that reserve nothing, or soon nothing, though contracts are left. What FILLED has none left to fill."""


def take_back(mode: TradingMode, reading: AccountReading, sent: Sequence[Order], now: datetime) -> int:
    """Adopt what the reading lists as resting and the books believe over; how many. `sent` are judged elsewhere."""
    names = {order.kalshi_order_id for order in sent}
    client_ids = {str(order.client_order_id) for order in sent}
    others = {
        row.order_id: row
        for row in reading.orders
        if row.may_still_fill and row.order_id not in names and row.client_order_id not in client_ids
    }
    if not others:
        return 0
    repository = OrderRepository(mode)
    ours = repository.by_exchange_names({name: row.client_order_id for name, row in others.items()})
    moves = [
        _as_resting(order, others[name])
        for name, order in ours.items()
        if order.state in BELIEVED_OVER and _is_newer(reading, order)
    ]
    moved = repository.move_all(moves, at=now)
    _tell(mode, (move.order for move in moves if move.order.client_order_id in moved), now)
    return len(moved)


def _is_newer(reading: AccountReading, order: Order) -> bool:
    """Whether the reading can know of the end we booked. An order that never was sent has no end a list could lag behind."""
    if order.state is OrderState.NEW:
        return True
    return reading.complete_until is not None and reading.complete_until > order.updated_at


def _as_resting(order: Order, row: ExchangeOrder) -> Move:
    """With what the exchange knows of it: until when it may rest, and since when, is not in our books for certain."""
    learnt: Learnt = {
        "kalshi_order_id": row.order_id,
        "reported_count": row.filled_count,
        "sent_at": order.sent_at or row.created_at,
        "expires_at": row.expires_at,
    }
    payload = {"why": f"believed {order.state}, the exchange lists it as {row.order_id}"}
    return Move(order, (Step(OrderEvent.ACKNOWLEDGE, payload),), learnt)


def _tell(mode: TradingMode, orders: Iterable[Order], now: datetime) -> None:
    for order in orders:
        logger.warning("order rests that was believed over", extra={"intent_key": order.intent_key})
        record_risk_event(
            RiskEvent(
                at=now,
                severity=Severity.WARNING,
                event_type="ORDER_RESURFACED",
                mode=mode,
                market_ticker=order.market_ticker,
                message=f"{order.remaining_count} contracts rest of an order that was {order.state} here: taken back",
                payload={"intent_key": order.intent_key},
            )
        )
