"""A person decides what became of an order: only where the exchange leaves it open, once, on the record."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from markets.domain.account_types import ExchangeSettlement, MarketResult, OrderStatus, Reading
from tests.trading.makers import BRACKETS, CLOSE, make_fill
from tests.trading.scripted_account import ScriptedAccount, account, filled, held, listed
from tests.trading.sent_orders import AT, DEMO, MINUTE, SENT_AT, last_step, send_to, steps_of, stored
from tests.trading.stored import finalize
from trading.domain.evidence import REQUEST_LIFE
from trading.domain.order_states import OrderEvent as E
from trading.domain.types import Order
from trading.domain.types import OrderState as S
from trading.hand_decision import CannotDecide, Decided, decide_ended
from trading.models import OperatorActionRow
from trading.oms.reconcile import reconcile
from trading.repositories.accounts import read_account
from trading.repositories.books import FillRepository, PositionRepository
from trading.repositories.orders import Lease, OrderRepository
from trading.settlement import settle_finalized

pytestmark = pytest.mark.django_db

TICKER = BRACKETS[2].ticker
LATER = AT + 20 * MINUTE
FORGOTTEN = Decimal(4)


@pytest.fixture
def order(market_ids: dict[str, int], lease: Lease) -> Order:
    """The answer said that four of ten had filled; the exchange shows neither order nor fill."""
    sent = send_to(S.SUBMITTED, market_ids, lease)
    OrderRepository(DEMO).transition(
        sent, E.ACKNOWLEDGE, at=SENT_AT, kalshi_order_id="k-1", reported_count=FORGOTTEN
    )
    reconcile(DEMO, account(until=LATER, cash="9000"), LATER)
    lost = stored(sent)
    assert lost.state is S.UNKNOWN
    return lost


def decide(order: Order, theirs: ScriptedAccount | None = None, **changes: Any) -> Decided:
    said = {"actor": "tester", "user_id": None, "reason": "not on its page", "now": LATER}
    return decide_ended(DEMO, order.intent_key, theirs or account(until=LATER), **{**said, **changes})


def test_order_decided_then_it_is_over_reserves_nothing_and_is_on_record(order: Order) -> None:
    assert read_account(DEMO, []).exposure.total > 0

    decided = decide(order)

    assert (decided.order.state, decided.is_new) == (S.CANCELED, True)
    assert read_account(DEMO, []).exposure.total == 0
    step = last_step(order)
    assert (step.from_state, step.to_state, step.actor) == (S.UNKNOWN, S.CANCELED, "tester")
    assert step.payload == {"verdict": "decided", "why": "not on its page"}
    action = OperatorActionRow.objects.get()
    assert (action.action, action.actor, action.reason) == ("decide_order", "tester", "not on its page")
    assert Decimal(action.before["reported"]) == FORGOTTEN


def test_order_decided_twice_then_nothing_more_is_recorded(order: Order) -> None:
    decide(order)
    steps = steps_of(order)

    assert not decide(order, account(until=None)).is_new
    assert steps_of(order) == steps
    assert OperatorActionRow.objects.count() == 1


def test_order_named_by_its_client_order_id_then_found(order: Order) -> None:
    theirs = account(until=LATER)

    decide_ended(
        DEMO, str(order.client_order_id), theirs, actor="tester", user_id=None, reason="gone", now=LATER
    )

    assert stored(order).state is S.CANCELED
    assert theirs.since[-1] is not None
    assert theirs.since[-1] <= SENT_AT, "from before it was sent: its absence proves something"


def test_fill_of_a_decided_order_that_comes_all_the_same_then_booked_and_counted(order: Order) -> None:
    decide(order)

    reconcile(DEMO, account(fills=[filled(count="4", at=AT)], positions=[held("4")], until=LATER), LATER)

    assert (stored(order).state, stored(order).filled_count) == (S.CANCELED, FORGOTTEN)
    position = PositionRepository(DEMO).get(TICKER)
    assert position is not None
    assert position.count == FORGOTTEN
    assert read_account(DEMO, []).exposure.total == position.cost > 0


def test_decided_order_that_rests_then_taken_back_and_open_to_another_decision(order: Order) -> None:
    decide(order)

    reconcile(DEMO, account(orders=[listed(order)], until=LATER + MINUTE), LATER + MINUTE)

    assert stored(order).state is S.RESTING
    with pytest.raises(CannotDecide, match="is RESTING: only what is UNKNOWN"):
        decide(order)


def test_decided_order_of_a_final_market_then_closed_like_any_other(order: Order) -> None:
    finalize(TICKER, "no")
    decide(order, account(until=CLOSE + timedelta(days=1)))

    settle_finalized(DEMO, CLOSE + timedelta(days=1))

    assert stored(order).state is S.CLOSED
    assert not decide(order).is_new


@pytest.mark.parametrize(
    ("theirs", "why"),
    [
        (
            {"until": None, "faults": ("orders: timed out",)},
            r"cannot be read as a whole \(orders: timed out\)",
        ),
        ({"positions": None}, r"cannot be read as a whole \(something filled while it was read\)"),
        ({"until": SENT_AT + REQUEST_LIFE}, "it may arrive or rest until"),
        ({"positions": [held("4")]}, "holds 4 contracts of .* without this order 0: it may have filled"),
        ({"fills": [filled(count="4", at=AT)]}, r"not in our books \(t-0\): run manage.py reconcile first"),
        (
            {"fills": [filled(name="k-9", count="4", at=AT)]},
            r"not in our books \(t-0\): run manage.py reconcile first",
        ),
    ],
    ids=[
        "unreachable",
        "holdings not read",
        "may still arrive",
        "held there",
        "its fill is shown",
        "a fill beside it",
    ],
)
def test_decision_that_the_exchange_may_contradict_then_refused_and_nothing_kept(
    order: Order, theirs: dict[str, Any], why: str
) -> None:
    before = stored(order)

    with pytest.raises(CannotDecide, match=why):
        decide(order, account(**{"until": LATER, **theirs}))

    assert stored(order) == before
    assert not OperatorActionRow.objects.exists()


@pytest.mark.parametrize("status", [OrderStatus.RESTING, OrderStatus.EXECUTED])
def test_order_that_the_exchange_lists_then_refused(order: Order, status: OrderStatus) -> None:
    with pytest.raises(CannotDecide, match=r"lists it as k-1, .* with 4 filled"):
        decide(order, account(orders=[listed(order, status=status, filled="4")], until=LATER))


def test_market_that_the_exchange_paid_out_otherwise_then_refused(order: Order) -> None:
    """Its list of holdings forgets what is settled; its settlements do not."""
    theirs = account(until=CLOSE + timedelta(days=1))
    row = ExchangeSettlement(
        ticker=TICKER,
        event_ticker=TICKER.rpartition("-")[0],
        result=MarketResult.NO,
        yes_count=FORGOTTEN,
        no_count=Decimal(0),
        yes_cost=Decimal("1.60"),
        no_cost=Decimal(0),
        revenue=Decimal(0),
        yes_value=None,
        fee=None,
        settled_at=CLOSE + timedelta(hours=7),
    )
    for paid, why in ((None, "settled cannot be read"), (Reading((row,)), "holds 4 contracts")):
        theirs.paid = paid
        with pytest.raises(CannotDecide, match=why):
            decide(order, theirs)


def test_what_is_held_of_the_market_besides_then_no_contradiction(
    order: Order, market_ids: dict[str, int]
) -> None:
    FillRepository(DEMO).book(make_fill(mode=DEMO, count="7"), market_ids[TICKER])

    assert decide(order, account(positions=[held("7")], until=LATER)).is_new


@pytest.mark.parametrize("state", [S.SUBMITTED, S.RESTING, S.CANCELED, S.REJECTED])
def test_order_whose_fate_is_known_or_under_way_then_refused(
    market_ids: dict[str, int], lease: Lease, state: S
) -> None:
    order = send_to(state, market_ids, lease)

    with pytest.raises(CannotDecide, match=f"is {state}: only what is UNKNOWN"):
        decide(order)


def test_unknown_name_or_no_reason_then_refused(order: Order) -> None:
    with pytest.raises(CannotDecide, match="no order nonsense of DEMO"):
        decide_ended(DEMO, "nonsense", account(), actor="tester", user_id=None, reason="gone", now=LATER)
    with pytest.raises(ValueError, match="say why"):
        decide(order, reason=" ")


def test_order_that_moves_while_the_exchange_is_asked_then_left_to_whoever_moved_it(order: Order) -> None:
    class Meanwhile(ScriptedAccount):
        def read(self, since: Any, open_orders: Any) -> Any:
            OrderRepository(DEMO).transition(order, E.SEND, at=LATER, sent_at=LATER)
            return super().read(since, open_orders)

    with pytest.raises(CannotDecide, match=r"no longer UNKNOWN .*: look at it again"):
        decide(order, Meanwhile(account(until=LATER).reading))

    assert stored(order).state is S.SUBMITTED
    assert not OperatorActionRow.objects.exists()


@pytest.mark.usefixtures("fresh_config")
def test_command_where_no_exchange_is_then_says_so(order: Order) -> None:
    with pytest.raises(CommandError, match="SHADOW has no account"):
        call_command("decide_order", order.intent_key, "--ended", "--reason", "gone")
