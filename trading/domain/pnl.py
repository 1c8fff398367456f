"""Positions, cash and profit from fills. One YES book: an ask either sells YES we hold or buys NO at 1 - price.

Positive counts are YES, negative NO. Contracts of both sides cannot be held together: the exchange nets them at once.
Fees are kept apart from P&L throughout, so that both add up on their own.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from milkbot.core.money import ONE, ZERO
from trading.domain.types import BookSide, Fill, Position

MONEY_STEP: Final = Decimal("0.000001")
"""A hundredth of a contract at a hundredth of a cent: everything but an average is exact in it."""
HELD_OVER: Final = timedelta(minutes=10)
"""A side of the book that is missing for longer than this is worth nothing; before, its last price stands."""


class Booking(NamedTuple):
    """The position after a fill and the cash it moved (fee not included; positive is money in)."""

    position: Position
    cash: Decimal


class Payout(NamedTuple):
    """The closed position after settlement, what was paid, and the profit of the contracts settled."""

    position: Position
    payout: Decimal
    pnl: Decimal


def apply_fill(position: Position, fill: Fill) -> Booking:
    """Book one fill: first close what the other side holds (average cost), then open the rest.

    Raises ValueError when mode or market differ: a fill must never touch another position.
    """
    if (position.mode, position.market_ticker) != (fill.mode, fill.market_ticker):
        raise ValueError(f"fill {fill.fill_id} belongs to {fill.mode} {fill.market_ticker}")
    direction = ONE if fill.book_side is BookSide.BID else -ONE
    # What one contract of the side we move toward costs, and what one of the other side returns when closed.
    entry_price = fill.yes_price if direction > 0 else ONE - fill.yes_price
    exit_price = ONE - entry_price

    held_against = -position.count * direction  # > 0 when the fill closes
    closing = min(fill.count, max(held_against, ZERO))
    opening = fill.count - closing
    # To the precision it is kept with, so that booking many fills at once ends where one by one does.
    released = (position.cost * closing / held_against).quantize(MONEY_STEP) if closing else ZERO

    count = position.count + direction * fill.count
    updated = position.model_copy(
        update={
            "count": count,
            "cost": position.cost - released + opening * entry_price,
            "realized_pnl": position.realized_pnl + closing * exit_price - released,
            "fees": position.fees + fill.fee,
            "opened_at": fill.filled_at if opening and not position.is_open else position.opened_at,
        }
    )
    return Booking(updated, closing * exit_price - opening * entry_price)


def settle(position: Position, result_is_yes: bool, settled_at: datetime) -> Payout:
    """Pay out an open position at the final result: one dollar for each contract of the winning side."""
    holds_winner = (position.count > 0) == result_is_yes
    return pay_out(position, abs(position.count) if position.is_open and holds_winner else ZERO, settled_at)


def pay_out(position: Position, payout: Decimal, settled_at: datetime) -> Payout:
    """Close a position for what it was paid, in dollars."""
    pnl = payout - position.cost
    closed = position.model_copy(
        update={
            "count": ZERO,
            "cost": ZERO,
            "realized_pnl": position.realized_pnl + pnl,
            "settled_at": settled_at,
        }
    )
    return Payout(closed, payout, pnl)


class Touch(NamedTuple):
    """Best prices on the YES book; None where nobody stands."""

    yes_bid: Decimal | None
    yes_ask: Decimal | None


def held_over(touch: Touch, last: Touch) -> Touch:
    """`touch` with the `last` known price of a side that is missing, as far as the side that is there bears it out.

    A bid above today's ask, or an ask below today's bid, would hide a fall.
    """
    bid, ask = touch
    if bid is None and last.yes_bid is not None:
        bid = last.yes_bid if ask is None else min(last.yes_bid, ask)
    if ask is None and last.yes_ask is not None:
        ask = last.yes_ask if touch.yes_bid is None else max(last.yes_ask, touch.yes_bid)
    return Touch(bid, ask)


def unrealized(position: Position, yes_bid: Decimal | None, yes_ask: Decimal | None) -> Decimal:
    """What the open contracts would gain if sold at the touch now. An absent quote is worth nothing: 0 to sell into
    (`held_over` first, where a side may be missing for a moment)."""
    if not position.is_open:
        return ZERO
    if position.count > 0:
        exit_price = yes_bid if yes_bid is not None else ZERO
    else:
        exit_price = ONE - yes_ask if yes_ask is not None else ZERO
    return abs(position.count) * exit_price - position.cost
