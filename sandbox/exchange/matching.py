"""Price-time priority: which orders a taker meets, in which order, and for how many contracts. Changes nothing."""

from dataclasses import dataclass, field
from decimal import Decimal

from sandbox.exchange.book import NOTHING, Resting, Side, best_first, is_within
from sandbox.exchange.types import BookSide, SelfTradePrevention


@dataclass(frozen=True, slots=True)
class Take:
    """Contracts had at `price`: of the member's order `order_id`, or of the world when that is None."""

    price: Decimal
    count: Decimal
    order_id: str | None


@dataclass(slots=True)
class Plan:
    """What happens to a taker: takes in order, own resting orders that give way, contracts left, and whether it stops
    for good because it met an order of its own account."""

    left: Decimal
    takes: list[Take] = field(default_factory=list)
    gives_way: list[str] = field(default_factory=list)
    is_stopped: bool = False

    def take(self, price: Decimal, wanted: Decimal, order_id: str | None) -> None:
        """As much of `wanted` as the taker still needs."""
        count = min(wanted, self.left)
        if count > 0:
            self.takes.append(Take(price, count, order_id))
            self.left -= count

    def is_over(self) -> bool:
        """Nothing more can be had."""
        return self.is_stopped or not self.left


@dataclass(frozen=True, slots=True)
class Taker:
    """Who takes: `account` None for the world's takers, who never meet themselves."""

    account: str | None
    prevention: SelfTradePrevention
    limit: Decimal
    count: Decimal


def crosses(resting: Side, side: BookSide, limit: Decimal) -> bool:
    """Whether a taker with `limit` would meet anything on the resting `side`."""
    return any(is_within(side, price, limit) for price in resting.queue) or any(
        level.left and is_within(side, price, limit) for price, level in resting.world.items()
    )


def walk(resting: Side, side: BookSide, taker: Taker) -> Plan:
    """How an incoming order fares against the resting `side`."""
    plan = Plan(taker.count)
    prices = {price for price in resting.queue if is_within(side, price, taker.limit)}
    prices |= {price for price in resting.world if is_within(side, price, taker.limit)}
    for price in best_first(side, prices):
        walk_level(resting, price, resting.world_left(price), taker, plan)
        if plan.is_over():
            break
    return plan


def walk_level(resting: Side, price: Decimal, world: Decimal, taker: Taker, plan: Plan) -> None:
    """One price: the world's contracts before each member's order, the order, and at last the rest of the world's."""
    passed = NOTHING
    for place in resting.queue.get(price, {}).values():
        before = max(min(place.ahead, world) - passed, NOTHING)
        plan.take(price, before, None)
        passed += before
        if plan.is_over():
            return
        _meet(place, price, taker, plan)
        if plan.is_over():
            return
    plan.take(price, world - passed, None)


def _meet(place: Resting, price: Decimal, taker: Taker, plan: Plan) -> None:
    if place.account != taker.account:
        plan.take(price, place.count, place.order_id)
    elif taker.prevention == "maker":
        plan.gives_way.append(place.order_id)
    else:
        plan.is_stopped = True
