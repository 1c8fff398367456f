"""Fills, positions and cash. A fill is stored once; position and ledger follow in the same transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import QuerySet, Sum
from pydantic import BaseModel, ConfigDict

from milkbot.core.config import TradingMode
from milkbot.core.money import ONE, ZERO
from trading.domain import pnl
from trading.domain.types import Action, BookSide, Fill, Order, OrderState, Position
from trading.models import FillRow, LedgerRow, OrderRow, PositionRow

_KNOWN = "SELECT fill_id FROM fills WHERE mode = %s AND fill_id = ANY(%s)"

_STORE = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%(fills)s::jsonb) AS g(
        number int, fill_id text, order_id bigint, kalshi_order_id text, market_id bigint, book_side text, count numeric,
        yes_price numeric, fee numeric, is_taker bool, filled_at timestamptz, cash numeric)
), stored AS (
    INSERT INTO fills (fill_id, mode, order_id, kalshi_order_id, market_id, book_side, count, yes_price, fee, is_taker,
                       filled_at)
    SELECT fill_id, %(mode)s, order_id, kalshi_order_id, market_id, book_side, count, yes_price, fee, is_taker, filled_at
    FROM given ORDER BY number
    RETURNING id, fill_id
)
INSERT INTO ledger (mode, kind, amount, fill_id, note, at)
SELECT %(mode)s, movement.kind, movement.amount, stored.id, '', given.filled_at
FROM stored JOIN given USING (fill_id)
CROSS JOIN LATERAL (VALUES ('fill', given.cash), ('fee', -given.fee)) AS movement(kind, amount)
WHERE movement.kind = 'fill' OR movement.amount <> 0
ORDER BY given.number, movement.kind DESC
"""
"""Each fill with the cash it moved, and its fee if there was one: what was paid and what it cost stay apart."""


class FillRepository:
    """Fills of one mode."""

    def __init__(self, mode: TradingMode) -> None:
        self._mode = mode

    def book(self, fill: Fill, market_id: int) -> bool:
        """Store a fill with its effect on position and cash. False, and nothing changes, if it is known already."""
        return bool(self.book_all([fill], {fill.market_ticker: market_id}))

    @transaction.atomic
    def book_all(self, fills: Sequence[Fill], market_ids: Mapping[str, int]) -> tuple[Fill, ...]:
        """Store the fills not known yet, in the order given, with their effect on positions and cash; returns them.

        The number of statements does not depend on the number of fills. Every booking holds its positions before it
        asks what is known, so two of the same fill cannot both find it new; the table refuses a second one in any case.
        """
        positions = PositionRepository(self._mode)
        held = positions.lock_all(fills, market_ids)
        known = self.known(fill.fill_id for fill in fills)
        first = {fill.fill_id: fill for fill in reversed(fills)}
        new = tuple(
            first[name] for name in dict.fromkeys(fill.fill_id for fill in fills) if name not in known
        )
        if not new:
            return ()
        moved: list[Decimal] = []
        for fill in new:
            booking = pnl.apply_fill(held[fill.market_ticker], fill)
            held[fill.market_ticker] = booking.position
            moved.append(booking.cash)
        self._store(new, moved, market_ids)
        positions.save_all(held, new, market_ids)
        return new

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

    def external_names(self, order_ids: Iterable[str]) -> frozenset[str]:
        """Those of the exchange's order names under which fills are stored that have no order of ours."""
        rows = self._external().filter(kalshi_order_id__in=list(order_ids))
        return frozenset(rows.values_list("kalshi_order_id", flat=True))

    def external_orders(self, market_tickers: Iterable[str]) -> dict[tuple[str, BookSide], list[str]]:
        """The exchange's names of the orders behind those fills, by market and side of its book."""
        rows = self._external().filter(market__ticker__in=list(market_tickers)).exclude(kalshi_order_id="")
        names: dict[tuple[str, BookSide], list[str]] = {}
        for ticker, side, name in rows.values_list(
            "market__ticker", "book_side", "kalshi_order_id"
        ).distinct():
            names.setdefault((ticker, BookSide(side)), []).append(name)
        return names

    def claim(self, orders: Mapping[str, Order]) -> tuple[Fill, ...]:
        """Give stored fills without an order of ours to `orders`, by the exchange's name of each; returns the fills given.

        Position and cash have them already. One in another market or on the other side is none of that order's.
        """
        given: list[Fill] = []
        for name, order in orders.items():
            theirs = self._external().filter(
                kalshi_order_id=name, market__ticker=order.market_ticker, book_side=order.book_side
            )
            keys = list(theirs.order_by("filled_at", "pk").values_list("pk", flat=True))
            owner = OrderRow.objects.get(mode=self._mode, client_order_id=order.client_order_id)
            FillRow.objects.filter(pk__in=keys).update(order=owner)
            rows = FillRow.objects.filter(pk__in=keys).select_related("market", "order")
            given.extend(_to_fill(row) for row in rows.order_by("filled_at", "pk"))
        return tuple(given)

    def _external(self) -> QuerySet[FillRow]:
        return FillRow.objects.filter(mode=self._mode, order__isnull=True)

    def known(self, fill_ids: Iterable[str]) -> frozenset[str]:
        """Those of `fill_ids` that are in our books."""
        with connection.cursor() as cursor:
            cursor.execute(_KNOWN, [self._mode.value, list(fill_ids)])
            return frozenset(fill_id for (fill_id,) in cursor.fetchall())

    def _store(self, fills: Sequence[Fill], cash: Sequence[Decimal], market_ids: Mapping[str, int]) -> None:
        """The fills and the `cash` each moved."""
        client_ids = {fill.client_order_id for fill in fills if fill.client_order_id}
        rows = OrderRow.objects.filter(mode=self._mode, client_order_id__in=client_ids)
        orders = dict(rows.values_list("client_order_id", "pk"))
        told = [
            {
                "number": number,
                "fill_id": fill.fill_id,
                "order_id": orders[fill.client_order_id] if fill.client_order_id else None,
                "kalshi_order_id": fill.kalshi_order_id or "",
                "market_id": market_ids[fill.market_ticker],
                "book_side": fill.book_side,
                "count": str(fill.count),
                "yes_price": str(fill.yes_price),
                "fee": str(fill.fee),
                "is_taker": fill.is_taker,
                "filled_at": fill.filled_at.isoformat(),
                "cash": str(moved),
            }
            for number, (fill, moved) in enumerate(zip(fills, cash, strict=True))
        ]
        with connection.cursor() as cursor:
            cursor.execute(_STORE, {"mode": self._mode.value, "fills": json.dumps(told)})


