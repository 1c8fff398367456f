"""Differences that stay once every fill is booked: what passes by itself, and what stands."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.trading.makers import BRACKETS, CLOSE, NOW, make_fill
from tests.trading.scripted_account import ScriptedAccount, account, held, listed, read_as
from tests.trading.sent_orders import AT, DEMO, MINUTE, send_to
from tests.trading.stored import store_markets
from trading.controls import ensure_controls, get_trading_state
from trading.domain.types import OrderState, TradingState
from trading.models import LedgerRow, LockRow, ReconciliationRow, RiskEventRow
from trading.oms.drift import CASH_ROUNDS, POSITION_ROUNDS
from trading.oms.lease import take_lease
from trading.oms.reconcile import ReconcileReport, reconcile
from trading.repositories.books import FillRepository, LedgerRepository

pytestmark = pytest.mark.django_db

TICKER = BRACKETS[2].ticker


@pytest.fixture(autouse=True)
def market_ids() -> dict[str, int]:
    ensure_controls(DEMO, NOW)
    LedgerRepository(DEMO).open_account(Decimal(10_000), NOW)
    return store_markets()


def rounds(theirs: ScriptedAccount, count: int, begin: int = 0) -> list[ReconcileReport]:
    """One run a minute."""
    return [reconcile(DEMO, theirs, AT + (begin + minute) * MINUTE) for minute in range(count)]


def test_positions_that_differ_then_distrusted_at_once_and_halted_when_it_stands() -> None:
    theirs = account(positions=[held("7")])

    reports = rounds(theirs, POSITION_ROUNDS - 1)
    assert not any(report.is_trusted for report in reports)
    assert reports[0].drift[0].words == f"{TICKER}: ours 0, theirs 7"
    assert get_trading_state(DEMO) is TradingState.ACTIVE

    rounds(theirs, 1, begin=POSITION_ROUNDS)
    assert get_trading_state(DEMO) is TradingState.HALTED
    assert f"{TICKER}: ours 0, theirs 7" in LockRow.objects.get(code="POSITION_DRIFT").message


@pytest.mark.parametrize("other", [read_as(), read_as(positions=[held("8")]), read_as(positions=None)])
def test_positions_that_differ_otherwise_in_between_then_do_not_halt(other: object) -> None:
    theirs = account(positions=[held("7")])
    seven = theirs.reading
    rounds(theirs, POSITION_ROUNDS - 1)
    theirs.reading = other  # type: ignore[assignment]
    rounds(theirs, 1, begin=POSITION_ROUNDS)
    theirs.reading = seven
    rounds(theirs, POSITION_ROUNDS - 1, begin=2 * POSITION_ROUNDS)

    assert get_trading_state(DEMO) is TradingState.ACTIVE


def test_positions_list_empty_by_error_then_distrusted_and_trusted_again(market_ids: dict[str, int]) -> None:
    FillRepository(DEMO).book(make_fill(mode=DEMO), market_ids[TICKER])
    theirs = account(positions=(), cash=None)

    assert [one.drift[0].words for one in rounds(theirs, 2)] == [f"{TICKER}: ours 10, theirs 0"] * 2
    theirs.reading = read_as(positions=[held("10")], cash=None)
    assert rounds(theirs, 1, begin=2)[0].is_trusted
    assert not LockRow.objects.exists()


def test_position_in_a_closed_market_then_not_compared(market_ids: dict[str, int]) -> None:
    """After the close the exchange's list forgets what it pays."""
    FillRepository(DEMO).book(make_fill(mode=DEMO), market_ids[TICKER])

    assert reconcile(DEMO, account(cash=None), CLOSE + timedelta(seconds=1)).drift == ()


def test_position_in_a_market_that_is_not_ours_then_not_compared() -> None:
    assert reconcile(DEMO, account(positions=[held("9", ticker="KXOTHER-26NOV21-X")]), AT).drift == ()


def test_cash_that_came_by_hand_then_distrusted_booked_and_told_once() -> None:
    theirs = account(cash="12500")

    reports = rounds(theirs, CASH_ROUNDS + 1)

    assert [report.is_trusted for report in reports] == [False] * (CASH_ROUNDS - 1) + [True] * 2
    assert LedgerRow.objects.get(kind="external").amount == 2500
    assert LedgerRepository(DEMO).cash() == 12_500
    assert RiskEventRow.objects.get(event_type="EXTERNAL_CASH").message.startswith("+2500")


def test_cash_that_moves_every_round_then_not_booked() -> None:
    theirs = account()
    for minute in range(2 * CASH_ROUNDS):
        theirs.reading = read_as(cash=str(9_000 + minute))
        rounds(theirs, 1, begin=minute)

    assert not LedgerRow.objects.filter(kind="external").exists()


def test_cash_while_an_order_may_hold_collateral_then_not_compared(market_ids: dict[str, int]) -> None:
    by_hand = account(orders=[listed(name="by-hand")], cash="9000")
    assert reconcile(DEMO, by_hand, AT).drift == ()

    send_to(OrderState.UNKNOWN, market_ids, take_lease(DEMO, "host-a/1/1.00"))
    assert reconcile(DEMO, account(cash="9000"), AT).drift == ()


def test_cash_while_a_closed_market_waits_for_its_payout_then_not_compared(
    market_ids: dict[str, int],
) -> None:
    FillRepository(DEMO).book(make_fill(mode=DEMO), market_ids[TICKER])

    assert reconcile(DEMO, account(cash="9999"), CLOSE + timedelta(seconds=1)).drift == ()


def test_cash_beside_positions_that_differ_then_not_compared() -> None:
    (report,) = rounds(account(cash="9000", positions=[held("7")]), 1)

    assert [difference.what for difference in report.drift] == ["position"]


def test_drift_of_a_dry_run_then_does_not_count_towards_a_halt() -> None:
    theirs = account(positions=[held("7")])
    for minute in range(2 * POSITION_ROUNDS):
        assert reconcile(DEMO, theirs, AT + minute * MINUTE, dry_run=True).drift

    assert not ReconciliationRow.objects.exists()
    assert get_trading_state(DEMO) is TradingState.ACTIVE
