"""Ends an order by a person's decision whose fate no evidence will tell any more (design 6.3, its last row).

The exchange spoke of the order or of its fills once and shows neither now. Whatever it does show is asked for first: a
person can only decide what the exchange leaves open.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction

from markets.domain.account_types import ExchangeFill
from markets.models import MarketRow
from milkbot.core.config import TradingMode
from milkbot.core.errors import MilkbotError
from milkbot.core.money import ZERO
from milkbot.logger import logger
from trading.domain.evidence import REQUEST_LIFE, gone_after
from trading.domain.order_states import OrderEvent
from trading.domain.reconciliation import AccountReading, list_orders
from trading.domain.types import Order, OrderState
from trading.models import OperatorActionRow
from trading.oms.account import OVERLAP, Account
from trading.repositories.books import FillRepository, LedgerRepository, PositionRepository
from trading.repositories.orders import OrderRepository, StaleOrder
from trading.repositories.settlements import SettlementRepository

ACTION = "decide_order"
_DECIDED = (OrderState.CANCELED, OrderState.CLOSED)


class CannotDecide(MilkbotError):
    """The order is not for a person to decide, or the exchange says otherwise; nothing was changed."""


class Decided(NamedTuple):
    """The order as it stands now. `is_new` is False when it had been decided so before."""

    order: Order
    is_new: bool


def decide_ended(
    mode: TradingMode,
    name: str,
    account: Account,
    *,
    actor: str,
    user_id: int | None,
    reason: str,
    now: datetime,
) -> Decided:
    """End the UNKNOWN order of that intent key or client order id as one that does not exist and never will fill, on the
    record. Idempotent: once more it changes and records nothing.

    Its reservation ends with it. A fill that comes all the same is booked and counted. Raises CannotDecide, ValueError
    without a reason.
    """
    if not reason.strip():
        raise ValueError("say why: the reason is kept with the action")
    repository = OrderRepository(mode)
    order = repository.find(name)
    if order is None:
        raise CannotDecide(f"no order {name} of {mode} is known here")
    if order.state in _DECIDED and _was_decided(order):
        return Decided(order, is_new=False)
    if order.state is not OrderState.UNKNOWN:
        raise CannotDecide(
            f"{order.intent_key} is {order.state}: only what is UNKNOWN is for a person to decide"
        )
    # The exchange is asked before anything is locked; whoever moves the order meanwhile has the last word.
    reading = account.read((order.sent_at or order.created_at) - OVERLAP, [order])
    _refuse_unread(order, reading)
    _refuse_shown(order, reading)
    _refuse_holdings(order, reading, account)
    why = {"verdict": "decided", "why": reason}
    try:
        with transaction.atomic():
            ended = repository.transition(order, OrderEvent.CANCEL, at=now, actor=actor, payload=why)
            _record(order, ended, actor, user_id, reason, now)
    except StaleOrder as moved:
        raise CannotDecide(f"{moved}: look at it again") from moved
    logger.warning("order decided by hand", extra={"intent_key": order.intent_key, "by": actor})
    return Decided(ended, is_new=True)


def _was_decided(order: Order) -> bool:
    done = OperatorActionRow.objects.filter(mode=order.mode, action=ACTION)
    return done.filter(after__client_order_id=str(order.client_order_id)).exists()


def _record(order: Order, ended: Order, actor: str, user_id: int | None, reason: str, now: datetime) -> None:
    OperatorActionRow.objects.create(
        at=now,
        actor=actor,
        user_id=user_id,
        action=ACTION,
        mode=order.mode,
        reason=reason,
        before={
            "intent_key": order.intent_key,
            "state": order.state,
            "reported": str(order.reported_count),
            "booked": str(order.filled_count),
        },
        after={"client_order_id": str(order.client_order_id), "state": ended.state},
    )


def _refuse_unread(order: Order, reading: AccountReading) -> None:
    """While the exchange does not answer, or not for a time in which the order can no longer arrive nor rest."""
    complete = reading.complete_until
    if complete is None or reading.positions is None:
        why = "; ".join(reading.faults) or "something filled while it was read"
        raise CannotDecide(
            f"the account cannot be read as a whole ({why}): decide once manage.py reconcile can read it"
        )
    gone = gone_after(order) or (order.sent_at or order.created_at) + REQUEST_LIFE
    if complete <= gone:
        raise CannotDecide(
            f"it may arrive or rest until {gone:%d %b %H:%M:%SZ}, and the exchange's lists reach {complete:%H:%M:%SZ}: "
            "evidence may end it by itself"
        )


def _refuse_shown(order: Order, reading: AccountReading) -> None:
    """Where the exchange has a word on the order, that word stands."""
    shown = list_orders(reading.orders).sighting_of(order, reading.complete_until).shown
    if shown is not None:
        rests = "resting" if shown.rests else "ended"
        raise CannotDecide(
            f"the exchange lists it as {shown.kalshi_order_id}, {rests} with {shown.fill_count.normalize():f} filled: "
            "manage.py reconcile follows it"
        )
    unbooked = _unbooked(order, reading.fills.rows)
    if unbooked:
        named = ", ".join(fill.fill_id for fill in unbooked)
        raise CannotDecide(
            f"the exchange shows fills in {order.market_ticker} that are not in our books ({named}): "
            "run manage.py reconcile first"
        )


def _unbooked(order: Order, fills: Sequence[ExchangeFill]) -> list[ExchangeFill]:
    """Fills of the order's market that any order of ours could own. What lies before our books were opened is in their
    opening balance.
    """
    opened_at = LedgerRepository(order.mode).opened_at()
    there = [fill for fill in fills if fill.ticker == order.market_ticker]
    known = FillRepository(order.mode).known(fill.fill_id for fill in there)
    return [
        fill
        for fill in there
        if fill.fill_id not in known
        and (opened_at is None or fill.filled_at > opened_at or fill.order_id == order.kalshi_order_id)
    ]


def _refuse_holdings(order: Order, reading: AccountReading, account: Account) -> None:
    """Unless the exchange holds of the market, or has paid out, exactly what our books have without the order."""
    ticker = order.market_ticker
    position = PositionRepository(order.mode).get(ticker)
    ours = SettlementRepository(order.mode).paid(ticker).contracts + (position.count if position else ZERO)
    theirs = sum((row.count for row in reading.positions or () if row.ticker == ticker), ZERO)
    theirs += _paid_out(order, reading, account)
    if ours != theirs:
        raise CannotDecide(
            f"the exchange holds {theirs.normalize():f} contracts of {ticker}, our books without this order "
            f"{ours.normalize():f}: it may have filled. Ask the exchange which fills its holding comes from"
        )


def _paid_out(order: Order, reading: AccountReading, account: Account) -> Decimal:
    """Contracts of the market that the exchange settled: its list of holdings no longer has them."""
    close_at = MarketRow.objects.values_list("close_at", flat=True).get(ticker=order.market_ticker)
    if reading.complete_until is None or reading.complete_until <= close_at:
        return ZERO
    rows = account.settlements(close_at)
    if rows is None or not rows.is_complete:
        raise CannotDecide("what the exchange settled cannot be read, and may contradict: try again later")
    return sum((row.yes_count - row.no_count for row in rows if row.ticker == order.market_ticker), ZERO)
