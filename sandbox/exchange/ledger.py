"""Cash and positions. A yes and a no contract together are worth a dollar: whoever holds both gets it back at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from sandbox.exchange.types import BookSide, EventPosition, Fill, Order, Outcome, Position, Settlement

NOTHING: Final = Decimal(0)
COST_STEP: Final = Decimal("0.000001")


@dataclass(slots=True)
class Account:
    """A customer, or the world as everybody's counterparty. `client_ids` leads every id ever used to its order, and a
    killed one to nothing."""

    name: str
    cash: Decimal
    positions: dict[str, Position] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    client_ids: dict[str, str] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)

    def held(self, ticker: str) -> Decimal:
        """Net contracts, negative for no."""
        position = self.positions.get(ticker)
        return position.count if position else NOTHING


def cost_each(side: BookSide, price: Decimal) -> Decimal:
    """What a contract opened on `side` at the YES `price` costs."""
    return price if side == "bid" else 1 - price


def closable(side: BookSide, held: Decimal) -> Decimal:
    """How many contracts of an order on `side` close a position of `held`."""
    return max(-held if side == "bid" else held, NOTHING)


def freed(side: BookSide, best_first: Iterable[tuple[Decimal, Decimal]], held: Decimal) -> Decimal:
    """Dollars that resting (price, count) of one side need not hold: the first to fill close the position `held`."""
    closing = closable(side, held)
    total = NOTHING
    for price, count in best_first:
        if not closing:
            break
        free = min(closing, count)
        closing -= free
        total += free * cost_each(side, price)
    return total


def no_position(account: str, ticker: str, event_ticker: str, at: datetime) -> Position:
    """Before the first fill."""
    return Position(
        account,
        ticker,
        event_ticker,
        NOTHING,
        NOTHING,
        NOTHING,
        NOTHING,
        NOTHING,
        NOTHING,
        at,
        is_settled=False,
    )


def proceeds(held: Decimal, side: BookSide, price: Decimal, count: Decimal) -> Decimal:
    """Dollars a fill brings before fees, negative where contracts are bought; `held` is the position before it."""
    each = cost_each(side, price)
    closing = min(count, closable(side, held))
    return closing * (1 - each) - (count - closing) * each


def traded(
    former: Position, side: BookSide, price: Decimal, count: Decimal, fee: Decimal, at: datetime
) -> Position:
    """The position after a fill."""
    each = cost_each(side, price)
    closing = min(count, closable(side, former.count))
    released = _released(former, closing)
    return replace(
        former,
        count=former.count + (count if side == "bid" else -count),
        exposure=former.exposure - released + (count - closing) * each,
        traded_cost=former.traded_cost + count * each,
        traded_count=former.traded_count + count,
        realized_pnl=former.realized_pnl + closing * (1 - each) - released,
        fees_paid=former.fees_paid + fee,
        last_update_at=at,
    )


def settled(position: Position, result: Outcome, at: datetime) -> tuple[Position, Decimal]:
    """The position after its market paid one dollar per winning contract, and the payout."""
    wins = position.count > 0 if result == "yes" else position.count < 0
    payout = abs(position.count) if wins else NOTHING
    after = replace(
        position,
        count=NOTHING,
        exposure=NOTHING,
        realized_pnl=position.realized_pnl + payout - position.exposure,
        last_update_at=at,
        is_settled=True,
    )
    return after, payout


def settlement(position: Position, result: Outcome, payout: Decimal, at: datetime) -> Settlement:
    """The row for a position that was open when its market paid."""
    is_yes = position.count > 0
    return Settlement(
        account=position.account,
        ticker=position.ticker,
        event_ticker=position.event_ticker,
        result=result,
        yes_count=position.count if is_yes else NOTHING,
        no_count=NOTHING if is_yes else -position.count,
        yes_total_cost=position.exposure if is_yes else NOTHING,
        no_total_cost=NOTHING if is_yes else position.exposure,
        revenue=int(payout * 100),
        value=100 if result == "yes" else 0,
        fee_cost=position.fees_paid,
        settled_at=at,
    )


def by_event(positions: Iterable[Position]) -> list[EventPosition]:
    """Positions of each event together, in the order the events were first traded."""
    found: dict[str, EventPosition] = {}
    for one in positions:
        former = found.get(one.event_ticker) or EventPosition(one.event_ticker, *[NOTHING] * 5)
        found[one.event_ticker] = EventPosition(
            one.event_ticker,
            former.traded_cost + one.traded_cost,
            former.traded_count + one.traded_count,
            former.exposure + one.exposure,
            former.realized_pnl + one.realized_pnl,
            former.fees_paid + one.fees_paid,
        )
    return list(found.values())


def _released(position: Position, closing: Decimal) -> Decimal:
    """The cost of `closing` contracts at the position's average; of the last ones all that is left."""
    held = abs(position.count)
    if not closing or closing == held:
        return position.exposure if closing else NOTHING
    return (position.exposure * closing / held).quantize(COST_STEP)
