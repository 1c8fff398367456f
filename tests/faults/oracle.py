"""The one judge of every fault scenario: our books against the matching engine itself, never against our own client.

Each check returns what is wrong in words, so that a failing scenario names every disagreement at once.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final, NamedTuple

from django.db import connection, transaction
from django.db.models import Q, Sum

from milkbot.core.config import TradingMode
from sandbox.exchange.ledger import Account as Member
from sandbox.exchange.types import Order as TheirOrder
from tests.faults.exposure import cap_complaints, exit_complaints, exposure_complaints
from tests.public_role import acts_as_public
from tests.trading.order_life import AFTER
from trading.domain.keys import wish_of
from trading.domain.order_states import OrderEvent
from trading.domain.types import Action, OrderState
from trading.models import (
    FillRow,
    LedgerRow,
    OrderEventRow,
    OrderRow,
    PositionRow,
    SettlementRow,
)

PENNY_FRACTION: Final = Decimal("0.0001")
PUBLIC_DELAY: Final = timedelta(minutes=60)
_ENDS: Final = {
    "resting": {OrderState.RESTING, OrderState.PARTIAL},
    "canceled": {OrderState.CANCELED, OrderState.CLOSED},
    "executed": {OrderState.FILLED, OrderState.CLOSED},
}
"""How an order must stand with us, by the exchange's word on it."""
_NEVER_THERE: Final = {OrderState.NEW, OrderState.CANCELED, OrderState.REJECTED, OrderState.CLOSED}
_CREATE: Final = "create"
_ZERO: Final = Decimal(0)


class _Execution(NamedTuple):
    """A fill as both sides must have it."""

    fill_id: str
    order_id: str
    ticker: str
    book_side: str
    contracts: Decimal
    yes_price: Decimal
    fee: Decimal
    is_taker: bool
    at: datetime


def complaints(
    mode: TradingMode,
    member: Member,
    *,
    by_hand: Collection[str] = (),
    forgotten: Collection[str] = (),
    moved_by_hand: Decimal = _ZERO,
) -> list[str]:
    """Everything in which our books of `mode` and the exchange's of `member` disagree, once both are quiet.

    `by_hand` are the exchange's names of orders a person placed on our account; `forgotten` those of orders the exchange
    has lost, whose fills it kept. `moved_by_hand` are the dollars that a person put in or took out.
    """
    return [
        *_order_complaints(mode, member, by_hand, forgotten),
        *_wish_complaints(mode, member),
        *_fill_complaints(mode, member),
        *_position_complaints(mode, member),
        *_cash_complaints(mode, member, moved_by_hand),
        *([] if moved_by_hand or by_hand else _external_complaints(mode)),
        *_settlement_complaints(mode, member),
        *cap_complaints(mode),
        *exposure_complaints(mode, member),
        *exit_complaints(mode, member),
        *audit_complaints(mode),
    ]


def _order_complaints(
    mode: TradingMode, member: Member, by_hand: Collection[str], forgotten: Collection[str]
) -> Iterator[str]:
    ours = {str(row.client_order_id): row for row in OrderRow.objects.filter(mode=mode).select_related()}
    there = [order for order in member.orders.values() if order.order_id not in by_hand]
    for client_id, times in Counter(order.client_order_id for order in there).items():
        if times > 1:
            yield f"{client_id} stands for {times} orders at the exchange"
    for order in there:
        row = ours.pop(order.client_order_id, None)
        if row is None:
            yield f"{order.order_id} at the exchange is none of our intents"
        else:
            yield from _pair_complaints(row, order)
    for row in ours.values():
        is_forgotten = row.kalshi_order_id in forgotten
        if not is_forgotten and (row.state not in _NEVER_THERE or row.filled_count):
            yield f"{row.intent.intent_key} is {row.state} with us and unknown at the exchange"


def _wish_complaints(mode: TradingMode, member: Member) -> Iterator[str]:
    """Of a wish one order rests, and one generation fills. What is held may be sold in many parts."""
    ours = OrderRow.objects.filter(mode=mode).select_related("intent")
    rows = {str(row.client_order_id): row for row in ours}
    resting, filling = Counter[str](), Counter[str]()
    for order in member.orders.values():
        row = rows.get(order.client_order_id)
        if row is not None:
            wish = wish_of(row.intent.intent_key, row.intent.generation)
            resting[wish] += order.status == "resting"
            filling[wish] += row.action != Action.SELL and bool(order.fill_count)
    yield from (f"{wish} rests {times} times" for wish, times in resting.items() if times > 1)
    yield from (f"{wish} was filled by {times} orders" for wish, times in filling.items() if times > 1)


