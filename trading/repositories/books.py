"""Fills, positions and cash. A fill is stored once; position and ledger follow in the same transaction."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Sum
from pydantic import BaseModel, ConfigDict

from milkbot.core.config import TradingMode
from milkbot.core.money import ZERO
from trading.domain import pnl
from trading.domain.types import BookSide, Fill, OrderState, Position
from trading.models import FillRow, LedgerRow, OrderRow, PositionRow


class FillRepository:
    """Fills of one mode."""

    def __init__(self, mode: TradingMode) -> None:
        self._mode = mode

    @transaction.atomic
    def book(self, fill: Fill, market_id: int) -> bool:
        """Store a fill with its effect on position and cash. False, and nothing changes, if it is known already."""
        row = self._store(fill, market_id)
        if row is None:
            return False
        positions = PositionRepository(self._mode)
        booking = pnl.apply_fill(positions.lock(fill.market_ticker, market_id, fill.filled_at), fill)
        positions.save(booking.position, market_id, fill.filled_at)
        movements = {LedgerRow.Kind.FILL: booking.cash}
        if fill.fee:
            movements[LedgerRow.Kind.FEE] = -fill.fee
        LedgerRow.objects.bulk_create(
            LedgerRow(mode=fill.mode, kind=kind, amount=amount, fill=row, at=fill.filled_at)
            for kind, amount in movements.items()
        )
        return True

    def all(self, market_tickers: Iterable[str] | None = None) -> tuple[Fill, ...]:
        """Fills in the order they happened, of some markets or of all."""
        rows = (
            FillRow.objects.filter(mode=self._mode)
            .select_related("market", "order")
            .order_by("filled_at", "pk")
        )
        if market_tickers is not None:
            rows = rows.filter(market__ticker__in=list(market_tickers))
        return tuple(_to_fill(row) for row in rows)

    def known(self, fill_ids: Iterable[str]) -> frozenset[str]:
        """Those of `fill_ids` that are in our books."""
        rows = FillRow.objects.filter(mode=self._mode, fill_id__in=list(fill_ids))
        return frozenset(rows.values_list("fill_id", flat=True))

    def _store(self, fill: Fill, market_id: int) -> FillRow | None:
        """The fill's row; None if the fill is known already."""
        order_id = (
            OrderRow.objects.values_list("pk", flat=True).get(client_order_id=fill.client_order_id)
            if fill.client_order_id
            else None
        )
        try:
            with transaction.atomic():
                return FillRow.objects.create(
                    fill_id=fill.fill_id,
                    mode=fill.mode,
                    order_id=order_id,
                    kalshi_order_id=fill.kalshi_order_id or "",
                    market_id=market_id,
                    book_side=fill.book_side,
                    count=fill.count,
                    yes_price=fill.yes_price,
                    fee=fill.fee,
                    is_taker=fill.is_taker,
                    filled_at=fill.filled_at,
                )
        except IntegrityError:
            if FillRow.objects.filter(mode=fill.mode, fill_id=fill.fill_id).exists():
                return None
            raise


class PositionRepository:
    """Positions of one mode."""

    def __init__(self, mode: TradingMode) -> None:
        self._mode = mode

    def lock(self, market_ticker: str, market_id: int, at: datetime) -> Position:
        """The position, held until the transaction ends so that two fills cannot both start from it."""
        PositionRow.objects.get_or_create(
            mode=self._mode,
            market_id=market_id,
            defaults={"is_open": False, "opened_at": at, "updated_at": at},
        )
        row = PositionRow.objects.select_for_update(of=("self",)).select_related("market")
        return _to_position(row.get(mode=self._mode, market_id=market_id))

    def save(self, position: Position, market_id: int, at: datetime) -> None:
        changes = {
            "count": position.count,
            "cost": position.cost,
            "realized_pnl": position.realized_pnl,
            "fees": position.fees,
            "is_open": position.is_open,
            "settled_at": position.settled_at,
            "updated_at": at,
        }
        if position.opened_at is not None:
            changes["opened_at"] = position.opened_at
        PositionRow.objects.filter(mode=self._mode, market_id=market_id).update(**changes)

    def open(self) -> tuple[Position, ...]:
        """Everything held, oldest first."""
        rows = (
            PositionRow.objects.filter(mode=self._mode, is_open=True)
            .select_related("market")
            .order_by("opened_at")
        )
        return tuple(_to_position(row) for row in rows)

    def get(self, market_ticker: str) -> Position | None:
        row = (
            PositionRow.objects.filter(mode=self._mode, market__ticker=market_ticker)
            .select_related("market")
            .first()
        )
        return _to_position(row) if row else None


class LedgerRepository:
    """Cash of one mode: the sum of every explained movement."""

    def __init__(self, mode: TradingMode) -> None:
        self._mode = mode

    def cash(self) -> Decimal:
        total = LedgerRow.objects.filter(mode=self._mode).aggregate(total=Sum("amount"))["total"]
        return total if total is not None else ZERO

    def is_open(self) -> bool:
        """Whether the starting capital has been booked."""
        return LedgerRow.objects.filter(mode=self._mode, kind=LedgerRow.Kind.DEPOSIT).exists()

    def book_external(self, amount: Decimal, at: datetime, *, note: str) -> None:
        """Cash that came (positive) or went without us."""
        LedgerRow.objects.create(
            mode=self._mode, kind=LedgerRow.Kind.EXTERNAL, amount=amount, at=at, note=note
        )

    def open_account(self, capital: Decimal, at: datetime) -> None:
        """Book the starting capital, once; later calls change nothing."""
        if not self.is_open():
            LedgerRow.objects.bulk_create(
                [
                    LedgerRow(
                        mode=self._mode,
                        kind=LedgerRow.Kind.DEPOSIT,
                        amount=capital,
                        at=at,
                        note="starting capital",
                    )
                ],
                ignore_conflicts=True,
            )


class Reserved(BaseModel):
    """What an open order may still cost: the unfilled part of its intent's worst case."""

    model_config = ConfigDict(frozen=True)

    market_ticker: str
    amount: Decimal


def reserved_by_orders(mode: TradingMode, states: Iterable[OrderState]) -> tuple[Reserved, ...]:
    """Worst-case dollars of every order that may still fill."""
    rows = OrderRow.objects.filter(mode=mode, state__in=[state.value for state in states])
    return tuple(
        Reserved(
            market_ticker=row.market.ticker,
            amount=row.intent.max_cost * (row.count - row.filled_count) / row.count,
        )
        for row in rows.select_related("market", "intent")
    )


def _to_fill(row: FillRow) -> Fill:
    return Fill(
        fill_id=row.fill_id,
        mode=TradingMode(row.mode),
        market_ticker=row.market.ticker,
        client_order_id=row.order.client_order_id if row.order else None,
        kalshi_order_id=row.kalshi_order_id or None,
        book_side=BookSide(row.book_side),
        count=row.count,
        yes_price=row.yes_price,
        fee=row.fee,
        is_taker=row.is_taker,
        filled_at=row.filled_at,
    )


def _to_position(row: PositionRow) -> Position:
    return Position(
        mode=TradingMode(row.mode),
        market_ticker=row.market.ticker,
        count=row.count,
        cost=row.cost,
        realized_pnl=row.realized_pnl,
        fees=row.fees,
        opened_at=row.opened_at if row.is_open else None,
        settled_at=row.settled_at,
    )
