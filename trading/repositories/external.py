"""What a person does on our account: orders, and holdings in markets we do not follow. Counted, never touched."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import QuerySet, Value
from django.db.models.functions import Least

from markets.domain.account_types import ExchangeOrder, ExchangePosition
from markets.domain.sides import BookSide
from markets.models import MarketRow
from milkbot.core.config import TradingMode
from milkbot.core.money import ONE, ZERO
from trading.domain.types import Position
from trading.models import ExternalOrderRow, ExternalPositionRow
from trading.repositories.books import Reserved

UNSEEN_FOR: Final = timedelta(minutes=3)
"""What complete readings no longer show still counts this long: a list may be empty by error."""


class ExternalOrderRepository:
    """External orders of one mode."""

    def __init__(self, mode: TradingMode) -> None:
        self._mode = mode

    def see(self, orders: Iterable[ExchangeOrder], now: datetime) -> list[str]:
        """Store what was shown; returns the names seen for the first time."""
        shown = {order.order_id: order for order in orders}
        rows = ExternalOrderRow.objects.filter(mode=self._mode, kalshi_order_id__in=shown)
        known = frozenset(rows.values_list("kalshi_order_id", flat=True))
        ExternalOrderRow.objects.bulk_create(
            (self._row(order, now) for order in shown.values()),
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
        rows = self._open().filter(remaining_count__gt=0).order_by("pk")
        return tuple(
            Reserved(market_ticker=row.market_ticker, amount=row.remaining_count * _price(row))
            for row in rows
        )

    def _open(self) -> QuerySet[ExternalOrderRow]:
        return ExternalOrderRow.objects.filter(mode=self._mode, ended_at__isnull=True)

    def _row(self, order: ExchangeOrder, now: datetime) -> ExternalOrderRow:
        return ExternalOrderRow(
            mode=self._mode,
            kalshi_order_id=order.order_id,
            market_ticker=order.ticker,
            book_side=order.book_side,
            yes_price=order.yes_price,
            remaining_count=order.remaining_count,
            first_seen_at=now,
            seen_at=now,
        )


class ExternalPositionRepository:
    """What is held in markets that one mode does not follow."""

    def __init__(self, mode: TradingMode) -> None:
        self._mode = mode

    def open(self) -> dict[str, Position]:
        """By ticker."""
        rows = self._open().values_list("market_ticker", "count", "at_risk")
        return {
            ticker: Position(mode=self._mode, market_ticker=ticker, count=count, cost=at_risk)
            for ticker, count, at_risk in rows
        }

    def hold(self, ticker: str, count: Decimal, at_risk: Decimal, now: datetime, *, since: datetime) -> bool:
        """Store what is held at `now`, if anything is; whether nothing was before. No fill of it is older than `since`."""
        if not count:
            self.end([ticker], now)
            return False
        held = {"count": count, "at_risk": at_risk, "seen_at": now}
        known = self._open().filter(market_ticker=ticker)
        if known.update(filled_since=Least("filled_since", Value(since)), **held):
            return False
        ExternalPositionRow.objects.create(mode=self._mode, market_ticker=ticker, filled_since=since, **held)
        return True

    def end(self, tickers: Iterable[str], now: datetime) -> None:
        """These are no longer held, or in our books."""
        self._open().filter(market_ticker__in=list(tickers)).update(ended_at=now)

    def end_unseen(self, now: datetime) -> None:
        """Those that whole readings have not shown for UNSEEN_FOR are over."""
        self._open().filter(seen_at__lt=now - UNSEEN_FOR).update(ended_at=now)

    def exposures(self) -> tuple[Reserved, ...]:
        """What may be lost on each."""
        rows = self._open().order_by("pk").values_list("market_ticker", "at_risk")
        return tuple(Reserved(market_ticker=ticker, amount=at_risk) for ticker, at_risk in rows)

    def filled_since(self) -> datetime | None:
        """From when on fills must be read again, because the market of one is followed by now; None if there is none."""
        rows = self._open().filter(market_ticker__in=MarketRow.objects.values("ticker"))
        return rows.order_by("filled_since").values_list("filled_since", flat=True).first()

    def _open(self) -> QuerySet[ExternalPositionRow]:
        return ExternalPositionRow.objects.filter(mode=self._mode, ended_at__isnull=True)


def cost_of(position: ExchangePosition) -> Decimal:
    """Dollars, by the exchange's word; no contract costs more than one where it says nothing."""
    return position.exposure if position.exposure > ZERO else abs(position.count)


def _price(row: ExternalOrderRow) -> Decimal:
    """Of the contract it buys."""
    return row.yes_price if row.book_side == BookSide.BID else ONE - row.yes_price
