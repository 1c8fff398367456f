"""The order desk: what an account may ask for its orders, once the market is known to trade."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from sandbox.exchange import checks
from sandbox.exchange.book import NOTHING, Market, opposite
from sandbox.exchange.fees import FeeSchedule
from sandbox.exchange.floor import Floor
from sandbox.exchange.ledger import Account, closable, cost_each
from sandbox.exchange.matching import Plan, Taker, crosses, walk
from sandbox.exchange.types import (
    Amended,
    AmendRequest,
    BookSide,
    Canceled,
    Decreased,
    Fill,
    Order,
    OrderRequest,
    Placed,
    Refusal,
)

AVERAGE_STEP: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Incoming:
    """An order about to meet the book: a new one, or the resting `amends` at its new price and size."""

    side: BookSide
    price: Decimal
    count: Decimal
    plan: Plan
    amends: str | None = None


class Desk:
    """Decides about orders of one market at a time and has the floor carry it out."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def create(
        self, account: Account, market: Market, request: OrderRequest, schedule: FeeSchedule, at: datetime
    ) -> Placed:
        """Match, then rest, cancel or kill what is left. Raises Refusal."""
        held = closable(request.side, account.held(market.ticker))
        count = min(request.count, held) if request.reduce_only else request.count
        plan = self._plan(account, market, request, count)
        if request.time_in_force == "fill_or_kill" and plan.left:
            self._burn(account, request.client_order_id, "")
            raise Refusal(409, "fill_or_kill_insufficient_resting_volume")
        self._require_funds(account, market, Incoming(request.side, request.price, count, plan), schedule)
        order = _new_order(self._floor.next_order_id(), account.name, request, at)
        self._burn(account, request.client_order_id, order.order_id)
        self._floor.update(order)
        fills = self._floor.carry_out(market, order, plan, at)
        order = self._leave(market, account.orders[order.order_id], request, plan, at)
        price, fee = averages(fills)
        return Placed(
            order.order_id, order.client_order_id, order.fill_count, order.remaining_count, price, fee, at
        )

    def amend(
        self,
        account: Account,
        market: Market,
        order: Order,
        request: AmendRequest,
        schedule: FeeSchedule,
        at: datetime,
    ) -> Amended:
        """A new price or a larger size goes to the end of the queue, and may fill; else the place is kept."""
        new_id = request.updated_client_order_id
        if new_id not in ("", order.client_order_id):
            self.refuse_duplicate(account, new_id)
        wanted = request.count - order.fill_count
        moves = request.price != order.price or wanted > order.remaining_count
        changed = replace(
            order,
            client_order_id=new_id or order.client_order_id,
            price=request.price,
            initial_count=request.count,
            remaining_count=wanted,
            expires_at=request.expires_at if request.changes_expiry else order.expires_at,
            last_update_at=at,
            last_update_reason="Amend",
        )
        fills = self._replace(account, market, order, changed, schedule, at) if moves else []
        if not moves:
            self._floor.shrink(market, order, order.remaining_count - wanted, at)
            self._floor.update(changed)
        self._burn(account, new_id, order.order_id)
        after = account.orders[order.order_id]
        price, fee = averages(fills)
        is_told = after.remaining_count != order.remaining_count or bool(fills)
        return Amended(
            order_id=after.order_id,
            client_order_id=after.client_order_id,
            fill_count=after.fill_count - order.fill_count if is_told else None,
            remaining_count=after.remaining_count if is_told else None,
            average_fill_price=price,
            average_fee_paid=fee,
            at=at,
        )

    def cancel(self, market: Market, order: Order, at: datetime) -> Canceled:
        """Take a resting order off the book."""
        self._floor.cancel(market, order, at, "Cancel")
        return Canceled(order.order_id, order.client_order_id, order.remaining_count, at)

    def decrease(self, market: Market, order: Order, to: Decimal, at: datetime) -> Decreased:
        """Fewer contracts in the same place; none at all is a cancel. Raises Refusal for more than there are."""
        if not NOTHING <= to <= order.remaining_count:
            raise checks.invalid_size("more than the order has left")
        if not to:
            self._floor.cancel(market, order, at, "Decrease")
        else:
            self._floor.shrink(market, order, order.remaining_count - to, at)
            self._floor.update(
                replace(order, remaining_count=to, last_update_at=at, last_update_reason="Decrease")
            )
        return Decreased(order.order_id, order.client_order_id, to, at)

    def refuse_duplicate(self, account: Account, client_order_id: str) -> None:
        """Raises Refusal 409 for an id this account has ever used, whatever became of it."""
        if client_order_id and client_order_id in account.client_ids:
            raise Refusal(409, "order_already_exists", "order already exists")

    def _plan(self, account: Account, market: Market, request: OrderRequest, count: Decimal) -> Plan:
        resting = market.side(opposite(request.side))
        if request.post_only:
            self._refuse_cross(market, request.side, request.price)
            return Plan(count)
        taker = Taker(account.name, request.self_trade_prevention_type, request.price, count)
        return walk(resting, opposite(request.side), taker) if count else Plan(count)

    def _replace(
        self,
        account: Account,
        market: Market,
        order: Order,
        changed: Order,
        schedule: FeeSchedule,
        at: datetime,
    ) -> Sequence[Fill]:
        """Leave the old place, meet the book anew, rest what is left."""
        if order.post_only:
            self._refuse_cross(market, order.side, changed.price)
        taker = Taker(account.name, order.self_trade_prevention_type, changed.price, changed.remaining_count)
        plan = walk(market.side(opposite(order.side)), opposite(order.side), taker)
        incoming = Incoming(order.side, changed.price, changed.remaining_count, plan, order.order_id)
        self._require_funds(account, market, incoming, schedule)
        self._floor.withdraw(market, order, at)
        self._floor.update(changed)
        fills = self._floor.carry_out(market, changed, plan, at)
        after = account.orders[order.order_id]
        if plan.is_stopped:
            self._floor.end(after, at, "SelfTradePreventionCancel")
        elif after.remaining_count:
            self._floor.rest(market, after)
        return fills

    def _leave(self, market: Market, order: Order, request: OrderRequest, plan: Plan, at: datetime) -> Order:
        """What becomes of the contracts that did not fill."""
        if not order.remaining_count:
            return order
        if plan.is_stopped:
            return self._floor.end(order, at, "SelfTradePreventionCancel")
        if request.time_in_force == "good_till_canceled":
            self._floor.rest(market, order)
            return order
        capped = request.reduce_only and not plan.left
        return self._floor.end(order, at, "ReduceOnlyCancel" if capped else "ImmediateOrCancel")

    def _refuse_cross(self, market: Market, side: BookSide, price: Decimal) -> None:
        if crosses(market.side(opposite(side)), opposite(side), price):
            raise checks.invalid_order("post only cross")

    def _require_funds(
        self, account: Account, market: Market, incoming: Incoming, schedule: FeeSchedule
    ) -> None:
        """The whole order at its limit and the fees of what fills at once must be there; what closes brings money."""
        side, price = incoming.side, incoming.price
        hold = self._floor.holds.growth(account, market, side, price, incoming.count, incoming.amends)
        taken = sum((take.count for take in incoming.plan.takes), NOTHING)
        fees = sum(
            (schedule.trade_fee(take.price, take.count, is_taker=True) for take in incoming.plan.takes),
            NOTHING,
        )
        closing = min(taken, closable(side, account.held(market.ticker)))
        need = hold + fees - closing * (1 - cost_each(side, price))
        if need > account.cash - self._floor.holds.total(account.name):
            raise Refusal(400, "insufficient_balance", "insufficient balance")

    def _burn(self, account: Account, client_order_id: str, order_id: str) -> None:
        if client_order_id:
            account.client_ids[client_order_id] = order_id


