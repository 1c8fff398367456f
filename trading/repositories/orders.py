"""Intents and orders. An intent is written with its order, once, under a valid lease; states change by compare-and-set.

Both rules are single SQL statements, so no interleaving of processes can break them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypedDict, Unpack
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Q, QuerySet

from milkbot.core.config import TradingMode
from milkbot.core.errors import MilkbotError
from trading.domain.keys import client_order_id, wish_of
from trading.domain.order_states import OrderEvent, next_state
from trading.domain.supersede import Standing, Unanswered
from trading.domain.types import Intent, Order, OrderState, TimeInForce
from trading.models import OrderEventRow, OrderRow


class Lease(NamedTuple):
    """The right to trade in a mode, as `trading.oms.lease` granted it."""

    mode: TradingMode
    holder: str
    fencing: int


class Learnt(TypedDict, total=False):
    """What a step may tell of an order; left out or None leaves what is known."""

    filled_count: Decimal | None
    reported_count: Decimal | None
    kalshi_order_id: str | None
    sent_at: datetime | None
    expires_at: datetime | None


class Fenced(MilkbotError):
    """Another process trades now; nothing was written."""


class StaleOrder(MilkbotError):
    """The order has moved since we last saw it, be it back to the same state; nothing was changed."""


_WRITE_INTENTS = """
WITH lease AS (
    SELECT 1 FROM trader_lease
    WHERE mode = %(mode)s AND holder = %(holder)s AND fencing = %(fencing)s AND expires_at > now()
    FOR SHARE
), written AS (
    INSERT INTO intents (intent_key, mode, market_id, city_code, event_date, side, action, book_side, strategy,
                         contributors, generation, post_only, count, limit_price, max_cost, p_yes, decided_at, fencing)
    SELECT w.intent_key, %(mode)s, w.market_id, w.city_code, w.event_date, w.side, w.action, w.book_side, w.strategy,
           w.contributors, w.generation, w.post_only, w.count, w.limit_price, w.max_cost, w.p_yes, w.decided_at,
           %(fencing)s
    FROM lease, jsonb_to_recordset(%(intents)s::jsonb) AS w(
        intent_key text, market_id bigint, city_code text, event_date date, side text, action text, book_side text,
        strategy text, contributors jsonb, generation int, post_only bool, count numeric, limit_price numeric,
        max_cost numeric, p_yes float8, decided_at timestamptz)
    ON CONFLICT (intent_key) DO NOTHING
    RETURNING id, intent_key
)
SELECT (SELECT count(*) FROM lease), written.id, written.intent_key
FROM (VALUES (1)) AS always LEFT JOIN written ON true
"""

_MOVE = """
WITH moves AS (
    SELECT * FROM jsonb_to_recordset(%(moves)s::jsonb) AS m(
        client_order_id uuid, from_version int, from_state text, to_state text, filled_count numeric,
        reported_count numeric, kalshi_order_id text, sent_at timestamptz, expires_at timestamptz, steps jsonb)
), changed AS (
    UPDATE orders
    SET state = moves.to_state, version = version + jsonb_array_length(moves.steps), updated_at = %(at)s,
        filled_count = COALESCE(moves.filled_count, orders.filled_count),
        reported_count = COALESCE(moves.reported_count, orders.reported_count),
        kalshi_order_id = COALESCE(moves.kalshi_order_id, orders.kalshi_order_id),
        sent_at = COALESCE(moves.sent_at, orders.sent_at),
        expires_at = COALESCE(moves.expires_at, orders.expires_at)
    FROM moves
    WHERE orders.client_order_id = moves.client_order_id AND orders.version = moves.from_version
      AND orders.state = moves.from_state
    RETURNING orders.id, orders.client_order_id, orders.version, moves.steps
), recorded AS (
    INSERT INTO order_events (order_id, version, from_state, to_state, event, actor, at, payload)
    SELECT changed.id, changed.version - jsonb_array_length(changed.steps) + step.number, step.value->>'from_state',
           step.value->>'to_state', step.value->>'event', %(actor)s, %(at)s, step.value->'payload'
    FROM changed CROSS JOIN LATERAL jsonb_array_elements(changed.steps) WITH ORDINALITY AS step(value, number)
)
SELECT client_order_id FROM changed
"""


_COLUMNS: Final[Mapping[str, str]] = {name: name for name in Order.model_fields} | {
    "intent_key": "intent__intent_key",
    "market_ticker": "market__ticker",
}
"""Each field of an order and where it is stored, seen from the order's row."""


class Step(NamedTuple):
    """One event of an order and what is recorded with it."""

    event: OrderEvent
    payload: Mapping[str, Any] = MappingProxyType({})


class Move(NamedTuple):
    """An order as last seen, the events that move it, at least one, and what is learnt of it by them."""

    order: Order
    steps: tuple[Step, ...]
    learnt: Learnt = Learnt()


