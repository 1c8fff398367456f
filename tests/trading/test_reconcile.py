"""One run of reconciliation against an account written down by the test, on real rows."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, cast

import pytest

from markets.domain.account_types import ExchangeFill, OrderStatus
from milkbot.core.config import TradingMode
from tests.factories import ReconciliationFactory
from tests.trading.makers import EVENT, NOW
from tests.trading.scripted_account import (
    ScriptedAccount,
    account,
    filled,
    held,
    listed,
    read_as,
)
from tests.trading.sent_orders import (
    AT,
    DEMO,
    MINUTE,
    PATHS,
    SECOND,
    SENT_AT,
    last_step,
    send_to,
    stored,
    version_of,
)
from trading.controls import get_trading_state
from trading.domain.order_states import OrderEvent
from trading.domain.policy import Policy
from trading.domain.supersede import next_turn
from trading.domain.types import Order, OrderState, ReasonCode, TradingState
from trading.models import (
    FillRow,
    LedgerRow,
    LockRow,
    OrderEventRow,
    OrderRow,
    PositionRow,
    ReconciliationRow,
    RiskEventRow,
)
from trading.oms.account import OVERLAP
from trading.oms.reconcile import START, has_reconciled, reconcile
from trading.oms.submit import recover
from trading.oms.venues.base import Venue
from trading.repositories.accounts import read_account
from trading.repositories.books import LedgerRepository
from trading.repositories.orders import Lease, OrderRepository

pytestmark = pytest.mark.django_db

S, E = OrderState, OrderEvent
FILLED_AT = NOW + 2 * SECOND
LONG_AFTER = NOW + 10 * MINUTE
CANCELED, EXECUTED = OrderStatus.CANCELED, OrderStatus.EXECUTED

Sent = Callable[..., Order]


@pytest.fixture
def sent(market_ids: dict[str, int], lease: Lease) -> Sent:
    return partial(_sent, market_ids, lease)


def _sent(market_ids: dict[str, int], lease: Lease, state: OrderState = S.SUBMITTED, **more: Any) -> Order:
    return send_to(state, market_ids, lease, **more)


def fill(number: int = 0, **changes: Any) -> ExchangeFill:
    return filled(number, **{"at": FILLED_AT, **changes})


def recover_new() -> int:
    """What the next turn does with orders it finds unsent; how many it ended."""
    unsent = OrderRepository(DEMO).in_states([S.NEW])
    return recover(cast(Venue, None), unsent, market_ids={}, at=AT)


def written() -> list[object]:
    """Everything in the books but the runs' own records."""
    tables = (FillRow, LedgerRow, OrderRow, OrderEventRow, PositionRow, RiskEventRow, LockRow)
    return [list(model.objects.order_by("pk").values()) for model in tables]


@pytest.mark.story("4.7", 2)
@pytest.mark.story("4.7", 3)
@pytest.mark.story("4.7", 5)
def test_fills_of_an_order_whose_answer_was_lost_then_adopted_by_its_client_id(sent: Sent) -> None:
    order = sent(S.UNKNOWN)
    theirs = account(
        orders=[listed(order, status=EXECUTED, filled="10")],
        fills=[fill(1, count="4"), fill(2, count="6")],
        positions=[held("10")],
        cash="9995.66",
    )

    report = reconcile(DEMO, theirs, AT)

    row = OrderRow.objects.get()
    now = stored(order)
    assert (now.state, now.filled_count, now.kalshi_order_id) == (S.FILLED, Decimal(10), "k-1")
    assert set(FillRow.objects.values_list("fill_id", "order_id")) == {("t-1", row.pk), ("t-2", row.pk)}
    assert PositionRow.objects.get().count == 10
    assert LedgerRepository(DEMO).cash() == Decimal("10000") - 4 - 2 * Decimal("0.17")
    assert (report.fills_booked, report.external_fills, report.drift) == (2, 0, ())
    assert report.is_trusted


def test_fill_of_an_unlisted_order_then_its_owner_is_asked_for_by_name_once(sent: Sent) -> None:
    order = sent(S.UNKNOWN)
    theirs = account(fills=[fill(1, count="4"), fill(2, count="6")], positions=[held("10")])
    theirs.named["k-1"] = listed(order, status=EXECUTED, filled="10")

    reconcile(DEMO, theirs, AT)

    assert theirs.asked_for == ["k-1"]
    assert stored(order).state == S.FILLED


