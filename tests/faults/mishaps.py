"""What an exchange does to its own memory."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from sandbox.exchange.ledger import proceeds, traded
from sandbox.exchange.state import State
from sandbox.exchange.types import Fill

Change = Callable[[State], None]


def forget(member: str, order_id: str) -> Change:
    """The order was never written to disk: its place in the book and its client id are gone; fills, if any, stay."""

    def change(state: State) -> None:
        account = state.accounts[member]
        order = account.orders.pop(order_id)
        account.client_ids.pop(order.client_order_id)
        queue = state.markets[order.ticker].side(order.side).queue
        places = queue.get(order.price, {})
        places.pop(order_id, None)
        if not places:
            queue.pop(order.price, None)

    return change


def go_back_to(former: State) -> Change:
    """What was done to accounts and books since `former` was never written to disk."""

    def change(state: State) -> None:
        state.accounts, state.markets = former.accounts, former.markets

    return change


def overfill(member: str, order_id: str, count: Decimal) -> Change:
    """`count` contracts more than were ordered are executed at the order's price, free of fees."""

    def change(state: State) -> None:
        account = state.accounts[member]
        order = account.orders[order_id]
        former = account.positions[order.ticker]
        position = traded(former, order.side, order.price, count, Decimal(0), state.now)
        account.cash += proceeds(former.count, order.side, order.price, count)
        account.positions[order.ticker] = position
        account.orders[order_id] = replace(order, fill_count=order.fill_count + count)
        extra = Fill(
            fill_id=f"extra-{order_id}",
            account=member,
            order_id=order_id,
            client_order_id=order.client_order_id,
            ticker=order.ticker,
            side=order.side,
            price=order.price,
            count=count,
            is_taker=False,
            fee=Decimal(0),
            position=position.count,
            at=state.now,
        )
        account.fills.append(extra)

    return change