def averages(fills: Sequence[Fill]) -> tuple[Decimal | None, Decimal | None]:
    """Volume-weighted price and fee per contract to four decimals; None without a fill."""
    count = sum((fill.count for fill in fills), NOTHING)
    if not count:
        return None, None
    price = sum((fill.price * fill.count for fill in fills), NOTHING) / count
    fee = sum((fill.fee for fill in fills), NOTHING) / count
    return price.quantize(AVERAGE_STEP, ROUND_HALF_UP), fee.quantize(AVERAGE_STEP, ROUND_HALF_UP)


def _new_order(order_id: str, account: str, request: OrderRequest, at: datetime) -> Order:
    return Order(
        order_id=order_id,
        account=account,
        client_order_id=request.client_order_id,
        ticker=request.ticker,
        side=request.side,
        price=request.price,
        time_in_force=request.time_in_force,
        self_trade_prevention_type=request.self_trade_prevention_type,
        status="resting",
        initial_count=request.count,
        fill_count=NOTHING,
        remaining_count=request.count,
        taker_fill_cost=NOTHING,
        maker_fill_cost=NOTHING,
        taker_fees=NOTHING,
        maker_fees=NOTHING,
        created_at=at,
        last_update_at=at,
        last_update_reason="Create",
        expires_at=request.expires_at,
        post_only=request.post_only,
        cancel_order_on_pause=request.cancel_order_on_pause,
        order_group_id=request.order_group_id,
        rounding_balance=NOTHING,
    )
