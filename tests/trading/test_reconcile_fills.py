"""Fills found in the account: ours whatever their order came to, others' by hand, and those that wait for certainty."""

import logging
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from markets.domain.account_types import ExchangeFill, OrderStatus
from tests.trading.makers import BRACKETS, NOW, make_intent
from tests.trading.scripted_account import (
    account,
    filled,
    held,
    listed,
    make_balance,
)
from tests.trading.sent_orders import (
    AT,
    DEMO,
    MINUTE,
    SECOND,
    send_to,
    stored,
)
from tests.trading.stored import store_markets
from trading.controls import ensure_controls, get_trading_state
from trading.domain.order_states import OrderEvent
from trading.domain.types import Order, OrderState, TradingState
from trading.models import (
    FillRow,
    LedgerRow,
    LockRow,
    OrderRow,
    PositionRow,
    ReconciliationRow,
    RiskEventRow,
)
from trading.oms.account import OVERLAP
from trading.oms.reconcile import reconcile
from trading.repositories.books import LedgerRepository
from trading.repositories.orders import Lease, OrderRepository

pytestmark = pytest.mark.django_db

S, E = OrderState, OrderEvent
FILLED_AT = NOW + 2 * SECOND
LONG_AFTER = NOW + 10 * MINUTE
FEE = Decimal("0.17")
HELD_BY_TEN = 10 * Decimal("0.40")
"""Dollars that a bid for ten, listed as resting whole, keeps from what is available."""
CANCELED, EXECUTED = OrderStatus.CANCELED, OrderStatus.EXECUTED

Sent = Callable[..., Order]


@pytest.fixture
def sent(market_ids: dict[str, int], lease: Lease) -> Sent:
    return partial(_sent, market_ids, lease)


def _sent(market_ids: dict[str, int], lease: Lease, state: OrderState = S.SUBMITTED, **more: Any) -> Order:
    return send_to(state, market_ids, lease, **more)


def fill(number: int = 0, **changes: Any) -> ExchangeFill:
    return filled(number, **{"at": FILLED_AT, **changes})


@pytest.mark.parametrize(
    ("state", "count", "becomes", "done"),
    [
        (S.CANCELED, "4", S.CANCELED, 4),
        (S.CANCELED, "10", S.FILLED, 10),
        (S.REJECTED, "4", S.PARTIAL, 4),
        (S.REJECTED, "10", S.FILLED, 10),
        (S.CLOSED, "4", S.CLOSED, 4),
        (S.SUBMITTED, "4", S.PARTIAL, 4),
    ],
)
def test_late_fill_then_ours_whatever_the_order_had_come_to(
    sent: Sent, state: OrderState, count: str, becomes: OrderState, done: int
) -> None:
    order = sent(state)
    theirs = account(
        orders=[listed(order)],
        fills=[fill(count=count)],
        positions=[held(count)],
        cash=str(10_000 - Decimal(count) * Decimal("0.40") - FEE - HELD_BY_TEN),
    )

    report = reconcile(DEMO, theirs, AT)

    assert (stored(order).state, stored(order).filled_count) == (becomes, Decimal(done))
    assert PositionRow.objects.get().count == done
    assert report.drift == ()


def test_fill_of_an_order_our_books_never_sent_then_ours(
    sent: Sent, market_ids: dict[str, int], lease: Lease
) -> None:
    """The books are a copy from before it left."""
    (order,) = OrderRepository(DEMO).create([make_intent(mode=DEMO)], market_ids, lease=lease)

    reconcile(DEMO, account(orders=[listed(order)], fills=[fill(count="4")], positions=[held("4")]), AT)

    assert stored(order).state == S.PARTIAL