class PositionRepository:
    """Positions of one mode."""

    def __init__(self, mode: TradingMode) -> None:
        self._mode = mode

    def lock(self, market_ticker: str, market_id: int, at: datetime) -> Position:
        """The position, held until the transaction ends so that nobody else can start from it."""
        return self._lock({market_ticker: market_id}, {market_ticker: at})[market_ticker]

    def lock_all(self, fills: Sequence[Fill], market_ids: Mapping[str, int]) -> dict[str, Position]:
        """The positions of the fills' markets by ticker, held until the transaction ends; always in the same order."""
        since = {fill.market_ticker: fill.filled_at for fill in reversed(fills)}
        return self._lock({ticker: market_ids[ticker] for ticker in since}, since)

    def _lock(self, market_ids: Mapping[str, int], since: Mapping[str, datetime]) -> dict[str, Position]:
        """A market without a position gets an empty one, dated `since`."""
        PositionRow.objects.bulk_create(
            (
                PositionRow(
                    mode=self._mode,
                    market_id=pk,
                    is_open=False,
                    opened_at=since[ticker],
                    updated_at=since[ticker],
                )
                for ticker, pk in sorted(market_ids.items())
            ),
            ignore_conflicts=True,
        )
        rows = PositionRow.objects.filter(mode=self._mode, market_id__in=market_ids.values())
        held = rows.select_for_update(of=("self",)).select_related("market").order_by("pk")
        return {row.market.ticker: _to_position(row) for row in held}

    def save_all(
        self, positions: Mapping[str, Position], fills: Sequence[Fill], market_ids: Mapping[str, int]
    ) -> None:
        """Those of `positions` that `fills` changed."""
        changed_at = {fill.market_ticker: fill.filled_at for fill in fills}
        for ticker, at in changed_at.items():
            self.save(positions[ticker], market_ids[ticker], at)

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

    def opened_at(self) -> datetime | None:
        """When the starting capital was booked; None before."""
        deposit = LedgerRow.objects.filter(mode=self._mode, kind=LedgerRow.Kind.DEPOSIT)
        return deposit.values_list("at", flat=True).first()

    def hold(self) -> bool:
        """Hold the row the account was opened with to the end of the transaction; False before it is open.

        Whoever books what an account shows holds it first: two at once would book the same.
        """
        deposit = LedgerRow.objects.filter(mode=self._mode, kind=LedgerRow.Kind.DEPOSIT)
        return bool(deposit.select_for_update().values_list("pk", flat=True))

    def book_external(self, amount: Decimal, at: datetime, *, note: str) -> None:
        """Cash that came (positive) or went without us."""
        LedgerRow.objects.create(
            mode=self._mode, kind=LedgerRow.Kind.EXTERNAL, amount=amount, at=at, note=note
        )

    def external_by_note(self, notes: Iterable[str]) -> dict[str, Decimal]:
        """What was booked as external with each of `notes`; those that were not are left out."""
        rows = LedgerRow.objects.filter(mode=self._mode, kind=LedgerRow.Kind.EXTERNAL, note__in=list(notes))
        return dict(rows.values_list("note", "amount"))

    def open_account(self, capital: Decimal, at: datetime) -> None:
        """Book the starting capital, once; later calls change nothing."""
        if self.opened_at() is None:
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
    """What an open order, ours or one placed by hand, may still cost in dollars."""

    model_config = ConfigDict(frozen=True)

    market_ticker: str
    amount: Decimal


def reserved_by_orders(
    mode: TradingMode, states: Iterable[OrderState], positions: Iterable[Position]
) -> tuple[Reserved, ...]:
    """Worst-case dollars of every order that may still fill.

    A sale costs its fee as far as `positions` cover it. What they no longer cover opens the other side at its price.
    """
    rows = OrderRow.objects.filter(mode=mode, state__in=[state.value for state in states])
    left = {position.market_ticker: position.count for position in positions}
    return tuple(
        Reserved(market_ticker=row.market.ticker, amount=_at_worst(row, left))
        for row in rows.select_related("market", "intent").order_by("pk")
    )


def _at_worst(row: OrderRow, left: dict[str, Decimal]) -> Decimal:
    """What the order may still cost; of what is `left` to close, by market, a sale takes its part."""
    remaining = row.count - row.filled_count
    amount = row.intent.max_cost * remaining / row.count
    if row.action != Action.SELL:
        return amount
    is_bid = row.book_side == BookSide.BID
    held = left.get(row.market.ticker, ZERO)
    covered = min(remaining, max(-held if is_bid else held, ZERO))
    left[row.market.ticker] = held + covered if is_bid else held - covered
    return amount + (remaining - covered) * (row.limit_price if is_bid else ONE - row.limit_price)


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
