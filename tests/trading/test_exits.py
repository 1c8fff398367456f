"""A resting sale after what it would sell is gone: it opens then, so it reserves what that costs and leaves the book."""

from decimal import Decimal

import pytest

from tests.trading.makers import EVENT, NOW, make_fill, make_intent
from tests.trading.scripted_account import TICKER, account, filled, listed
from tests.trading.sent_orders import AT, DEMO, MINUTE, SENT_AT, stored
from tests.trading.stored import store_markets
from trading.domain.order_states import OrderEvent
from trading.domain.types import Action, BookSide, Order, OrderState, Side
from trading.oms.lease import take_lease
from trading.oms.reconcile import reconcile
from trading.repositories.accounts import read_account
from trading.repositories.books import FillRepository, LedgerRepository
from trading.repositories.orders import OrderRepository

pytestmark = pytest.mark.django_db


def resting_exit(side: Side, *, held: str, count: str, price: str, fee: str) -> Order:
    """A quote of `count` that sells what is held of `side`; it can cost `fee` while all of it is held."""
    ids = store_markets()
    LedgerRepository(DEMO).open_account(Decimal(10_000), NOW)
    bought = BookSide.BID if side is Side.YES else BookSide.ASK
    FillRepository(DEMO).book(
        make_fill(number=1, mode=DEMO, ticker=TICKER, count=held, yes_price="0.30", book_side=bought),
        ids[TICKER],
    )
    wish = make_intent(
        mode=DEMO, ticker=TICKER, side=side, action=Action.SELL, count=count, limit_price=price
    ).model_copy(update={"post_only": True, "max_cost": Decimal(fee)})
    orders = OrderRepository(DEMO)
    (order,) = orders.create([wish], ids, lease=take_lease(DEMO, "host-a/1/1.00"))
    for event in (OrderEvent.SEND, OrderEvent.ACKNOWLEDGE):
        order = orders.transition(
            order, event, at=SENT_AT, expires_at=SENT_AT + 4 * MINUTE, sent_at=SENT_AT, kalshi_order_id="k-1"
        )
    return order


def reserved() -> Decimal:
    """What orders may still cost, positions left out."""
    return LedgerRepository(DEMO).cash() - read_account(DEMO, [EVENT]).cash


@pytest.mark.parametrize(
    ("side", "held", "price", "dollars"),
    [
        (Side.YES, "100", "0.10", "2"),
        (Side.YES, "130", "0.10", "2"),
        # An ask of 0.10 buys NO at 0.90 for what is not covered.
        (Side.YES, "60", "0.10", "38"),
        # A bid of 0.10 buys YES at 0.10.
        (Side.NO, "100", "0.10", "2"),
        (Side.NO, "60", "0.10", "6"),
    ],
)
def test_exit_reserves_its_fee_and_what_it_would_open(
    side: Side, held: str, price: str, dollars: str
) -> None:
    resting_exit(side, held=held, count="100", price=price, fee="2")

    assert reserved() == Decimal(dollars)


def test_exit_whose_holding_a_person_sold_reserves_the_whole_of_what_it_would_open() -> None:
    order = resting_exit(Side.YES, held="100", count="100", price="0.10", fee="0")
    sold = filled(2, name="by-hand", count="100", price="0.30", book_side=BookSide.ASK, ticker=TICKER, at=AT)

    reconcile(DEMO, account(orders=[listed(order)], fills=[sold], cash=None), AT)

    assert stored(order).state is OrderState.RESTING
    assert reserved() == Decimal(90)
    assert read_account(DEMO, [EVENT]).exposure.by_event == {EVENT: Decimal(90)}