def test_more_filled_than_ordered_then_booked_whole_and_everything_halts(sent: Sent) -> None:
    order = sent(S.RESTING)
    theirs = account(
        orders=[listed(order, status=EXECUTED, filled="13")],
        fills=[fill(1, count="6"), fill(2, count="7")],
        positions=[held("13")],
    )

    reconcile(DEMO, theirs, AT)

    assert PositionRow.objects.get().count == 13
    assert (stored(order).state, stored(order).filled_count) == (S.FILLED, Decimal(10))
    assert get_trading_state(DEMO) is TradingState.HALTED
    assert "13.00 filled of 10.00" in LockRow.objects.get(code="OVERFILL").message


def test_more_reported_than_ordered_then_everything_halts_before_the_fills_are_read(sent: Sent) -> None:
    order = sent(S.RESTING)

    reconcile(DEMO, account(orders=[listed(order, filled="11")]), AT)

    assert get_trading_state(DEMO) is TradingState.HALTED
    assert stored(order).state == S.RESTING


@pytest.mark.story("4.7", 4)
def test_fills_of_a_hand_placed_order_then_counted_and_told_once(
    market_ids: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    theirs = account(
        orders=[listed(name="by-hand")],
        fills=[fill(1, name="by-hand", count="3"), fill(2, name="by-hand", count="4")],
        positions=[held("7")],
        cash=str(10_000 - 7 * Decimal("0.40") - 2 * FEE - HELD_BY_TEN),
    )

    with caplog.at_level(logging.WARNING, logger="milkbot"):
        report = reconcile(DEMO, theirs, AT)

    assert (report.external_fills, report.drift, report.is_trusted) == (2, (), True)
    assert set(FillRow.objects.values_list("order_id", flat=True)) == {None}
    assert "7 contracts" in RiskEventRow.objects.get(event_type="EXTERNAL_FILL").message
    assert "fill of an order that is not ours" in caplog.messages
    assert not OrderRow.objects.exists(), "counted, never touched"


@pytest.mark.story("4.7", 4)
def test_fill_of_an_order_nobody_knows_then_external_unless_an_unanswered_one_may_own_it(sent: Sent) -> None:
    theirs = account(fills=[fill(name="k-9")], positions=[held("10")])
    order = sent(S.UNKNOWN)

    report = reconcile(DEMO, theirs, AT)
    assert (report.fills_booked, report.is_trusted) == (0, False)
    assert "may belong to an order whose answer was lost" in report.unplaced[0]
    assert ReconciliationRow.objects.get().complete_until is None, "the next run must read it again"

    OrderRepository(DEMO).transition(order, E.CANCEL, at=AT)
    assert reconcile(DEMO, theirs, AT + OVERLAP).unplaced, "written off is not proven dead"
    assert reconcile(DEMO, theirs, AT + OVERLAP + SECOND).external_fills == 1


def test_fill_of_an_order_that_was_written_off_then_waits_until_a_read_names_it(sent: Sent) -> None:
    order = sent(S.UNKNOWN)
    OrderRepository(DEMO).transition(order, E.CANCEL, at=AT)
    theirs = account(fills=[fill()], positions=[held("10")])

    assert reconcile(DEMO, theirs, AT).fills_booked == 0
    theirs.named["k-1"] = listed(order, status=EXECUTED, filled="10")
    reconcile(DEMO, theirs, AT + MINUTE)

    assert (stored(order).state, stored(order).filled_count) == (S.FILLED, Decimal(10))


def test_fill_whose_order_cannot_be_read_then_waits_and_is_asked_for_once_a_run(
    market_ids: dict[str, int],
) -> None:
    theirs = account(fills=[fill(1, name="k-9"), fill(2, name="k-9")], positions=[held("20")])
    theirs.unreadable = frozenset({"k-9"})

    report = reconcile(DEMO, theirs, AT)

    assert theirs.asked_for == ["k-9"]
    assert "cannot be read" in report.unplaced[0]
    assert not FillRow.objects.exists()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"fee": None}, "states no fee"),
        ({"ticker": BRACKETS[3].ticker}, "cannot be of"),
        ({"count": "123456789012.00"}, "out of range"),
    ],
)
def test_fill_that_cannot_be_what_it_says_then_waits(sent: Sent, changes: dict[str, Any], why: str) -> None:
    order = sent(S.RESTING)

    report = reconcile(DEMO, account(orders=[listed(order)], fills=[fill(**changes)]), AT)

    assert why in report.unplaced[0]
    assert not report.is_trusted
    assert not FillRow.objects.exists()


