"""What the account as a whole says against fills that the exchange once reported and does not show.

An exchange that was set back knows neither an order nor its fills. Then it does not hold their contracts either, and the
money is still there: figures of other lists than those that may have lost a row.
"""

from collections.abc import Iterable
from datetime import datetime

from markets.models import MarketRow
from milkbot.core.config import TradingMode
from trading.domain.reconciliation import AccountReading, collateral, compare_cash, compare_positions
from trading.domain.types import Order, OrderState
from trading.models import PositionRow
from trading.repositories.books import LedgerRepository


def refuted_markets(
    mode: TradingMode, reading: AccountReading, orders: Iterable[Order], now: datetime
) -> frozenset[str]:
    """Markets of those `orders` that are UNKNOWN for fills nobody shows, in which the exchange holds what our books have
    without them. None at all unless its cash is ours, too.

    Of a closed market nothing is said: the exchange's holdings forget what it pays.
    """
    suspects = {
        order.market_ticker
        for order in orders
        if order.state is OrderState.UNKNOWN and order.reported_count > order.filled_count
    }
    if not suspects or reading.positions is None or reading.balance is None:
        return frozenset()
    held = collateral(reading.orders, reading.positions)
    if compare_cash(LedgerRepository(mode).cash(), reading.balance, held):
        return frozenset()
    open_ones = MarketRow.objects.filter(ticker__in=suspects, close_at__gt=now)
    tickers = frozenset(open_ones.values_list("ticker", flat=True))
    rows = PositionRow.objects.filter(mode=mode, market__ticker__in=tickers).select_related("market")
    ours = {row.market.ticker: row.count for row in rows}
    differing = {each.where for each in compare_positions(ours, reading.positions, tickers)}
    return tickers - differing
