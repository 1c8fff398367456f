"""Booking many fills at once leaves exactly the books that booking them one by one leaves."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milkbot.core.config import TradingMode
from tests.trading.makers import BRACKETS, NOW, make_intent
from tests.trading.stored import store_markets
from trading.controls import ensure_controls
from trading.domain.order_states import OrderEvent
from trading.domain.types import Action, BookSide, Fill, Order
from trading.models import FillRow, LedgerRow, OrderEventRow, OrderRow, PositionRow
from trading.oms.booking import book_fills
from trading.oms.lease import take_lease
from trading.repositories.orders import OrderRepository

DEMO = TradingMode.DEMO
TICKERS = tuple(bracket.ticker for bracket in BRACKETS[1:3])
CENT = Decimal("0.01")
SAME_ORDERS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Every example begins with the same orders: whatever it books is rolled back."""


class Drawn(NamedTuple):
    """A fill in the making. `order` None is one placed by hand; `number` repeats where the exchange repeats itself."""

    number: int
    order: int | None
    hundredths: int
    cents: int
    fee: int
    second: int


FILLS = st.builds(
    Drawn,
    number=st.integers(0, 15),
    order=st.none() | st.integers(0, 3),
    hundredths=st.integers(1, 700),
    cents=st.integers(1, 99),
    fee=st.integers(0, 9_999),
    second=st.integers(0, 5),
)


@pytest.fixture
def market_ids(db: None) -> dict[str, int]:
    ensure_controls(DEMO, NOW)
    return store_markets()


@pytest.fixture
def orders(market_ids: dict[str, int]) -> list[Order]:
    """A bid and an ask in each of two markets, on their way to the exchange."""
    repository = OrderRepository(DEMO)
    wishes = [
        make_intent(ticker=ticker, action=action, mode=DEMO)
        for ticker in TICKERS
        for action in (Action.BUY, Action.SELL)
    ]
    created = repository.create(wishes, market_ids, lease=take_lease(DEMO, "host-a/1/1.00"))
    return [repository.transition(order, OrderEvent.SEND, at=NOW, sent_at=NOW) for order in created]


def as_fill(drawn: Drawn, orders: Sequence[Order]) -> Fill:
    """The same number is always the same fill, as the exchange repeats it."""
    owner = orders[drawn.order] if drawn.order is not None else None
    return Fill(
        fill_id=f"t-{drawn.number}",
        mode=DEMO,
        market_ticker=owner.market_ticker if owner else TICKERS[drawn.cents % 2],
        client_order_id=owner.client_order_id if owner else None,
        kalshi_order_id=f"k-{drawn.order}",
        book_side=owner.book_side if owner else BookSide.BID,
        count=drawn.hundredths * CENT,
        yes_price=drawn.cents * CENT,
        fee=Decimal(drawn.fee).scaleb(-4),
        is_taker=True,
        filled_at=NOW + timedelta(seconds=drawn.second),
    )


def books() -> list[list[Any]]:
    """Every figure and every step in the books, without the database's own keys."""
    return [
        list(
            FillRow.objects.order_by("pk").values(
                "fill_id", "order__client_order_id", "count", "fee", "filled_at"
            )
        ),
        list(LedgerRow.objects.order_by("pk").values("kind", "amount", "fill__fill_id", "at", "note")),
        list(PositionRow.objects.order_by("market_id").values(*POSITION)),
        list(OrderRow.objects.order_by("pk").values("state", "version", "filled_count", "kalshi_order_id")),
        list(OrderEventRow.objects.order_by("order_id", "version").values(*EVENT)),
    ]


POSITION = ("market_id", "count", "cost", "realized_pnl", "fees", "is_open", "opened_at", "updated_at")
EVENT = ("order_id", "version", "from_state", "to_state", "event", "payload")


def booked_in(sizes: Sequence[int], fills: Sequence[Fill], market_ids: dict[str, int]) -> list[list[Any]]:
    """The books after `fills` came in batches of these sizes, the last size as often as needed; nothing is kept."""
    with transaction.atomic():
        rest, turns = list(fills), [*sizes]
        while rest:
            size = turns.pop(0) if len(turns) > 1 else turns[0]
            book_fills(DEMO, rest[:size], market_ids, NOW)
            rest = rest[size:]
        left = books()
        transaction.set_rollback(True)
    return left


@settings(SAME_ORDERS, max_examples=60)
@given(data=st.data())
def test_booking_in_batches_then_the_books_are_those_of_one_by_one(
    data: st.DataObject, orders: list[Order], market_ids: dict[str, int]
) -> None:
    drawn = data.draw(st.lists(FILLS, min_size=1, max_size=25))
    first = {one.number: one for one in reversed(drawn)}
    fills = [as_fill(first[one.number], orders) for one in drawn]
    sizes = data.draw(st.lists(st.integers(1, 25), min_size=1, max_size=4))

    assert booked_in(sizes, fills, market_ids) == booked_in([1], fills, market_ids)


@pytest.mark.story("4.6", 5)
@settings(SAME_ORDERS, max_examples=30)
@given(data=st.data())
def test_booked_steps_of_an_order_then_have_no_gap_and_name_every_fill_once(
    data: st.DataObject, orders: list[Order], market_ids: dict[str, int]
) -> None:
    drawn = data.draw(st.lists(FILLS, min_size=1, max_size=25, unique_by=lambda one: one.number))
    fills = [as_fill(one, orders) for one in drawn]

    *_, rows, events = booked_in([25], fills, market_ids)

    told = [event["payload"]["fill_id"] for event in events if "fill_id" in event["payload"]]
    assert sorted(told) == sorted(fill.fill_id for fill in fills if fill.client_order_id)
    for key in {event["order_id"] for event in events}:
        steps = [event for event in events if event["order_id"] == key]
        assert [step["version"] for step in steps] == list(range(len(steps)))
        assert all(after["from_state"] == before["to_state"] for before, after in pairwise(steps))
    assert len(rows) == len(orders)