@pytest.mark.parametrize(
    ("ticker", "waits"),
    [
        ("KXHIGHCHI-25MAY15-B71.5", True),
        ("KXHIGHCHI-25MAY12-B71.5", False),
        ("KXHIGHCHI-NONSENSE-B71.5", False),
        ("KXPRESIDENT-25MAY15-X", False),
        ("KXHIGHLAX-25MAY15-B71.5", False),
    ],
)
def test_fill_in_a_market_never_read_then_waits_only_if_it_will_be_read(
    market_ids: dict[str, int], ticker: str, waits: bool
) -> None:
    theirs = account(
        orders=[listed(name="by-hand", ticker=ticker)],
        fills=[fill(name="by-hand", ticker=ticker)],
        cash=str(10_000 - 10 * Decimal("0.40") - FEE - HELD_BY_TEN),
    )

    report = reconcile(DEMO, theirs, AT, cities=["CHI"])

    assert bool(report.unplaced) is waits
    assert report.is_trusted is not waits
    assert not FillRow.objects.exists()


class TestFirstReading:
    """An account that was traded before we came: what it holds is taken over, what is over lies in its balance."""

    @pytest.fixture(autouse=True)
    def markets(self) -> None:
        ensure_controls(DEMO, NOW)
        store_markets()

    def test_holdings_then_booked_and_the_rest_is_the_capital(self) -> None:
        sold = BRACKETS[3].ticker
        theirs = account(
            orders=[listed(name="old", status=EXECUTED, filled="10")],
            fills=[
                fill(1, name="old", count="10"),
                fill(2, name="old", ticker=sold, count="5"),
                fill(3, name="old", ticker=sold, count="5"),
            ],
            positions=[held("10"), held("0", ticker=sold)],
            cash="500",
        )

        report = reconcile(DEMO, theirs, AT)

        assert report.is_trusted
        assert set(FillRow.objects.values_list("fill_id", flat=True)) == {"t-1"}
        assert LedgerRepository(DEMO).cash() == 500
        assert LedgerRow.objects.get(kind="deposit").amount == Decimal("504.17")

    def test_history_read_again_by_the_overlap_then_not_booked_after_all(self) -> None:
        theirs = account(
            orders=[listed(name="old", status=EXECUTED, filled="10")], fills=[fill(1, name="old")], until=AT
        )
        for minute in range(2):
            report = reconcile(DEMO, theirs, AT + minute * MINUTE)

        assert (report.fills_booked, report.is_trusted) == (0, True)

    @pytest.mark.parametrize("missing", [{"positions": None}, {"cash": None}, {"until": None}])
    def test_part_of_it_then_opens_nothing_and_is_read_whole_again(self, missing: dict[str, Any]) -> None:
        theirs = account(
            orders=[listed(name="old", status=EXECUTED, filled="10")],
            fills=[fill(name="old")],
            positions=[held("10")],
        )
        whole = theirs.reading
        theirs.reading = whole._replace(
            positions=whole.positions if "positions" not in missing else None,
            balance=whole.balance if "cash" not in missing else None,
            complete_until=whole.complete_until if "until" not in missing else None,
        )
        report = reconcile(DEMO, theirs, AT)
        assert not report.is_trusted
        assert LedgerRepository(DEMO).opened_at() is None

        theirs.reading = whole
        assert reconcile(DEMO, theirs, AT + MINUTE).is_trusted
        assert theirs.since == [None, None]
        assert PositionRow.objects.get().count == 10
        assert LedgerRepository(DEMO).cash() == make_balance("10000").available
