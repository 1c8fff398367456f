"""Contracts that differ once every fill is booked: what passes by itself, and what stands."""

from datetime import timedelta

import pytest

from tests.trading.makers import BRACKETS, CLOSE, make_fill
from tests.trading.rounds import rounds
from tests.trading.scripted_account import account, held, read_as
from tests.trading.sent_orders import AT, DEMO, MINUTE, SECOND
from trading.controls import get_trading_state
from trading.domain.types import TradingState
from trading.models import LockRow, ReconciliationRow
from trading.oms.drift import POSITION_ROUNDS, ROUND
from trading.oms.reconcile import reconcile
from trading.repositories.books import FillRepository

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("market_ids")]

TICKER = BRACKETS[2].ticker
TICKERS = [bracket.ticker for bracket in BRACKETS[2:5]]


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


def test_positions_that_differ_then_distrusted_until_they_are_compared_again(
    market_ids: dict[str, int],
) -> None:
    """What fills while the account is read keeps positions from being compared: it mends no difference."""
    theirs = account(positions=[held("7")])
    rounds(theirs, 1)
    theirs.reading = read_as(positions=None, cash=None)

    reports = rounds(theirs, POSITION_ROUNDS, begin=1)

    assert not any(report.is_trusted for report in reports)
    assert {report.drift[0].words for report in reports} == {f"{TICKER}: ours 0, theirs 7"}
    assert get_trading_state(DEMO) is TradingState.ACTIVE, "nobody saw it stand"
    FillRepository(DEMO).book(make_fill(mode=DEMO, count="7"), market_ids[TICKER])
    assert rounds(theirs, 1, begin=10)[0].is_trusted, "the fill that was missing has come"


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


def test_positions_that_differ_in_many_looks_within_seconds_then_not_halted_before_their_time() -> None:
    """Commands look as often as they are told to, and a lag of the exchange's lists lasts as long as it does."""
    theirs, looks = account(positions=[held("7")]), 4 * POSITION_ROUNDS
    enough = (POSITION_ROUNDS - 1) * ROUND

    for look in range(looks):
        assert not reconcile(DEMO, theirs, AT + look * 2 * SECOND).is_trusted
    reconcile(DEMO, theirs, AT + enough - SECOND)
    assert get_trading_state(DEMO) is TradingState.ACTIVE
    reconcile(DEMO, theirs, AT + enough)

    assert get_trading_state(DEMO) is TradingState.HALTED


def test_drift_of_a_dry_run_then_does_not_count_towards_a_halt() -> None:
    theirs = account(positions=[held("7")])
    for minute in range(2 * POSITION_ROUNDS):
        assert reconcile(DEMO, theirs, AT + minute * MINUTE, dry_run=True).drift

    assert not ReconciliationRow.objects.exists()
    assert get_trading_state(DEMO) is TradingState.ACTIVE
