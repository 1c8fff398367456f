"""Fills taken together are the same as fills taken one after the other."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.makers import make_fill, make_order
from trading.domain.fills import take_fills
from trading.domain.order_states import OrderEvent
from trading.domain.types import OrderState

CONTRACTS = st.integers(1, 600).map(lambda hundredths: Decimal(hundredths) / 100)


@given(counts=st.lists(CONTRACTS, min_size=1, max_size=8))
def test_fills_taken_at_once_are_those_taken_one_by_one(counts: list[Decimal]) -> None:
    order = make_order(count="10", state=OrderState.RESTING)
    fills = [make_fill(number=number, count=str(count)) for number, count in enumerate(counts)]
    one_by_one, excess = order, Decimal(0)
    events: list[OrderEvent] = []
    for fill in fills:
        taken = take_fills(one_by_one, fill)
        one_by_one, excess = taken.order, excess + taken.excess
        events += taken.events

    at_once = take_fills(order, *fills)

    assert at_once.order == one_by_one
    assert (at_once.events, at_once.excess) == (tuple(events), excess)
    assert at_once.order.filled_count == min(sum(counts, Decimal(0)), order.count)
    assert at_once.order.filled_count + excess == sum(counts, Decimal(0))


@pytest.mark.parametrize(
    ("counts", "events", "excess"),
    [
        (("4",), (OrderEvent.FILL_PART,), "0"),
        (("4", "6"), (OrderEvent.FILL_PART, OrderEvent.FILL_ALL), "0"),
        (("4", "7"), (OrderEvent.FILL_PART, OrderEvent.FILL_ALL), "1"),
    ],
)
def test_last_contract_ends_the_order_and_what_comes_beyond_it_is_told(
    counts: tuple[str, ...], events: tuple[OrderEvent, ...], excess: str
) -> None:
    fills = [make_fill(number=number, count=count) for number, count in enumerate(counts)]

    taken = take_fills(make_order(count="10", state=OrderState.RESTING), *fills)

    assert (taken.events, taken.excess) == (events, Decimal(excess))
