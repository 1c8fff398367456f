"""What is asked of the exchange about resting orders, and what its answers lead to."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.trading.makers import BRACKETS, NOW
from tests.trading.scripted_account import account, filled, held, listed
from tests.trading.sent_orders import AT, DEMO, MINUTE, last_step, resting_in, send_to, steps_of, stored
from trading.controls import get_trading_state, set_trading_state
from trading.domain.breakers import Breaker
from trading.domain.gates import Gate
from trading.domain.order_states import OrderEvent
from trading.domain.types import Order, OrderState, ReasonCode, TradingState
from trading.domain.working import Review, Step
from trading.models import LockRow, TraderLeaseRow
from trading.oms.pace import Pace
from trading.oms.reconcile import reconcile
from trading.oms.submit import book_answer
from trading.oms.venues.base import Accepted, Answer, NotSent, Rejected, TakenOut, Unknown
from trading.oms.working import cancel, carry_out, renew
from trading.repositories.orders import Fenced, Lease, OrderRepository, StaleOrder
from weather.domain.releases import FORECAST, Releases, Window

pytestmark = pytest.mark.django_db

S = OrderState
LIFE = timedelta(minutes=4)


class ScriptedVenue:
    """Answers every cancel and every renewal as told, and remembers what was asked."""

    def __init__(self, taken_out: Any = None, renewed: Any = None) -> None:
        self._taken_out = taken_out or TakenOut(reduced_by=Decimal(10))
        self._renewed = renewed
        self.asked: list[tuple[str, str]] = []

    def place(self, order: Order) -> Answer:
        raise AssertionError("nothing is to be placed here")

    find = place

    def cancel(self, order: Order) -> Any:
        self.asked.append(("cancel", order.market_ticker))
        return self._taken_out

    def renew(self, order: Order, expires_at: datetime) -> Any:
        self.asked.append(("renew", order.market_ticker))
        return self._renewed


@pytest.fixture
def resting(market_ids: dict[str, int], lease: Lease) -> Order:
    return send_to(S.RESTING, market_ids, lease, rests=True)


def test_cancel_that_took_out_everything_then_ended(resting: Order) -> None:
    ended = cancel(resting, ScriptedVenue(), at=AT, why="spread", actor="ann")

    assert ended == stored(resting)
    assert ended.state is S.CANCELED
    assert steps_of(resting)[-2:] == ["ask_cancel", "cancel"]
    assert (last_step(resting).actor, last_step(resting).payload["why"]) == ("ann", "spread")


def test_cancel_while_it_filled_then_ends_only_with_the_fills(resting: Order) -> None:
    order = cancel(resting, ScriptedVenue(TakenOut(reduced_by=Decimal(6))), at=AT, why="spread")
    assert stored(order).state is S.RESTING, "four contracts are on their way"

    gone = listed(order, status="canceled", filled="4")  # type: ignore[arg-type]
    reconcile(DEMO, account(orders=[gone], fills=[filled(count="4", at=AT)], positions=[held("4")]), AT)
    assert (stored(order).state, stored(order).filled_count) == (S.CANCELED, Decimal(4))


@pytest.mark.parametrize(
    "answer",
    [Unknown(why="no such order"), NotSent(why="no connection"), Rejected(code="market_closed")],
)
def test_cancel_without_a_clear_answer_then_the_order_stays_as_it_is(resting: Order, answer: Any) -> None:
    order = cancel(resting, ScriptedVenue(answer), at=AT, why="spread")

    assert stored(order).state is S.RESTING
    assert steps_of(order)[-1] == "ask_cancel"
    assert cancel(order, ScriptedVenue(), at=AT + MINUTE, why="again").state is S.CANCELED


def test_cancel_refused_for_a_cause_that_meets_all_then_trips_its_breaker(resting: Order) -> None:
    answer = Rejected(code="AUTH_REFUSED", message="key revoked", breaker=Breaker.AUTH_REFUSED)

    cancel(resting, ScriptedVenue(answer), at=AT, why="spread")

    assert get_trading_state(DEMO) is TradingState.HALTED
    assert LockRow.objects.get().code == "AUTH_REFUSED"
    assert stored(resting).state is S.RESTING


def test_cancel_of_an_order_that_moved_meanwhile_then_nothing_is_asked(resting: Order) -> None:
    OrderRepository(DEMO).transition(resting, OrderEvent.CANCEL, at=AT)
    venue = ScriptedVenue()

    with pytest.raises(StaleOrder):
        cancel(resting, venue, at=AT, why="spread")
    assert venue.asked == []


def test_cancel_passes_a_halt_and_a_lost_lease(resting: Order) -> None:
    _halt()
    TraderLeaseRow.objects.update(holder="host-b/2/2.00")

    assert cancel(resting, ScriptedVenue(), at=AT, why="halted").state is S.CANCELED


@pytest.mark.parametrize("answer", [None, Unknown(why="timeout"), Rejected(code="x")])
def test_renewal_then_our_expiration_is_the_later_one_whatever_comes_back(
    resting: Order, lease: Lease, answer: Any
) -> None:
    order = renew(resting, ScriptedVenue(renewed=answer), lease=lease, at=AT)

    assert order == stored(order)
    assert (order.state, order.expires_at) == (S.RESTING, AT + LIFE)
    assert "renew" in steps_of(order)[-2:]


@pytest.mark.parametrize("is_halted", [True, False])
def test_renewal_that_never_left_then_the_expiration_the_exchange_has_stands_again(
    resting: Order, lease: Lease, is_halted: bool
) -> None:
    if is_halted:
        _halt()

    order = renew(resting, ScriptedVenue(renewed=NotSent(why="dns")), lease=lease, at=AT)

    assert order == stored(order)
    assert (order.state, order.expires_at) == (S.RESTING, resting.expires_at)
    assert steps_of(order)[-2:] == ["renew", "end_renewal"]


def test_renewal_that_never_left_of_an_order_that_moved_meanwhile_is_left_alone(
    resting: Order, lease: Lease
) -> None:
    class Moving(ScriptedVenue):
        def renew(self, order: Order, expires_at: datetime) -> Any:
            OrderRepository(DEMO).transition(order, OrderEvent.CANCEL, at=AT, actor="ann")
            return NotSent(why="dns")

    renew(resting, Moving(), lease=lease, at=AT)

    assert stored(resting).state is S.CANCELED
    assert steps_of(resting)[-2:] == ["renew", "cancel"]


def test_renewal_then_the_order_ends_before_anything_is_due(resting: Order, lease: Lease) -> None:
    assert resting.expires_at is not None
    at = resting.expires_at - timedelta(minutes=1)
    due = [Window(FORECAST, when, when + LIFE, when) for when in (at + timedelta(minutes=3),)]
    venue = ScriptedVenue()

    order = renew(resting, venue, lease=lease, at=at, releases=Releases.of(due))

    assert stored(order).expires_at == at + timedelta(minutes=3)
    assert [kind for kind, _ in venue.asked] == ["renew"]


def test_renewal_that_could_arrive_expired_is_not_asked_for(resting: Order, lease: Lease) -> None:
    assert resting.expires_at is not None
    at = resting.expires_at - timedelta(seconds=5)
    due = Releases.of([Window(FORECAST, at + timedelta(seconds=9), at + LIFE, at)])
    venue = ScriptedVenue()

    assert renew(resting, venue, lease=lease, at=at, releases=due) == resting
    assert venue.asked == []


def test_renewal_of_what_ends_before_something_that_fell_due_meanwhile_is_not_asked_for(
    resting: Order, lease: Lease
) -> None:
    assert resting.expires_at is not None
    due = Releases.of([Window(FORECAST, AT, resting.expires_at + LIFE, AT)])
    venue = ScriptedVenue()

    assert renew(resting, venue, lease=lease, at=AT, releases=due) == resting
    assert venue.asked == []


@pytest.mark.parametrize("state", [TradingState.HALTED, TradingState.REDUCING])
def test_renewal_that_the_switch_forbids_then_nothing_is_asked(
    resting: Order, lease: Lease, state: TradingState
) -> None:
    _turn(state)
    venue = ScriptedVenue()

    renew(resting, venue, lease=lease, at=AT)

    assert venue.asked == []


@pytest.mark.parametrize("breaker", [Breaker.ENDPOINT_RETIRED, Breaker.AUTH_REFUSED])
def test_renewal_refused_for_a_cause_that_meets_all_then_trips_its_breaker(
    resting: Order, lease: Lease, breaker: Breaker
) -> None:
    venue = ScriptedVenue(renewed=Rejected(code=breaker.value, message="no more", breaker=breaker))

    renew(resting, venue, lease=lease, at=AT)

    assert LockRow.objects.get().code == breaker
    assert get_trading_state(DEMO) is TradingState.HALTED
    assert stored(resting).state is S.RESTING


def test_renewal_that_a_halt_forbids_is_told(
    resting: Order, lease: Lease, caplog: pytest.LogCaptureFixture
) -> None:
    _halt()
    renew(resting, ScriptedVenue(), lease=lease, at=AT)
    assert "renewal without a clear answer" in caplog.text


def test_renewal_under_a_lease_that_moved_on_then_refused(resting: Order, lease: Lease) -> None:
    venue = ScriptedVenue()
    TraderLeaseRow.objects.update(holder="host-b/2/2.00", fencing=lease.fencing + 1)

    with pytest.raises(Fenced):
        renew(resting, venue, lease=lease, at=AT)
    assert venue.asked == []


def test_carry_out_then_cancels_come_first_and_a_moved_order_is_left(
    market_ids: dict[str, int], lease: Lease
) -> None:
    tickers = [bracket.ticker for bracket in BRACKETS[:4]]
    orders = [resting_in(ticker, market_ids, lease) for ticker in tickers]
    steps = (Step.KEEP, Step.RENEW, Step.CANCEL, Step.CANCEL)
    gate = Gate(False, ReasonCode.SPREAD_WIDE, "7¢")
    reviews = [(order, Review(step, gate)) for order, step in zip(orders, steps, strict=True)]
    OrderRepository(DEMO).transition(orders[3], OrderEvent.CANCEL, at=AT, actor="ann")
    venue = ScriptedVenue()

    asked = carry_out(reviews, venue, lease=lease, pace=Pace(lambda: AT))

    assert venue.asked == [("cancel", tickers[2]), ("renew", tickers[1])]
    assert asked == {Step.KEEP: 1, Step.RENEW: 1, Step.CANCEL: 2}
    assert [stored(order).state for order in orders] == [S.RESTING, S.RESTING, S.CANCELED, S.CANCELED]
    assert last_step(orders[2]).payload["why"] == "SPREAD_WIDE: 7¢"


def test_carry_out_when_the_turn_is_over_then_leaves_the_rest(resting: Order, lease: Lease) -> None:
    venue = ScriptedVenue()
    gate = Gate(False, ReasonCode.SPREAD_WIDE, "7¢")

    carry_out([(resting, Review(Step.CANCEL, gate))], venue, lease=lease, pace=Pace(lambda: AT, lambda: True))

    assert venue.asked == []


def test_accepted_with_fills_only_reported_then_rests_until_they_are_read(
    market_ids: dict[str, int], lease: Lease
) -> None:
    order = send_to(S.SUBMITTED, market_ids, lease)
    answer = Accepted(kalshi_order_id="k-1", reported_count=Decimal(10))
    order = book_answer(order, answer, market_id=market_ids[order.market_ticker], at=AT)
    assert (order.state, order.reported_count) == (S.RESTING, Decimal(10))

    theirs = account(fills=[filled(count="10", at=AT)], positions=[held("10")], cash="9995.83")
    assert reconcile(DEMO, theirs, AT).is_trusted
    assert stored(order).state is S.FILLED


def _halt() -> None:
    _turn(TradingState.HALTED)


def _turn(state: TradingState) -> None:
    set_trading_state(mode=DEMO, state=state, actor="ann", user_id=None, reason="test", now=NOW)