@pytest.mark.parametrize(
    ("state", "shown", "becomes", "verdict"),
    [
        (S.SUBMITTED, {}, S.RESTING, "rests"),
        (S.UNKNOWN, {}, S.RESTING, "rests"),
        (S.UNKNOWN, {"status": CANCELED}, S.CANCELED, "ended"),
        (S.RESTING, {"status": CANCELED}, S.CANCELED, "ended"),
        (S.UNKNOWN, {"status": OrderStatus.UNRECOGNIZED}, S.RESTING, "rests"),
    ],
)
def test_open_order_that_is_listed_then_moves_as_the_list_says(
    sent: Sent, state: OrderState, shown: dict[str, Any], becomes: OrderState, verdict: str
) -> None:
    order = sent(state, rests=True)

    report = reconcile(DEMO, account(orders=[listed(order, **shown)]), AT)

    assert (stored(order).state, stored(order).kalshi_order_id) == (becomes, "k-1")
    assert last_step(order).payload["verdict"] == verdict
    assert report.orders_moved == 1


def test_order_acknowledged_already_and_listed_then_nothing_is_recorded_again(sent: Sent) -> None:
    order = sent(S.RESTING, rests=True)

    assert reconcile(DEMO, account(orders=[listed(order)]), AT).orders_moved == 0
    assert last_step(order).event == E.ACKNOWLEDGE


@pytest.mark.parametrize("state", [S.NEW, S.CANCELED, S.REJECTED])
def test_order_that_rests_though_we_believe_it_over_then_taken_back_and_counted(
    sent: Sent, state: OrderState
) -> None:
    order = sent(state, rests=True)
    late = AT + 3 * MINUTE
    row = listed(order).model_copy(update={"created_at": SENT_AT, "expires_at": late + MINUTE})

    report = reconcile(DEMO, account(orders=[row], cash="9996", until=late), late)

    now, ours = stored(order), read_account(DEMO, [EVENT])
    assert (now.state, now.kalshi_order_id, now.sent_at, now.expires_at) == (
        S.RESTING,
        "k-1",
        SENT_AT,
        late + MINUTE,
    )
    assert ours.exposure.total >= order.count * order.limit_price
    turn = next_turn(
        next(iter(ours.standings.values())), order.book_side, order.limit_price, LONG_AFTER, Policy()
    )
    assert (turn.gate.passed, turn.gate.code) == (
        False,
        ReasonCode.INTENT_EXISTS,
    ), "the wish is not sent twice"
    assert (report.orders_moved, report.external_orders) == (1, 0)
    assert RiskEventRow.objects.get().event_type == "ORDER_RESURFACED"
    assert recover_new() == 0


def test_order_found_resting_before_a_restart_ends_it_as_unsent_then_not_ended(sent: Sent) -> None:
    """Books restored from before it was sent."""
    order = sent(S.NEW, rests=True)

    reconcile(DEMO, account(orders=[listed(order)], until=None), AT)

    assert recover_new() == 0
    assert stored(order).state == S.RESTING


@pytest.mark.parametrize("until", [SENT_AT, None])
def test_order_whose_end_a_list_cannot_know_of_yet_then_left_ended(
    sent: Sent, until: datetime | None
) -> None:
    order = sent(S.CANCELED, rests=True)

    assert reconcile(DEMO, account(orders=[listed(order)], until=until), AT).orders_moved == 0
    assert stored(order).state == S.CANCELED


@pytest.mark.parametrize("rests", [False, True])
def test_unanswered_order_nowhere_to_be_seen_then_ends_only_when_it_can_no_longer_arrive(
    sent: Sent, rests: bool
) -> None:
    order = sent(S.UNKNOWN, rests=rests)
    gone_at = SENT_AT + (4 * MINUTE if rests else MINUTE)

    reconcile(DEMO, account(until=gone_at), gone_at + MINUTE)
    assert stored(order).state == S.UNKNOWN
    reconcile(DEMO, account(until=None), gone_at + MINUTE)
    assert stored(order).state == S.UNKNOWN, "a list that broke off proves no absence"
    reconcile(DEMO, account(until=gone_at + SECOND), gone_at + MINUTE)
    assert stored(order).state == S.CANCELED
    assert last_step(order).payload["verdict"] == "never_arrived"


def test_resting_order_that_is_not_shown_then_unknown_once_and_adopted_when_shown_again(sent: Sent) -> None:
    order = sent(S.RESTING, rests=True)

    for _ in range(2):
        reconcile(DEMO, account(), AT)
    assert stored(order).state == S.UNKNOWN
    assert version_of(order) == len(PATHS[S.RESTING]) + 1, "losing sight is recorded once"
    reconcile(DEMO, account(orders=[listed(order)]), AT)
    assert stored(order).state == S.RESTING


def test_order_sent_while_the_account_was_being_read_then_not_judged_by_that_reading(sent: Sent) -> None:
    class Meanwhile(ScriptedAccount):
        def read(self, since: datetime | None, open_orders: Any) -> Any:
            self.order = sent(S.RESTING, rests=True)
            return super().read(since, open_orders)

    theirs = Meanwhile(read_as(until=LONG_AFTER))
    reconcile(DEMO, theirs, AT)

    assert stored(theirs.order).state == S.RESTING


