"""The order table: every pair of state and event is either a known step or refused by name."""

from itertools import product

import pytest

from tests.trading.order_life import AFTER
from trading.domain.order_states import TRANSITIONS, IllegalTransition, OrderEvent, next_state
from trading.domain.types import OPEN_STATES, OrderState

ENDED = frozenset(OrderState) - OPEN_STATES


@pytest.mark.parametrize(("state", "event"), list(product(OrderState, OrderEvent)))
def test_every_pair_leads_where_the_design_says_or_is_refused(state: OrderState, event: OrderEvent) -> None:
    if (state, event) in AFTER:
        assert next_state(state, event) is AFTER[state, event]
    else:
        with pytest.raises(IllegalTransition, match=f"{state} -> {event}"):
            next_state(state, event)


def test_nothing_is_sent_but_what_was_never_sent_or_never_answered() -> None:
    sent = {
        state
        for (state, event), to in TRANSITIONS.items()
        if to is OrderState.SUBMITTED or event is OrderEvent.SEND
    }

    assert sent == {OrderState.NEW, OrderState.UNKNOWN}


def test_what_has_ended_comes_back_only_by_the_exchanges_own_word() -> None:
    """It lists the order, or shows a fill: no step of ours brings an order back."""
    back = {(event, to) for (state, event), to in TRANSITIONS.items() if state in ENDED and to in OPEN_STATES}

    assert back == {
        (OrderEvent.ACKNOWLEDGE, OrderState.RESTING),
        (OrderEvent.FILL_PART, OrderState.PARTIAL),
    }


def test_what_has_filled_stays_filled() -> None:
    after = {to for (state, _), to in TRANSITIONS.items() if state is OrderState.FILLED}

    assert after == {OrderState.FILLED, OrderState.CLOSED}


@pytest.mark.parametrize("state", OrderState)
def test_a_fill_is_taken_in_every_state(state: OrderState) -> None:
    assert next_state(state, OrderEvent.FILL_ALL) in (OrderState.FILLED, OrderState.CLOSED)


def test_only_a_request_under_way_is_refused() -> None:
    """What came of an order nobody answered for is told by evidence, and a later refusal is none."""
    assert {state for state, event in TRANSITIONS if event is OrderEvent.REJECT} == {OrderState.SUBMITTED}


def test_closed_is_the_end() -> None:
    assert {to for (state, _), to in TRANSITIONS.items() if state is OrderState.CLOSED} == {OrderState.CLOSED}


def test_settlement_closes_only_what_can_no_longer_fill() -> None:
    settled = {state for state, event in TRANSITIONS if event is OrderEvent.SETTLE}

    assert settled.isdisjoint(OPEN_STATES)


def test_unknown_is_reached_from_every_state_that_talks_to_the_exchange_and_ends_only_by_evidence() -> None:
    assert {state for (state, event), to in TRANSITIONS.items() if to is OrderState.UNKNOWN} == {
        OrderState.SUBMITTED,
        OrderState.RESTING,
        OrderState.PARTIAL,
        OrderState.UNKNOWN,
    }
    assert next_state(OrderState.UNKNOWN, OrderEvent.LOSE) is OrderState.UNKNOWN


def test_a_cancelled_order_may_still_report_a_fill_that_raced_the_cancel() -> None:
    assert next_state(OrderState.CANCELED, OrderEvent.FILL_ALL) is OrderState.FILLED
    assert next_state(OrderState.CANCELED, OrderEvent.FILL_PART) is OrderState.CANCELED


@pytest.mark.story("4.6", 3)
def test_every_state_can_be_reached_from_new() -> None:
    reached, frontier = {OrderState.NEW}, [OrderState.NEW]
    while frontier:
        state = frontier.pop()
        for (source, _), target in TRANSITIONS.items():
            if source is state and target not in reached:
                reached.add(target)
                frontier.append(target)

    assert reached == set(OrderState)
