"""Orders on our account that a person placed: kept in sight and counted, never touched."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import QuerySet

from markets.domain.account_types import ExchangeOrder
from markets.domain.sides import BookSide
from milkbot.core.config import TradingMode
from milkbot.core.money import ONE
from trading.models import ExternalOrderRow
from trading.repositories.books import Reserved

UNSEEN_FOR: Final = timedelta(minutes=3)
"""An order that complete readings no longer show still counts this long: a list may be empty by error."""


class ExternalOrderRepository:
    """External orders of one mode."""

    def __init__(self, mode: TradingMode) -> None:
        self._mode = mode

    def see(self, orders: Iterable[ExchangeOrder], market_ids: Mapping[str, int], now: datetime) -> list[str]:
        """Store what was shown, orders of known markets only; returns the names seen for the first time."""
        shown = {order.order_id: order for order in orders if order.ticker in market_ids}
        rows = ExternalOrderRow.objects.filter(mode=self._mode, kalshi_order_id__in=shown)
        known = frozenset(rows.values_list("kalshi_order_id", flat=True))
        ExternalOrderRow.objects.bulk_create(
            (self._row(order, market_ids[order.ticker], now) for order in shown.values()),
            update_conflicts=True,
            unique_fields=["mode", "kalshi_order_id"],
            update_fields=["yes_price", "remaining_count", "seen_at", "ended_at"],
        )
        return [name for name in shown if name not in known]

    def end(self, names: Iterable[str], now: datetime) -> None:
        """These are over, by the exchange's own word."""
        self._open().filter(kalshi_order_id__in=list(names)).update(ended_at=now)

    def end_unseen(self, complete_until: datetime, now: datetime) -> None:
        """Those that complete readings have not shown for UNSEEN_FOR are over."""
        self._open().filter(seen_at__lt=complete_until - UNSEEN_FOR).update(ended_at=now)

    def exposures(self) -> tuple[Reserved, ...]:
        """The open ones at their worst: every remaining contract fills at its limit."""
        rows = self._open().filter(remaining_count__gt=0).select_related("market").order_by("pk")
        return tuple(
            Reserved(market_ticker=row.market.ticker, amount=row.remaining_count * _price(row))
            for row in rows
        )

    def _open(self) -> QuerySet[ExternalOrderRow]:
        return ExternalOrderRow.objects.filter(mode=self._mode, ended_at__isnull=True)

    def _row(self, order: ExchangeOrder, market_id: int, now: datetime) -> ExternalOrderRow:
        return ExternalOrderRow(
            mode=self._mode,
            kalshi_order_id=order.order_id,
            market_id=market_id,
            book_side=order.book_side,
            yes_price=order.yes_price,
            remaining_count=order.remaining_count,
            first_seen_at=now,
            seen_at=now,
        )


def _price(row: ExternalOrderRow) -> Decimal:
    """Of the contract it buys."""
    return row.yes_price if row.book_side == BookSide.BID else ONE - row.yes_price