class OrderRepository:
    """Orders of one mode."""

    def __init__(self, mode: TradingMode) -> None:
        self._mode = mode

    @transaction.atomic
    def create(
        self,
        intents: Sequence[Intent],
        market_ids: Mapping[str, int],
        *,
        lease: Lease,
    ) -> tuple[Order, ...]:
        """Write each new intent with its order in state NEW. An intent that exists is left alone: its order comes back.

        A post-only intent becomes an order that rests, any other one that takes what it finds and leaves.
        Raises Fenced, having written nothing, when `lease` is not the valid one.
        """
        if lease.mode is not self._mode:
            raise Fenced(f"a lease for {lease.mode} cannot write intents of {self._mode}")
        if not intents:
            return ()
        written = self._write_intents(intents, market_ids, lease)
        rows = OrderRow.objects.bulk_create(
            _order_row(intent, written[intent.intent_key], market_ids[intent.market_ticker])
            for intent in intents
            if intent.intent_key in written
        )
        OrderEventRow.objects.bulk_create(
            OrderEventRow(order=row, version=0, to_state=OrderState.NEW, event="create", at=row.created_at)
            for row in rows
        )
        return self.by_intent_keys(intent.intent_key for intent in intents)

    def get_by_intent_key(self, key: str) -> Order | None:
        return next(iter(self.by_intent_keys([key])), None)

    def find(self, name: str) -> Order | None:
        """The order of that intent key or client order id."""
        named = Q(intent__intent_key=name)
        client_id = _as_uuid(name)
        if client_id is not None:
            named |= Q(client_order_id=client_id)
        return next(read_orders(OrderRow.objects.filter(named, mode=self._mode)), None)

    def by_intent_keys(self, keys: Iterable[str]) -> tuple[Order, ...]:
        rows = OrderRow.objects.filter(mode=self._mode, intent__intent_key__in=list(keys))
        return tuple(read_orders(rows.order_by("pk")))

    def by_exchange_names(self, names: Mapping[str, str]) -> dict[str, Order]:
        """Orders of ours among `names`: the exchange's name of an order to the client order id it carries, if known."""
        mine = OrderRow.objects.filter(mode=self._mode)
        named = read_orders(mine.filter(kalshi_order_id__in=list(names)))
        found = {order.kalshi_order_id or "": order for order in named}
        # Nearly all are found by name; one whose answer was lost has none here and is found by the id it carries.
        carried = {name: _as_uuid(client_id) for name, client_id in names.items() if name not in found}
        client_ids = {client_id for client_id in carried.values() if client_id is not None}
        if client_ids:
            unnamed = {o.client_order_id: o for o in read_orders(mine.filter(client_order_id__in=client_ids))}
            found |= {name: unnamed[key] for name, key in carried.items() if key in unnamed}
        return found

    def in_states(self, states: Iterable[OrderState]) -> tuple[Order, ...]:
        rows = OrderRow.objects.filter(mode=self._mode, state__in=[state.value for state in states])
        return tuple(read_orders(rows.order_by("pk")))

    def unknown_since(self) -> dict[UUID, datetime]:
        """When we last lost sight of each order that is UNKNOWN, by client order id: what was asked since is no evidence."""
        lost = OrderEventRow.objects.filter(
            order__mode=self._mode, order__state=OrderState.UNKNOWN.value, to_state=OrderState.UNKNOWN.value
        ).exclude(from_state=OrderState.UNKNOWN.value)
        return dict(
            lost.values("order").annotate(since=Max("at")).values_list("order__client_order_id", "since")
        )

    def markets_unanswered(self, since: datetime) -> frozenset[str]:
        """Markets in which an order without a name at the exchange may own a fill: unanswered, or written off `since`."""
        open_ones = Q(state__in=(OrderState.SUBMITTED, OrderState.UNKNOWN))
        written_off = Q(state=OrderState.CANCELED, kalshi_order_id__isnull=True, updated_at__gte=since)
        rows = OrderRow.objects.filter(open_ones | written_off, mode=self._mode)
        return frozenset(rows.values_list("market__ticker", flat=True))

    def standings(self, event_tickers: Iterable[str]) -> dict[str, Standing]:
        """How every wish ever written for the markets of these events stands, by its key without generation."""
        rows = OrderRow.objects.filter(mode=self._mode, market__event__event_ticker__in=list(event_tickers))
        standings: dict[str, Standing] = {}
        for row in rows.select_related("intent").order_by("intent__generation"):
            wish = wish_of(row.intent.intent_key, row.intent.generation)
            first = standings.get(wish)
            standings[wish] = Standing(
                generation=row.intent.generation,
                state=OrderState(row.state),
                filled_count=row.filled_count,
                first_price=first.first_price if first else row.limit_price,
                updated_at=row.updated_at,
                unanswered=_unanswered(row),
            )
        return standings

    def transition(
        self,
        order: Order,
        event: OrderEvent,
        *,
        at: datetime,
        actor: str = "system",
        payload: Mapping[str, Any] | None = None,
        **learnt: Unpack[Learnt],
    ) -> Order:
        """Move `order` by `event` if it still is as given, and record the step with what was `learnt` by it.

        Returns the order after it. Raises IllegalTransition for a step the table lacks, StaleOrder when someone else moved it first.
        """
        moved = self.move_all([Move(order, (Step(event, payload or {}),), learnt)], at=at, actor=actor)
        if order.client_order_id not in moved:
            raise StaleOrder(f"{order.intent_key} is no longer {order.state} as of step {order.version}")
        return moved[order.client_order_id]

    def move_all(self, moves: Sequence[Move], *, at: datetime, actor: str = "system") -> dict[UUID, Order]:
        """Move each order that still is as given, in one statement; every step becomes an event of its own.

        Returns the moved orders as they are after it, by client order id: what is missing somebody else moved first.
        Of two moves of one order the last is taken: the other would be from a view that is stale by then.
        Raises IllegalTransition, with nothing changed, for a step the table lacks.
        """
        if not moves:
            return {}
        moves = list({move.order.client_order_id: move for move in moves}.values())
        told = [_as_told(move) for move in moves]
        parameters: dict[str, Any] = {"moves": json.dumps(told, default=str), "at": at, "actor": actor}
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, parameters)
            changed = {client_id for (client_id,) in cursor.fetchall()}
        return {
            move.order.client_order_id: _moved(move, row["to_state"], at)
            for move, row in zip(moves, told, strict=True)
            if move.order.client_order_id in changed
        }

    def lock(self, client_order_ids: Iterable[UUID]) -> dict[UUID, Order]:
        """These orders by client order id, held until the transaction ends; always locked in the same order."""
        rows = OrderRow.objects.filter(mode=self._mode, client_order_id__in=list(client_order_ids))
        held = tuple(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
        # Read by a statement of its own: it sees what whoever held them before has done.
        orders = read_orders(OrderRow.objects.filter(pk__in=held))
        return {order.client_order_id: order for order in orders}

    def _write_intents(
        self, intents: Sequence[Intent], market_ids: Mapping[str, int], lease: Lease
    ) -> dict[str, int]:
        """Ids of the intents this call wrote, by key."""
        rows = [
            {**intent.model_dump(mode="json"), "market_id": market_ids[intent.market_ticker]}
            for intent in intents
        ]
        parameters = {**lease._asdict(), "mode": lease.mode.value, "intents": json.dumps(rows)}
        with connection.cursor() as cursor:
            cursor.execute(_WRITE_INTENTS, parameters)
            found = cursor.fetchall()
        if not found[0][0]:
            raise Fenced(f"lease #{lease.fencing} of {lease.holder} is no longer valid for {self._mode}")
        return {key: pk for _, pk, key in found if pk is not None}


def _as_told(move: Move) -> dict[str, Any]:
    """A move as the statement reads it."""
    state, steps = move.order.state, []
    for step in move.steps:
        before, state = state, next_state(state, step.event)
        steps.append(
            {
                "from_state": before,
                "to_state": state,
                "event": step.event,
                "payload": dict(step.payload),
            }
        )
    return {
        "client_order_id": move.order.client_order_id,
        "from_version": move.order.version,
        "from_state": move.order.state,
        "to_state": state,
        "steps": steps,
        **move.learnt,
    }


def _moved(move: Move, state: OrderState, at: datetime) -> Order:
    known = {name: value for name, value in move.learnt.items() if value is not None}
    version = move.order.version + len(move.steps)
    return move.order.model_copy(update={"state": state, "version": version, "updated_at": at, **known})


def _unanswered(row: OrderRow) -> Unanswered | None:
    """What may be asked for again: an order of which nothing but our own wish is known."""
    if row.state != OrderState.UNKNOWN or row.kalshi_order_id is not None or row.filled_count:
        return None
    return Unanswered(row.limit_price, row.count, row.post_only, row.created_at)


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def read_orders(rows: QuerySet[OrderRow]) -> Iterator[Order]:
    """The domain orders of `rows`, in their order, from one statement."""
    # Column by column: three model instances for each order would take most of the time of a long reconciliation.
    for values in rows.values_list(*_COLUMNS.values()):
        yield Order.model_validate(dict(zip(_COLUMNS, values, strict=True)))


def _order_row(intent: Intent, intent_id: int, market_id: int) -> OrderRow:
    return OrderRow(
        intent_id=intent_id,
        client_order_id=client_order_id(intent.intent_key),
        mode=intent.mode,
        market_id=market_id,
        side=intent.side,
        action=intent.action,
        book_side=intent.book_side,
        limit_price=intent.limit_price,
        count=intent.count,
        time_in_force=TimeInForce.GTC if intent.post_only else TimeInForce.IOC,
        post_only=intent.post_only,
        created_at=intent.decided_at,
        updated_at=intent.decided_at,
    )
