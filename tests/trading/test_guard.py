"""What a cycle tells the breakers before it decides."""

from datetime import datetime

import pytest

from markets.domain.types import MarketStatus
from markets.repositories import MarketRepository
from tests.trading.makers import FAIR_QUOTES, NOW, make_board, make_fill
from tests.trading.scripted_account import TICKER, account
from tests.trading.sent_orders import DEMO, MINUTE, SECOND, SENT_AT, send_to, stored
from tests.trading.stored import store_markets
from trading.controls import ensure_controls, get_trading_state
from trading.domain.breakers import UNKNOWN_TERM
from trading.domain.order_states import OrderEvent
from trading.domain.pnl import HELD_OVER
from trading.domain.types import BookSide, OrderState, TradingState
from trading.guard import guard
from trading.models import LockRow
from trading.oms.lease import take_lease
from trading.oms.reconcile import reconcile
from trading.reading import Reading
from trading.repositories.books import FillRepository
from trading.repositories.orders import OrderRepository

pytestmark = pytest.mark.django_db

NOTHING_READ = Reading([], (), True)


def state_after_guard(at: datetime) -> TradingState:
    guard(DEMO, NOTHING_READ, at)
    return get_trading_state(DEMO)


def test_unknown_term_runs_from_when_sight_was_lost_however_long_the_order_had_rested() -> None:
    ensure_controls(DEMO, NOW)
    orders, at = OrderRepository(DEMO), SENT_AT
    order = send_to(OrderState.RESTING, store_markets(), take_lease(DEMO, "host-a/1/1.00"), rests=True)
    for _ in range(10):
        at += 2 * MINUTE
        order = orders.transition(order, OrderEvent.RENEW, at=at, expires_at=at + 4 * MINUTE)
    lost = orders.transition(order, OrderEvent.LOSE, at=at)

    assert state_after_guard(at + SECOND) is TradingState.ACTIVE
    # Asking for its cancel, or losing an answer once more, is no evidence: the term runs on.
    lost = orders.transition(lost, OrderEvent.ASK_CANCEL, at=at + 10 * MINUTE)
    orders.transition(lost, OrderEvent.LOSE, at=at + 12 * MINUTE)
    assert state_after_guard(at + UNKNOWN_TERM) is TradingState.ACTIVE
    assert state_after_guard(at + UNKNOWN_TERM + SECOND) is TradingState.HALTED
    (lock,) = LockRow.objects.all()
    assert (lock.code, lock.message) == ("ORDER_UNKNOWN", f"{order.intent_key} since {at:%H:%M:%S}")


def test_quote_renewed_for_long_that_one_reading_misses_ends_by_evidence_without_a_person() -> None:
    ensure_controls(DEMO, NOW)
    at = SENT_AT + 20 * MINUTE
    order = send_to(OrderState.RESTING, store_markets(), take_lease(DEMO, "host-a/1/1.00"), rests=True)
    order = OrderRepository(DEMO).transition(order, OrderEvent.RENEW, at=at, expires_at=at + 4 * MINUTE)

    for minute in range(6):
        reconcile(DEMO, account(until=at + minute * MINUTE), at + minute * MINUTE)
        assert state_after_guard(at + minute * MINUTE) is TradingState.ACTIVE

    assert stored(order).state is OrderState.CANCELED


def quote(bid: str | None, ask: str | None, at: datetime, status: MarketStatus = MarketStatus.ACTIVE) -> None:
    """The market's prices as a cycle stores them."""
    quotes = (*FAIR_QUOTES[:2], (bid, ask), *FAIR_QUOTES[3:])
    MarketRepository().save_boards([make_board(quotes=quotes, captured_at=at, status=status)], at)


def hold_at_90_cents(side: BookSide) -> None:
    """300 contracts, YES by a bid and NO by an ask, quoted at what they cost."""
    ensure_controls(DEMO, NOW)
    price, shown = ("0.90", ("0.90", "0.92")) if side is BookSide.BID else ("0.10", ("0.08", "0.10"))
    FillRepository(DEMO).book(
        make_fill(mode=DEMO, ticker=TICKER, book_side=side, count="300", yes_price=price, fee="0"),
        store_markets()[TICKER],
    )
    quote(*shown, NOW)
    assert state_after_guard(NOW) is TradingState.ACTIVE


GONE = {BookSide.BID: (None, "0.92"), BookSide.ASK: ("0.08", None)}
"""Nobody would take the contracts now, and the other side says that they are worth what they were."""
FALLEN = {BookSide.BID: (None, "0.03"), BookSide.ASK: ("0.97", None)}


@pytest.mark.parametrize("side", BookSide)
def test_side_that_is_missing_for_a_moment_is_no_loss(side: BookSide) -> None:
    hold_at_90_cents(side)
    for at in (NOW + MINUTE, NOW + HELD_OVER):
        quote(*GONE[side], at)
        assert state_after_guard(at) is TradingState.ACTIVE
    quote(None, None, NOW + HELD_OVER)
    assert state_after_guard(NOW + HELD_OVER) is TradingState.ACTIVE


@pytest.mark.story("4.5", 2)
@pytest.mark.parametrize("side", BookSide)
def test_side_that_stays_away_is_a_loss_of_all_that_was_paid(side: BookSide) -> None:
    hold_at_90_cents(side)
    quote(*GONE[side], NOW + MINUTE)
    quote(*GONE[side], NOW + HELD_OVER + SECOND)

    assert state_after_guard(NOW + HELD_OVER + SECOND) is TradingState.HALTED


@pytest.mark.story("4.5", 2)
@pytest.mark.parametrize("side", BookSide)
def test_fall_halts_at_once_though_nobody_would_take_the_contracts(side: BookSide) -> None:
    hold_at_90_cents(side)
    quote(*FALLEN[side], NOW + MINUTE)

    assert state_after_guard(NOW + MINUTE) is TradingState.HALTED


@pytest.mark.parametrize("side", BookSide)
def test_closed_market_keeps_its_last_price_until_it_pays(side: BookSide) -> None:
    hold_at_90_cents(side)
    quote(None, None, NOW + 90 * MINUTE, MarketStatus.CLOSED)

    assert state_after_guard(NOW + 90 * MINUTE) is TradingState.ACTIVE
