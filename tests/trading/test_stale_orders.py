"""An order that somebody else moved since we saw it, be it back to the state we saw: nothing is done on the old view."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connections

from markets.domain.account_types import OrderStatus
from tests.trading.makers import BRACKETS, CLOSE, make_fill
from tests.trading.meanwhile import WAITS_S, moved_meanwhile
from tests.trading.scripted_account import account, listed
from tests.trading.sent_orders import AT, DEMO, MINUTE, last_step, resting_in, send_to, steps_of, stored
from tests.trading.stored import finalize
from trading.controls import get_trading_state
from trading.domain.breakers import Breaker
from trading.domain.gates import Gate
from trading.domain.order_states import OrderEvent as E
from trading.domain.types import Order
from trading.domain.types import OrderState as S
from trading.domain.types import ReasonCode, TradingState
from trading.domain.working import Review
from trading.domain.working import Step as Wanted
from trading.models import FillRow, OrderEventRow
from trading.oms.pace import Pace
from trading.oms.reconcile import reconcile
from trading.oms.submit import book_answer, recover
from trading.oms.venues.base import Accepted, Answer, NotSent, Rejected, TakenOut
from trading.oms.working import cancel, carry_out, renew
from trading.repositories.orders import Lease, Move, OrderRepository, StaleOrder, Step
from trading.settlement import settle_finalized

pytestmark = pytest.mark.django_db

TEN = Decimal(10)
LATER = AT + MINUTE
ORDERS = OrderRepository(DEMO)


@pytest.fixture
def resting(market_ids: dict[str, int], lease: Lease) -> Order:
    return send_to(S.RESTING, market_ids, lease, rests=True)


def renewed(order: Order) -> Order:
    """As the trader leaves it that lets it rest on: in the same state, with a later expiration."""
    return ORDERS.transition(order, E.RENEW, at=AT, expires_at=LATER)


class MeddledWith:
    """An exchange at which `order` is renewed while it is asked to take something out, the first `times` times."""

    def __init__(self, order: Order, times: int = 1) -> None:
        self._order, self._times = order, times
        self.asked: list[str | None] = []

    def place(self, order: Order) -> Answer:
        raise AssertionError("nothing is to be placed here")

    def find(self, order: Order) -> Answer:
        if order != self._order:
            ORDERS.transition(stored(self._order), E.LOSE, at=AT)
        return Accepted()

    def cancel(self, order: Order) -> TakenOut:
        self.asked.append(order.kalshi_order_id)
        if self._times:
            self._times -= 1
            renewed(stored(self._order))
        return TakenOut(reduced_by=TEN)

    def renew(self, order: Order, expires_at: object) -> NotSent | None:
        raise AssertionError("nothing is to be renewed here")


@pytest.mark.parametrize("event", [E.RENEW, E.ASK_CANCEL, E.CANCEL, E.LOSE, E.FILL_ALL])
def test_move_of_an_order_that_left_its_state_and_came_back_is_refused(resting: Order, event: E) -> None:
    now = renewed(resting)
    assert now.state is resting.state

    with pytest.raises(StaleOrder, match="is no longer RESTING as of step 2"):
        ORDERS.transition(resting, event, at=LATER, filled_count=TEN, expires_at=LATER + MINUTE)
    assert stored(resting) == now
    assert last_step(resting).event == "renew"


def test_move_of_an_order_of_which_only_a_figure_changed_is_refused(resting: Order) -> None:
    ORDERS.transition(resting, E.ASK_CANCEL, at=AT, reported_count=Decimal(3))

    with pytest.raises(StaleOrder):
        ORDERS.transition(resting, E.CANCEL, at=LATER)


def test_order_that_was_moved_can_be_moved_on_and_is_as_its_row(resting: Order) -> None:
    steps = (Step(E.RENEW), Step(E.ASK_CANCEL), Step(E.LOSE))
    moved = ORDERS.move_all([Move(resting, steps, {"expires_at": LATER})], at=AT)[resting.client_order_id]

    assert moved == stored(resting)
    assert moved.version == resting.version + 3
    ended = ORDERS.transition(moved, E.CANCEL, at=LATER)
    assert ended == stored(resting)


def test_move_all_then_stale_ones_are_left_and_the_others_moved(
    market_ids: dict[str, int], lease: Lease
) -> None:
    first, second, third = (resting_in(bracket.ticker, market_ids, lease) for bracket in BRACKETS[:3])
    now = renewed(second)

    moved = ORDERS.move_all([Move(order, (Step(E.LOSE),)) for order in (first, second, third)], at=AT)

    assert set(moved) == {first.client_order_id, third.client_order_id}
    assert all(order == stored(order) for order in (*moved.values(), now))


def test_move_all_with_two_moves_of_one_order_then_the_last_is_made_and_told(resting: Order) -> None:
    moves = [Move(resting, (Step(E.ASK_CANCEL),)), Move(resting, (Step(E.RENEW), Step(E.CANCEL)))]

    moved = ORDERS.move_all(moves, at=AT)

    assert moved == {resting.client_order_id: stored(resting)}
    assert steps_of(resting)[-3:] == ["acknowledge", "renew", "cancel"]


@pytest.mark.django_db(transaction=True)
def test_two_connections_that_move_from_the_same_view_then_one_does_each_time(resting: Order) -> None:
    rounds, order = 25, resting
    start, done = threading.Barrier(3), threading.Barrier(3)
    won: list[int] = []

    def race() -> None:
        try:
            for _ in range(rounds):
                start.wait(WAITS_S)
                try:
                    won.append(renewed(order).version)
                except StaleOrder:
                    won.append(0)
                done.wait(WAITS_S)
        finally:
            connections.close_all()

    racers = [threading.Thread(target=race) for _ in range(2)]
    for racer in racers:
        racer.start()
    for _ in range(rounds):
        start.wait(WAITS_S)
        done.wait(WAITS_S)
        order = stored(resting)
    for racer in racers:
        racer.join(WAITS_S)

    first = resting.version + 1
    assert sorted(won) == [0] * rounds + list(range(first, first + rounds))
    assert steps_of(resting).count("renew") == rounds


def test_order_that_is_renewed_while_it_is_taken_out_then_ends_all_the_same(resting: Order) -> None:
    ended = cancel(resting, MeddledWith(resting), at=AT, why="spread")

    assert ended == stored(resting)
    assert (ended.state, ended.expires_at) == (S.CANCELED, LATER)
    assert steps_of(resting)[-3:] == ["ask_cancel", "renew", "cancel"]


class Unreachable(MeddledWith):
    """Somebody moves the order by `event` while its renewal does not leave."""

    def __init__(self, order: Order, event: E) -> None:
        super().__init__(order)
        self._event = event

    def renew(self, order: Order, expires_at: object) -> NotSent:
        theirs = LATER + MINUTE if self._event is E.RENEW else None
        ORDERS.transition(stored(order), self._event, at=AT, expires_at=theirs)
        return NotSent(why="dns")


def test_renewal_that_never_left_of_an_order_somebody_asked_to_end_is_taken_back(
    resting: Order, lease: Lease
) -> None:
    order = renew(resting, Unreachable(resting, E.ASK_CANCEL), lease=lease, at=AT)

    assert order == stored(resting)
    assert order.expires_at == resting.expires_at
    assert steps_of(resting)[-3:] == ["renew", "ask_cancel", "end_renewal"]


def test_renewal_that_never_left_of_an_order_renewed_by_somebody_else_leaves_theirs(
    resting: Order, lease: Lease
) -> None:
    order = renew(resting, Unreachable(resting, E.RENEW), lease=lease, at=AT)

    assert order == stored(resting)
    assert order.expires_at == LATER + MINUTE
    assert steps_of(resting)[-2:] == ["renew", "renew"]


def test_carry_out_of_a_review_whose_order_was_renewed_since_then_nothing_is_asked(
    resting: Order, lease: Lease, caplog: pytest.LogCaptureFixture
) -> None:
    now, venue = renewed(resting), MeddledWith(resting)
    reviews = [
        (resting, Review(step, Gate(False, ReasonCode.SPREAD_WIDE, "7¢")))
        for step in (Wanted.CANCEL, Wanted.RENEW)
    ]

    carry_out(reviews, venue, lease=lease, pace=Pace(lambda: LATER))

    assert venue.asked == []
    assert stored(resting) == now
    assert caplog.text.count("order left alone") == 2


def test_recover_of_an_order_that_moved_meanwhile_then_the_others_still_end(
    market_ids: dict[str, int], lease: Lease, caplog: pytest.LogCaptureFixture
) -> None:
    unsent, sent, moving = (
        send_to(state, market_ids, lease, ticker=BRACKETS[number].ticker)
        for number, state in enumerate((S.NEW, S.SUBMITTED, S.SUBMITTED))
    )

    assert recover(MeddledWith(moving), [sent, moving, unsent], market_ids=market_ids, at=AT) == 2

    assert [stored(order).state for order in (unsent, sent, moving)] == [S.CANCELED, S.CANCELED, S.UNKNOWN]
    assert "order left alone" in caplog.text


def test_refusal_that_meets_all_then_trips_its_breaker_though_its_order_moved(
    market_ids: dict[str, int], lease: Lease
) -> None:
    order = send_to(S.SUBMITTED, market_ids, lease)
    now = ORDERS.transition(order, E.LOSE, at=AT)
    answer = Rejected(code="AUTH_REFUSED", breaker=Breaker.AUTH_REFUSED)

    with pytest.raises(StaleOrder):
        book_answer(order, answer, market_id=market_ids[order.market_ticker], at=AT)
    assert stored(order) == now
    assert get_trading_state(DEMO) is TradingState.HALTED


@pytest.mark.parametrize(("event", "after"), [(E.ACKNOWLEDGE, S.PARTIAL), (E.CANCEL, S.CANCELED)])
def test_fills_of_an_answer_are_booked_though_its_order_moved(
    market_ids: dict[str, int], lease: Lease, event: E, after: S
) -> None:
    order = send_to(S.SUBMITTED, market_ids, lease)
    ORDERS.transition(order, event, at=AT)
    fill = make_fill(count="4", mode=DEMO).model_copy(update={"client_order_id": order.client_order_id})

    booked = book_answer(order, Accepted(fills=(fill,)), market_id=market_ids[order.market_ticker], at=AT)

    assert booked == stored(order)
    assert (booked.state, booked.filled_count) == (after, Decimal(4))
    assert FillRow.objects.get().count == 4


@pytest.mark.django_db(transaction=True)
def test_reconcile_of_an_order_that_moves_meanwhile_then_the_next_run_ends_it(resting: Order) -> None:
    theirs = account(orders=[listed(resting, status=OrderStatus.CANCELED)])

    with moved_meanwhile(resting, E.RENEW, expires_at=LATER):
        first = reconcile(DEMO, theirs, AT)
    assert first.orders_moved == 0
    assert (stored(resting).state, stored(resting).expires_at) == (S.RESTING, LATER)

    assert reconcile(DEMO, theirs, LATER).orders_moved == 1
    assert stored(resting).state is S.CANCELED


@pytest.mark.django_db(transaction=True)
def test_name_learnt_of_an_order_that_moves_meanwhile_then_the_next_run_learns_it(
    market_ids: dict[str, int], lease: Lease
) -> None:
    lost = send_to(S.UNKNOWN, market_ids, lease, rests=True)
    theirs = account(orders=[listed(lost, name="k-7")])

    with moved_meanwhile(lost, E.ASK_CANCEL):
        reconcile(DEMO, theirs, AT)
    assert stored(lost).kalshi_order_id is None

    reconcile(DEMO, theirs, LATER)
    assert (stored(lost).state, stored(lost).kalshi_order_id) == (S.RESTING, "k-7")


@pytest.mark.django_db(transaction=True)
def test_settlement_of_an_order_that_fills_meanwhile_then_the_next_round_closes_it(
    market_ids: dict[str, int], lease: Lease
) -> None:
    order = send_to(S.CANCELED, market_ids, lease)
    finalize(order.market_ticker, "yes")
    after = CLOSE + timedelta(hours=12)

    with moved_meanwhile(order, E.FILL_PART, filled_count=Decimal(3)):
        assert settle_finalized(DEMO, after).orders_closed == 0
    assert stored(order).filled_count == 3

    assert settle_finalized(DEMO, after).orders_closed == 1
    versions = OrderEventRow.objects.order_by("version").values_list("version", flat=True)
    assert list(versions) == list(range(stored(order).version + 1))
