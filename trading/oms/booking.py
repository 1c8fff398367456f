"""Books fills: each once, with its position, its cash and its order, all in one transaction.

A handful of statements whatever the number of fills. Each fill still is an event of its order: the audit reads the
same whether fills were booked one by one or a thousand at once, and a step can be traced to the fill that caused it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from milkbot.core.config import TradingMode
from trading.breakers import trip
from trading.domain.breakers import Breaker, Trip
from trading.domain.fills import take_fills
from trading.domain.types import Fill, Order
from trading.repositories.books import FillRepository
from trading.repositories.orders import Learnt, Move, OrderRepository, StaleOrder, Step


class Booked(NamedTuple):
    """The fills that were new, and every order among the fills' as it stands now."""

    fills: tuple[Fill, ...]
    orders: Mapping[UUID, Order]


@transaction.atomic
def book_fills(
    mode: TradingMode, fills: Sequence[Fill], market_ids: Mapping[str, int], at: datetime
) -> Booked:
    """Store those of `fills` that are not known yet, in the order given, with everything that follows from them.

    Contracts beyond what was ordered are ours all the same: they are booked, and the breaker stops everything.
    """
    repository = OrderRepository(mode)
    # Orders before positions, here as everywhere: two bookings can wait for each other in one direction only.
    orders = repository.lock(fill.client_order_id for fill in fills if fill.client_order_id)
    new = FillRepository(mode).book_all(fills, market_ids)
    return Booked(new, {**orders, **_move(repository, orders, new, {}, at)})


@transaction.atomic
def claim_fills(
    mode: TradingMode, owners: Mapping[str, Order], sizes: Mapping[str, Decimal], at: datetime
) -> int:
    """Give fills that were booked as external to the orders of ours they prove to belong to; returns how many.

    `owners` are those orders by the exchange's names, `sizes` how many contracts the exchange has each for. Books that are
    a copy from before an intent know its fills first: positions and cash have them, and their order only now.
    """
    repository = OrderRepository(mode)
    orders = repository.lock(order.client_order_id for order in owners.values())
    held = {name: orders[order.client_order_id] for name, order in owners.items()}
    given = FillRepository(mode).claim(held)
    by_order = {held[name].client_order_id: size for name, size in sizes.items() if name in held}
    _move(repository, orders, given, by_order, at)
    return len(given)


def _move(
    repository: OrderRepository,
    orders: Mapping[UUID, Order],
    fills: Sequence[Fill],
    sizes: Mapping[UUID, Decimal],
    at: datetime,
) -> dict[UUID, Order]:
    """Move the held `orders` by their new fills. More than the order, and more than the exchange has it for where that
    is known, is an overfill.
    """
    moves: list[Move] = []
    for order_id, of_order in _by_order(fills).items():
        move, excess = _fold(orders[order_id], of_order)
        moves.append(move)
        filled = move.order.count + excess
        if excess and filled > sizes.get(order_id, move.order.count):
            said = f"{move.order.intent_key}: {filled} filled of {move.order.count}"
            trip(move.order.mode, Trip(Breaker.OVERFILL, said), at)
    moved = repository.move_all(moves, at=at)
    if len(moved) != len(moves):
        raise StaleOrder("an order moved although it was held")
    return moved


def _by_order(fills: Sequence[Fill]) -> dict[UUID, list[Fill]]:
    """Fills of our own orders by client order id, each list in the order given."""
    found: dict[UUID, list[Fill]] = {}
    for fill in fills:
        if fill.client_order_id is not None:
            found.setdefault(fill.client_order_id, []).append(fill)
    return found


def _fold(order: Order, fills: Sequence[Fill]) -> tuple[Move, Decimal]:
    """All of an order's new fills as one move, and the contracts beyond what was ordered."""
    after, events, excess = take_fills(order, *fills)
    steps = tuple(
        Step(event, {"fill_id": fill.fill_id, "count": fill.count, "yes_price": fill.yes_price})
        for event, fill in zip(events, fills, strict=True)
    )
    learnt: Learnt = {"filled_count": after.filled_count, "kalshi_order_id": after.kalshi_order_id}
    return Move(order, steps, learnt), excess