def _pair_complaints(row: OrderRow, order: TheirOrder) -> Iterator[str]:
    key = row.intent.intent_key
    ours = (row.market.ticker, row.book_side, row.limit_price, row.count, row.time_in_force, row.post_only)
    theirs = (
        order.ticker,
        order.side,
        order.price,
        order.initial_count,
        order.time_in_force,
        order.post_only,
    )
    if ours != theirs:
        yield f"{key}: we meant {ours}, the exchange has {theirs}"
    if row.sent_at is None:
        yield f"{key} is at the exchange and was never sent"
    if row.kalshi_order_id not in (None, order.order_id):
        yield f"{key} is called {row.kalshi_order_id} with us and {order.order_id} there"
    if OrderState(row.state) not in _ENDS[order.status]:
        yield f"{key} is {row.state} with us and {order.status} at the exchange"
    if row.filled_count != min(order.fill_count, row.count):
        yield f"{key}: {row.filled_count} filled with us, {order.fill_count} at the exchange"


def _fill_complaints(mode: TradingMode, member: Member) -> Iterator[str]:
    ours = Counter(
        _Execution(
            row.fill_id,
            row.kalshi_order_id,
            row.market.ticker,
            row.book_side,
            row.count,
            row.yes_price,
            row.fee,
            row.is_taker,
            row.filled_at,
        )
        for row in FillRow.objects.filter(mode=mode).select_related("market")
    )
    theirs = Counter(
        _Execution(
            fill.fill_id,
            fill.order_id,
            fill.ticker,
            fill.side,
            fill.count,
            fill.price,
            fill.fee,
            fill.is_taker,
            fill.at,
        )
        for fill in member.fills
    )
    yield from (f"fill {fill} is in our books only, or too often" for fill in ours - theirs)
    yield from (f"fill {fill} is missing in our books" for fill in theirs - ours)


def _position_complaints(mode: TradingMode, member: Member) -> Iterator[str]:
    ours = {row.market.ticker: row for row in PositionRow.objects.filter(mode=mode).select_related("market")}
    for ticker in {*ours, *member.positions}:
        row, theirs = ours.get(ticker), member.positions.get(ticker)
        if theirs is None or row is None:
            yield f"{ticker} is held on one side only"
            continue
        if row.is_open or not theirs.is_settled:
            yield from _differs(f"contracts of {ticker}", row.count, theirs.count)
        yield from _differs(f"cost of {ticker}", row.cost, theirs.exposure)
        yield from _differs(f"fees of {ticker}", row.fees, theirs.fees_paid)
        yield from _differs(f"realized in {ticker}", row.realized_pnl, theirs.realized_pnl)


def _cash_complaints(mode: TradingMode, member: Member, moved_by_hand: Decimal) -> Iterator[str]:
    """What our books cannot explain they take for a person's doing: it hides a movement that was booked wrongly."""
    rows = LedgerRow.objects.filter(mode=mode)
    sums = rows.aggregate(
        all=Sum("amount", default=_ZERO),
        external=Sum("amount", filter=Q(kind=LedgerRow.Kind.EXTERNAL), default=_ZERO),
    )
    yield from _differs("cash", sums["all"], member.cash)
    yield from _differs("cash moved by hand", sums["external"], moved_by_hand)


def _external_complaints(mode: TradingMode) -> Iterator[str]:
    """Where no person did anything, nothing was ever taken for a person's doing, not even for a while."""
    rows = LedgerRow.objects.filter(mode=mode, kind=LedgerRow.Kind.EXTERNAL)
    yield from (f"{row.amount} was booked as external: {row.note}" for row in rows)


def _settlement_complaints(mode: TradingMode, member: Member) -> Iterator[str]:
    """One payout for every one of theirs; whatever else we booked is taken back to the last digit."""
    booked: dict[str, list[SettlementRow]] = defaultdict(list)
    rows = SettlementRow.objects.filter(mode=mode).select_related("market").order_by("market_id", "revision")
    for row in rows:
        booked[row.market.ticker].append(row)
    stands: dict[str, list[SettlementRow]] = {}
    for ticker, revisions in booked.items():
        stands[ticker] = []
        for row in revisions:
            if row.cost >= 0:
                stands[ticker].append(row)
            elif not stands[ticker] or _signed(stands[ticker].pop(), -1) != _signed(row, 1):
                yield f"revision {row.revision} of {ticker} takes back what was not paid"
    ours = Counter((ticker, row.payout) for ticker, left in stands.items() for row in left)
    theirs = Counter((row.ticker, Decimal(row.revenue) / 100) for row in member.settlements)
    yield from (f"payout {one} is in our books only, or too often" for one in (ours - theirs).elements())
    yield from (f"payout {one} is missing in our books" for one in (theirs - ours).elements())
    won: dict[str, Decimal] = defaultdict(Decimal)
    for paid in member.settlements:
        won[paid.ticker] += Decimal(paid.revenue) / 100 - paid.yes_total_cost - paid.no_total_cost
    for ticker in won.keys() & stands.keys():
        yield from _differs(
            f"profit of {ticker}", sum((row.pnl for row in booked[ticker]), _ZERO), won[ticker]
        )


