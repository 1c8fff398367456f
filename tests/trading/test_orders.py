"""Intents, orders, fills and positions as stored: written once, moved by compare-and-set, never half."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError
from django.db.models import Sum

from markets.domain.types import FeeSchedule, FeeType, OrderBook, PriceLevel
from milkbot.core.config import TradingMode
from tests.trading.makers import BRACKETS, FEES, NOW, make_book, make_fill, make_intent
from tests.trading.stored import store_markets
from trading.controls import ensure_controls, set_trading_state
from trading.domain.order_states import IllegalTransition, OrderEvent
from trading.domain.types import Action, BookSide, Order, OrderState, Side, TradingState
from trading.models import (
    FillRow,
    IntentRow,
    LedgerRow,
    OrderEventRow,
    OrderRow,
    TraderLeaseRow,
)
from trading.oms.lease import take_lease
from trading.oms.submit import book_answer, recover, submit
from trading.oms.venues.base import Accepted, Answer, Rejected, Unknown
from trading.oms.venues.shadow import ShadowVenue, ShownMarket
from trading.repositories.books import FillRepository, LedgerRepository, PositionRepository
from trading.repositories.orders import Fenced, Lease, OrderRepository, StaleOrder

pytestmark = pytest.mark.django_db

SHADOW = TradingMode.SHADOW
TICKER = BRACKETS[2].ticker
TTL = timedelta(seconds=90)


@pytest.fixture
def market_ids() -> dict[str, int]:
    ensure_controls(SHADOW, NOW)
    return store_markets()


@pytest.fixture
def lease() -> Lease:
    return take_lease(SHADOW, "host-a/1/1.00", TTL)


def place(market_ids: dict[str, int], lease: Lease, **intent: Any) -> Order:
    (order,) = OrderRepository(SHADOW).create([make_intent(**intent)], market_ids, lease=lease)
    return order


def shown(bid: str | None = "0.38", ask: str | None = "0.40", size: str = "100") -> ShadowVenue:
    return ShadowVenue({TICKER: ShownMarket(make_book(TICKER, bid, ask, size), FEES)}, NOW)


@pytest.mark.story("4.6", 1)
@pytest.mark.story("2.7", 1)
@pytest.mark.story("2.7", 2)
@pytest.mark.story("2.7", 3)
def test_create_makes_the_key_from_the_intent_and_finds_the_order_by_it(
    market_ids: dict[str, int], lease: Lease
) -> None:
    intent = make_intent()
    order = place(market_ids, lease)

    assert order.intent_key == f"SHADOW:CHI:{TICKER}:bid:ensemble:2025-05-14" == intent.intent_key
    assert OrderRepository(SHADOW).get_by_intent_key(intent.intent_key) == order
    assert OrderRepository(TradingMode.DEMO).get_by_intent_key(intent.intent_key) is None
    assert OrderRepository(SHADOW).get_by_intent_key("SHADOW:none") is None


@pytest.mark.story("4.6", 2)
@pytest.mark.story("4.6", 4)
@pytest.mark.story("2.7", 4)
def test_create_again_returns_the_existing_order_and_writes_nothing(
    market_ids: dict[str, int], lease: Lease
) -> None:
    first = place(market_ids, lease)
    again = place(market_ids, lease, count="99")

    assert again == first
    assert (IntentRow.objects.count(), OrderRow.objects.count(), OrderEventRow.objects.count()) == (1, 1, 1)


def test_the_database_itself_refuses_a_second_intent_of_the_same_key(
    market_ids: dict[str, int], lease: Lease
) -> None:
    place(market_ids, lease)
    row = IntentRow.objects.get()
    row.pk = None

    with pytest.raises(IntegrityError, match="intent_key"):
        row.save(force_insert=True)


@pytest.mark.story("2.7", 5)
def test_times_come_back_as_aware_utc(market_ids: dict[str, int], lease: Lease) -> None:
    order = place(market_ids, lease)

    assert order.created_at == NOW
    assert order.created_at.utcoffset() == timedelta(0)


def test_create_under_a_lease_that_moved_on_writes_nothing(market_ids: dict[str, int], lease: Lease) -> None:
    TraderLeaseRow.objects.filter(mode=SHADOW).update(holder="host-b/2/2.00", fencing=lease.fencing + 1)

    with pytest.raises(Fenced):
        place(market_ids, lease)
    assert not IntentRow.objects.exists()


def test_create_under_a_lease_that_ran_out_writes_nothing(market_ids: dict[str, int]) -> None:
    expired = take_lease(SHADOW, "host-a/1/1.00", timedelta(seconds=-1))

    with pytest.raises(Fenced):
        place(market_ids, expired)


def test_create_with_the_lease_of_another_mode_writes_nothing(market_ids: dict[str, int]) -> None:
    demo = take_lease(TradingMode.DEMO, "host-a/1/1.00", TTL)

    with pytest.raises(Fenced):
        place(market_ids, demo)
    assert not IntentRow.objects.exists()


@pytest.mark.story("4.6", 5)
def test_transition_moves_the_order_and_records_the_step(market_ids: dict[str, int], lease: Lease) -> None:
    order = place(market_ids, lease)

    moved = OrderRepository(SHADOW).transition(order, OrderEvent.SEND, at=NOW, actor="tester")

    assert moved.state is OrderState.SUBMITTED
    event = OrderEventRow.objects.get(version=1)
    assert (event.from_state, event.to_state, event.event, event.actor) == (
        "NEW",
        "SUBMITTED",
        "send",
        "tester",
    )


def test_transition_from_a_state_it_left_changes_nothing(market_ids: dict[str, int], lease: Lease) -> None:
    order = place(market_ids, lease)
    repository = OrderRepository(SHADOW)
    repository.transition(order, OrderEvent.SEND, at=NOW)

    with pytest.raises(StaleOrder):
        repository.transition(order, OrderEvent.CANCEL, at=NOW)
    assert OrderRow.objects.get().state == "SUBMITTED"
    assert OrderEventRow.objects.count() == 2


def test_transition_the_table_lacks_changes_nothing(market_ids: dict[str, int], lease: Lease) -> None:
    order = place(market_ids, lease)

    with pytest.raises(IllegalTransition):
        OrderRepository(SHADOW).transition(order, OrderEvent.SETTLE, at=NOW)
    assert OrderRow.objects.get().version == 0


def test_submit_in_shadow_fills_at_the_shown_price_with_the_exact_fee(
    market_ids: dict[str, int], lease: Lease
) -> None:
    LedgerRepository(SHADOW).open_account(Decimal(1000), NOW)
    order = submit(place(market_ids, lease), shown(), lease=lease, market_id=market_ids[TICKER], at=NOW)

    assert order.state is OrderState.FILLED
    (fill,) = FillRepository(SHADOW).all()
    assert (fill.yes_price, fill.count, fill.fee) == (Decimal("0.40"), Decimal(10), Decimal("0.1680"))
    position = PositionRepository(SHADOW).get(TICKER)
    assert position is not None
    assert (position.count, position.cost, position.fees) == (Decimal(10), Decimal("4.00"), Decimal("0.168"))
    assert LedgerRepository(SHADOW).cash() == Decimal("995.832")
    assert list(OrderEventRow.objects.order_by("version").values_list("to_state", flat=True)) == [
        "NEW",
        "SUBMITTED",
        "FILLED",
    ]


def test_submit_when_less_is_shown_then_fills_that_and_cancels_the_rest(
    market_ids: dict[str, int], lease: Lease
) -> None:
    order = submit(
        place(market_ids, lease), shown(size="4"), lease=lease, market_id=market_ids[TICKER], at=NOW
    )

    assert (order.state, order.filled_count) == (OrderState.CANCELED, Decimal(4))
    assert PositionRepository(SHADOW).open()[0].count == 4


def test_submit_walks_the_book_within_the_limit_and_charges_each_level(
    market_ids: dict[str, int], lease: Lease
) -> None:
    levels = [PriceLevel(price=Decimal(p), count=Decimal(4)) for p in ("0.39", "0.40", "0.41")]
    venue = ShadowVenue({TICKER: ShownMarket(OrderBook(ticker=TICKER, asks=tuple(levels)), FEES)}, NOW)

    order = submit(place(market_ids, lease), venue, lease=lease, market_id=market_ids[TICKER], at=NOW)

    assert (order.state, order.filled_count) == (OrderState.CANCELED, Decimal(8))
    assert [(fill.yes_price, fill.fee) for fill in FillRepository(SHADOW).all()] == [
        (Decimal("0.39"), Decimal("0.0667")),
        (Decimal("0.40"), Decimal("0.0672")),
    ]


def test_submit_when_the_market_was_not_read_then_is_rejected(
    market_ids: dict[str, int], lease: Lease
) -> None:
    order = submit(
        place(market_ids, lease), ShadowVenue({}, NOW), lease=lease, market_id=market_ids[TICKER], at=NOW
    )

    assert order.state is OrderState.REJECTED
    assert not FillRow.objects.exists()


def test_submit_when_halted_then_nothing_leaves(market_ids: dict[str, int], lease: Lease) -> None:
    order = place(market_ids, lease)
    set_trading_state(
        mode=SHADOW, state=TradingState.HALTED, actor="op", user_id=None, reason="test", now=NOW
    )

    class Loud:
        def place(self, order: Order) -> Answer:
            raise AssertionError("an order left after the halt")

        def find(self, order: Order) -> Answer:
            raise AssertionError

    assert (
        submit(order, Loud(), lease=lease, market_id=market_ids[TICKER], at=NOW).state is OrderState.CANCELED
    )


def test_answer_that_is_unknown_keeps_the_order_unknown(market_ids: dict[str, int], lease: Lease) -> None:
    order = OrderRepository(SHADOW).transition(place(market_ids, lease), OrderEvent.SEND, at=NOW)

    assert (
        book_answer(order, Unknown(why="timeout"), market_id=market_ids[TICKER], at=NOW).state
        is OrderState.UNKNOWN
    )


def test_answer_that_rests_after_a_part_keeps_the_order_open(
    market_ids: dict[str, int], lease: Lease
) -> None:
    order = OrderRepository(SHADOW).transition(place(market_ids, lease), OrderEvent.SEND, at=NOW)
    part = make_fill(count="3").model_copy(update={"client_order_id": order.client_order_id})

    answer = Accepted(fills=(part,), rests=True, kalshi_order_id="k-1")
    partial = book_answer(order, answer, market_id=market_ids[TICKER], at=NOW)

    assert (partial.state, partial.filled_count, partial.kalshi_order_id) == (
        OrderState.PARTIAL,
        Decimal(3),
        "k-1",
    )


def test_answer_that_rests_unfilled_is_resting_and_a_refusal_is_rejected(
    market_ids: dict[str, int], lease: Lease
) -> None:
    repository = OrderRepository(SHADOW)
    resting = repository.transition(place(market_ids, lease), OrderEvent.SEND, at=NOW)
    refused = repository.transition(
        place(market_ids, lease, side=Side.NO, action=Action.BUY), OrderEvent.SEND, at=NOW
    )

    assert (
        book_answer(resting, Accepted(rests=True), market_id=market_ids[TICKER], at=NOW).state
        is OrderState.RESTING
    )
    no = Rejected(code="insufficient_balance")
    assert book_answer(refused, no, market_id=market_ids[TICKER], at=NOW).state is OrderState.REJECTED


def test_recover_ends_what_a_crash_left_and_books_nothing(market_ids: dict[str, int], lease: Lease) -> None:
    unsent = place(market_ids, lease)
    sent = OrderRepository(SHADOW).transition(
        place(market_ids, lease, side=Side.NO, action=Action.BUY), OrderEvent.SEND, at=NOW
    )

    assert recover(shown(), [unsent, sent], market_ids=market_ids, at=NOW) == 2
    assert set(OrderRow.objects.values_list("state", flat=True)) == {"CANCELED"}
    assert not FillRow.objects.exists()


def test_book_the_same_fill_twice_counts_once(market_ids: dict[str, int]) -> None:
    fills = FillRepository(SHADOW)

    assert fills.book(make_fill(), market_ids[TICKER])
    assert not fills.book(make_fill(), market_ids[TICKER])
    assert FillRow.objects.count() == 1
    assert PositionRepository(SHADOW).open()[0].count == 10
    assert LedgerRow.objects.aggregate(sum=Sum("amount"))["sum"] == Decimal("-4.0168")


def test_book_a_fill_that_breaks_a_rule_is_not_mistaken_for_a_known_one(market_ids: dict[str, int]) -> None:
    broken = make_fill().model_copy(update={"yes_price": Decimal(2)})

    with pytest.raises(IntegrityError, match="fill_price_on_0_1"):
        FillRepository(SHADOW).book(broken, market_ids[TICKER])
    assert not PositionRepository(SHADOW).open()


def test_modes_keep_their_own_books(market_ids: dict[str, int]) -> None:
    FillRepository(SHADOW).book(make_fill(), market_ids[TICKER])
    FillRepository(TradingMode.DEMO).book(make_fill(mode=TradingMode.DEMO, count="3"), market_ids[TICKER])

    assert PositionRepository(SHADOW).open()[0].count == 10
    assert PositionRepository(TradingMode.DEMO).open()[0].count == 3


def test_open_account_books_the_capital_once() -> None:
    for _ in range(2):
        LedgerRepository(SHADOW).open_account(Decimal(10_000), NOW)

    assert LedgerRepository(SHADOW).cash() == 10_000


def test_fee_type_of_makers_is_not_charged_to_takers_twice() -> None:
    with_maker = FeeSchedule(fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES, multiplier=Decimal(1))
    venue = ShadowVenue({TICKER: ShownMarket(make_book(TICKER, "0.38", "0.40"), with_maker)}, NOW)
    order = Order.model_validate(
        {
            "client_order_id": "0d7a52f4-5f0e-4f0c-9d5f-6b1c3f8a7e21",
            "intent_key": "k",
            "mode": "SHADOW",
            "market_ticker": TICKER,
            "book_side": BookSide.BID,
            "side": Side.YES,
            "action": Action.BUY,
            "limit_price": "0.40",
            "count": "10",
            "created_at": NOW,
            "updated_at": NOW,
        }
    )
    answer = venue.place(order)

    assert isinstance(answer, Accepted)
    assert answer.fills[0].fee == Decimal("0.1680")
