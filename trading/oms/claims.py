"""Orders of ours that the exchange knew before our books did: books restored from a backup from before their intents.

The wish is decided again under the same id, and proves to exist. What filled of it was taken for a person's until then,
and its terms are those of the books that were lost.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from markets.domain.account_types import ExchangeOrder
from milkbot.core.config import TradingMode
from milkbot.logger import logger
from trading.domain.reconciliation import AccountReading
from trading.domain.types import Order, RiskEvent, Severity
from trading.models import RiskEventRow
from trading.oms.booking import claim_fills
from trading.repositories.books import FillRepository
from trading.repositories.orders import OrderRepository
from trading.repositories.risk_events import record_risk_event

TERMS_DIFFER = "ORDER_TERMS_DIFFER"


def by_other_names(mode: TradingMode, orders: Iterable[Order]) -> Iterator[Order]:
    """Those of `orders` that the exchange has not named to us, under each name by which it may turn out to have them: an
    order taken for a person's in the same market, on the same side. An old one is in no list and shown by its name only.
    """
    unnamed = [order for order in orders if order.kalshi_order_id is None]
    if not unnamed:
        return
    names = FillRepository(mode).external_orders({order.market_ticker for order in unnamed})
    for order in unnamed:
        for name in names.get((order.market_ticker, order.book_side), ()):
            yield order.model_copy(update={"kalshi_order_id": name})


def claim(mode: TradingMode, reading: AccountReading, now: datetime) -> int:
    """Give stored fills to the orders of ours that the reading names as theirs; how many. Needs a transaction around it."""
    listed = {row.order_id: row for row in reading.orders}
    names = FillRepository(mode).external_names(listed)
    if not names:
        return 0
    owners = OrderRepository(mode).by_exchange_names({name: listed[name].client_order_id for name in names})
    if not owners:
        return 0
    tell_differing(mode, reading, owners.values(), now)
    return claim_fills(mode, owners, {name: listed[name].initial_count for name in owners}, now)


def tell_differing(
    mode: TradingMode, reading: AccountReading, orders: Iterable[Order], now: datetime
) -> None:
    """Tell, once each, of those of `orders` whose terms at the exchange are not those we meant."""
    rows = {row.client_order_id: row for row in reading.orders}
    for order in orders:
        row = rows.get(str(order.client_order_id))
        if row is not None and (_size(row), row.yes_price) != (order.count, order.limit_price):
            _tell(mode, order, row, now)


def _size(row: ExchangeOrder) -> Decimal:
    """Contracts it stands for: as it may have been amended while it rests, as placed once it has ended."""
    return row.filled_count + row.remaining_count if row.remaining_count else row.initial_count


def _tell(mode: TradingMode, order: Order, row: ExchangeOrder, now: datetime) -> None:
    told = RiskEventRow.objects.filter(mode=mode, event_type=TERMS_DIFFER)
    if told.filter(payload__intent_key=order.intent_key).exists():
        return
    message = (
        f"the exchange has {_size(row).normalize():f} at {row.yes_price.normalize():f} where we meant "
        f"{order.count.normalize():f} at {order.limit_price.normalize():f}. What fills is counted as it is, and what rests "
        "for more than we meant is taken out of the book. Expected of books restored from a backup; else see who changed it"
    )
    logger.warning("order with other terms", extra={"intent_key": order.intent_key, "order_id": row.order_id})
    record_risk_event(
        RiskEvent(
            at=now,
            severity=Severity.WARNING,
            event_type=TERMS_DIFFER,
            mode=mode,
            market_ticker=order.market_ticker,
            message=message,
            payload={"intent_key": order.intent_key, "order_id": row.order_id},
        )
    )