def _signed(row: SettlementRow, sign: int) -> tuple[Decimal, Decimal, Decimal]:
    return sign * row.count, sign * row.cost, sign * row.payout


def audit_complaints(mode: TradingMode) -> list[str]:
    """Orders whose recorded steps have a gap, break the table, or do not end where the order stands."""
    found: list[str] = []
    steps: dict[int, list[OrderEventRow]] = defaultdict(list)
    for step in OrderEventRow.objects.filter(order__mode=mode).order_by("order_id", "version"):
        steps[step.order_id].append(step)
    for row in OrderRow.objects.filter(mode=mode).select_related("intent"):
        found += [f"{row.intent.intent_key}: {fault}" for fault in _steps_faults(row, steps[row.pk])]
    return found


def _steps_faults(row: OrderRow, steps: list[OrderEventRow]) -> Iterator[str]:
    if [step.version for step in steps] != list(range(row.version + 1)):
        yield f"versions {[step.version for step in steps]}, the order is at {row.version}"
        return
    first, last = steps[0], steps[-1]
    if (first.event, first.to_state, last.to_state) != (_CREATE, OrderState.NEW, row.state):
        yield f"begins with {first.event}, ends {last.to_state}, stands {row.state}"
    for before, step in pairwise(steps):
        wanted = AFTER.get((OrderState(step.from_state), OrderEvent(step.event)))
        if step.from_state != before.to_state or step.to_state != wanted:
            yield f"step {step.version} goes {step.from_state} -{step.event}-> {step.to_state}"


def public_complaints(mode: TradingMode, now: datetime) -> list[str]:
    """What the public views would show of the last 60 minutes if `now` were the machine's time.

    The views know no clock but the database's, so all rows are moved to it, looked at, and moved back.
    """
    old_fills = FillRow.objects.filter(mode=mode, filled_at__lte=now - PUBLIC_DELAY).count()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SELECT now()")
        sql_now: datetime = cursor.fetchone()[0]
        _move_all_rows(sql_now - now)
        with acts_as_public():
            cursor.execute("SELECT count(*) FROM v_public_trades")
            shown: int = cursor.fetchone()[0]
            cursor.execute("SELECT max(made_at) FROM v_public_signals")
            opinion: datetime | None = cursor.fetchone()[0]
            cursor.execute("SELECT max(at) FROM v_public_equity")
            equity: datetime | None = cursor.fetchone()[0]
            cursor.execute("SELECT max(locked_at) FROM v_public_locks WHERE from_own_trading")
            lock: datetime | None = cursor.fetchone()[0]
        transaction.set_rollback(True)
    latest = {"opinion": opinion, "equity": equity, "lock of our own trading": lock}
    return [
        *([f"{shown} trades are public, {old_fills} are old enough"] if shown != old_fills else []),
        *(
            f"a public {what} is {sql_now - at} old"
            for what, at in latest.items()
            if at is not None and sql_now - at < PUBLIC_DELAY
        ),
    ]


def _move_all_rows(by: timedelta) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_schema, c.table_name, array_agg(c.column_name::text)"
            " FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)"
            " WHERE c.table_schema IN ('ops', 'analytics') AND t.table_type = 'BASE TABLE'"
            " AND c.data_type = 'timestamp with time zone' GROUP BY 1, 2"
        )
        for schema, table, columns in cursor.fetchall():
            changes = ", ".join(
                f'"{column}" = "{column}" + make_interval(secs => %(by_s)s)' for column in columns
            )
            cursor.execute(f'UPDATE "{schema}"."{table}" SET {changes}', {"by_s": by.total_seconds()})


def _differs(what: str, ours: Decimal, theirs: Decimal) -> Iterator[str]:
    if abs(ours - theirs) >= PENNY_FRACTION:
        yield f"{what}: ours {ours.normalize():f}, theirs {theirs.normalize():f}"