def test_ended_order_with_fills_not_read_yet_then_waits_and_is_lost_sight_of_in_the_end(sent: Sent) -> None:
    order = sent(S.RESTING, rests=True)
    row = listed(order, status=EXECUTED, filled="10")

    reconcile(DEMO, account(orders=[row]), AT)
    assert stored(order).state == S.RESTING
    reconcile(DEMO, account(orders=[row], until=LONG_AFTER), LONG_AFTER)
    assert stored(order).state == S.UNKNOWN, "nobody can say any more what it did: the term of UNKNOWN runs"


@pytest.mark.story("4.7", 1)
def test_next_run_then_reads_from_a_little_before_the_last_complete_one(market_ids: dict[str, int]) -> None:
    theirs = account(until=LONG_AFTER)
    reconcile(DEMO, theirs, LONG_AFTER)
    theirs.reading = read_as(until=None, faults=("fills: timed out",))
    for minute in range(2):
        reconcile(DEMO, theirs, LONG_AFTER + minute * MINUTE)

    assert theirs.since == [None, LONG_AFTER - OVERLAP, LONG_AFTER - OVERLAP]


def test_run_with_an_old_open_order_then_reads_from_before_it_was_sent(sent: Sent) -> None:
    sent(S.UNKNOWN)
    ReconciliationFactory.create(mode=DEMO, complete_until=LONG_AFTER)
    theirs = account(until=None)

    reconcile(DEMO, theirs, LONG_AFTER, since=LONG_AFTER)

    assert theirs.since == [SENT_AT - OVERLAP]


@pytest.mark.parametrize("later", [-30 * MINUTE, 30 * MINUTE])
def test_run_since_a_given_time_then_reads_further_back_and_never_leaves_a_gap(
    market_ids: dict[str, int], later: timedelta
) -> None:
    """A gap would never be read again: its fills would be missing for good."""
    theirs = account(until=LONG_AFTER)
    reconcile(DEMO, theirs, LONG_AFTER)

    reconcile(DEMO, theirs, LONG_AFTER + 60 * MINUTE, since=LONG_AFTER + later)

    assert theirs.since == [None, min(LONG_AFTER, LONG_AFTER + later) - OVERLAP]


def test_run_since_a_given_time_when_none_was_complete_then_reads_everything(
    market_ids: dict[str, int],
) -> None:
    theirs = account(until=None)

    reconcile(DEMO, theirs, LONG_AFTER, since=LONG_AFTER)

    assert theirs.since == [None]


def test_dry_run_then_tells_everything_and_writes_nothing(sent: Sent) -> None:
    order = sent(S.UNKNOWN)
    theirs = account(orders=[listed(order, status=EXECUTED, filled="13")], fills=[fill(count="13")])
    before = written()

    report = reconcile(DEMO, theirs, AT, dry_run=True)

    assert (report.fills_booked, len(report.drift)) == (1, 1)
    assert written() == before
    assert not ReconciliationRow.objects.exists()
    assert get_trading_state(DEMO) is TradingState.ACTIVE


def test_second_run_then_writes_nothing_but_its_own_record(sent: Sent) -> None:
    order = sent(S.UNKNOWN)
    theirs = account(
        orders=[listed(order, filled="4"), listed(name="by-hand")],
        fills=[fill(1, count="4"), fill(2, name="by-hand", count="2")],
        positions=[held("6")],
    )
    reconcile(DEMO, theirs, AT)
    before = written()

    again = reconcile(DEMO, theirs, AT + MINUTE)

    assert written() == before
    assert (again.fills_booked, again.orders_moved, again.external_fills) == (0, 0, 0)
    assert ReconciliationRow.objects.count() == 2


@pytest.mark.parametrize(
    "reading",
    [read_as(until=None), read_as(faults=("balance: timed out",)), read_as(fills=[fill(fee=None)])],
    ids=["incomplete", "with faults", "with a fill that waits"],
)
def test_reading_with_questions_left_then_not_trusted(market_ids: dict[str, int], reading: Any) -> None:
    assert not reconcile(DEMO, ScriptedAccount(reading), AT).is_trusted


def test_start_counts_as_done_only_for_its_own_lease_and_when_complete(
    market_ids: dict[str, int], lease: Lease
) -> None:
    for theirs, done in ((account(until=None), False), (account(), True)):
        reconcile(DEMO, theirs, AT, kind=START, fencing=lease.fencing)
        assert has_reconciled(lease) is done
    assert not has_reconciled(lease._replace(fencing=lease.fencing + 1))


def test_modes_then_keep_their_own_orders(sent: Sent) -> None:
    order = sent(S.UNKNOWN)

    reconcile(TradingMode.LIVE, account(orders=[listed(order)]), AT)

    assert stored(order).state == S.UNKNOWN
