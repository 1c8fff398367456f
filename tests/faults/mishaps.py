"""What an exchange does to its own memory."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from sandbox.exchange.ledger import proceeds, settled, settlement, traded
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


def move_cash(member: str, dollars: Decimal) -> Change:
    """A person puts money on the account, or takes it out."""

    def change(state: State) -> None:
        state.accounts[member].cash += dollars

    return change


def settle_at(member: str, ticker: str, yes_value: Decimal) -> Change:
    """A closed market pays what is neither yes nor no."""

    def change(state: State) -> None:
        account = state.accounts[member]
        held = account.positions[ticker]
        paid = abs(held.count) * (yes_value if held.count > 0 else 1 - yes_value)
        after, _ = settled(held, "yes" if held.count < 0 else "no", state.now)
        account.cash += paid
        account.positions[ticker] = replace(after, realized_pnl=after.realized_pnl + paid)
        # The sandbox knows no word for it; the figures are what counts.
        row = settlement(held, "yes", paid, state.now)
        account.settlements.append(replace(row, value=int(yes_value * 100)))
        state.markets[ticker].is_settled = True

    return change
