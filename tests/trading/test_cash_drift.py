"""Cash that differs once every fill is booked: what is explained, what passes, and what is booked as external."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from markets.domain.account_types import OrderStatus
from tests.trading.makers import BRACKETS, CLOSE, make_fill
from tests.trading.rounds import rounds
from tests.trading.scripted_account import account, filled, held, listed, read_as
from tests.trading.sent_orders import AT, DEMO, MINUTE, SECOND, send_to
from tests.trading.stored import finalize
from trading.domain.settling import OVERDUE_AFTER, ROWS_LAG
from trading.domain.types import OrderState
from trading.models import LedgerRow, RiskEventRow
from trading.oms.drift import CASH_ROUNDS, ROUND
from trading.oms.lease import take_lease
from trading.oms.reconcile import reconcile
from trading.repositories.books import FillRepository, LedgerRepository
from trading.settlement import settle_finalized

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("market_ids")]

TICKER = BRACKETS[2].ticker
TICKERS = [bracket.ticker for bracket in BRACKETS[2:5]]


def test_cash_that_came_by_hand_then_distrusted_booked_and_told_once() -> None:
    theirs = account(cash="12500")

    reports = rounds(theirs, CASH_ROUNDS + 1)

    assert [report.is_trusted for report in reports] == [False] * (CASH_ROUNDS - 1) + [True] * 2
    assert LedgerRow.objects.get(kind="external").amount == 2500
    assert LedgerRepository(DEMO).cash() == 12_500
    assert RiskEventRow.objects.get(event_type="EXTERNAL_CASH").message.startswith("+2500")


def test_cash_that_differs_in_many_looks_within_seconds_then_not_booked_before_its_time() -> None:
    theirs, enough = account(cash="9000"), (CASH_ROUNDS - 1) * ROUND

    for look in range(4 * CASH_ROUNDS):
        assert not reconcile(DEMO, theirs, AT + look * 2 * SECOND).is_trusted
    assert not reconcile(DEMO, theirs, AT + enough - SECOND).is_trusted
    assert not LedgerRow.objects.filter(kind="external").exists()
    reconcile(DEMO, theirs, AT + enough)

    assert LedgerRow.objects.get(kind="external").amount == -1000


def test_cash_in_doubt_that_is_looked_at_often_then_told_once_at_its_time() -> None:
    theirs = account(orders=[listed(name="by-hand")], cash="9994.98")

    for look in range(8 * CASH_ROUNDS):
        reconcile(DEMO, theirs, AT + look * ROUND / 3)

    told = RiskEventRow.objects.get(event_type="CASH_DRIFT")
    assert told.at == AT + (CASH_ROUNDS - 1) * ROUND


def test_cash_that_moves_every_round_then_not_booked() -> None:
    theirs = account()
    for minute in range(2 * CASH_ROUNDS):
        theirs.reading = read_as(cash=str(9_000 + minute))
        rounds(theirs, 1, begin=minute)

    assert not LedgerRow.objects.filter(kind="external").exists()


def test_cash_while_an_order_rests_then_what_it_holds_is_ours_as_well() -> None:
    rests = [listed(name="by-hand")]

    assert reconcile(DEMO, account(orders=rests, cash="9996"), AT).drift == ()
    (found,) = reconcile(DEMO, account(orders=rests, cash="9000"), AT).drift
    assert found.words == "account beside 4 held by orders: ours 10000, theirs 9004"


@pytest.mark.parametrize("state", [OrderState.SUBMITTED, OrderState.UNKNOWN])
def test_cash_while_an_order_s_fate_is_open_then_not_compared(
    market_ids: dict[str, int], state: OrderState
) -> None:
    send_to(state, market_ids, take_lease(DEMO, "host-a/1/1.00"))

    assert reconcile(DEMO, account(cash="9000", until=None), AT).drift == ()
    assert reconcile(DEMO, account(cash="9000"), AT).drift == ()


def test_cash_while_an_order_stands_in_a_status_we_do_not_know_then_not_compared() -> None:
    strange = account(orders=[listed(name="by-hand", status=OrderStatus.UNRECOGNIZED)], cash="9000")

    assert reconcile(DEMO, strange, AT).drift == ()


def test_cash_while_a_fill_is_not_booked_yet_then_not_compared() -> None:
    theirs = account(fills=[filled(at=AT)], cash="9000")
    theirs.unreadable = frozenset({"k-1"})

    (report,) = rounds(theirs, 1)

    assert report.unplaced
    assert report.drift == ()


def test_cash_that_differs_beside_the_same_orders_then_told_once_and_booked_when_other_ones_rest() -> None:
    """What the orders hold may be reckoned wrongly: nothing else tells it from money that went."""
    theirs = account(orders=[listed(name="by-hand")], cash="9994.98")

    assert not any(report.is_trusted for report in rounds(theirs, 2 * CASH_ROUNDS))
    assert not LedgerRow.objects.filter(kind="external").exists()
    told = RiskEventRow.objects.get(event_type="CASH_DRIFT")
    assert told.message.startswith("account beside 4 held by orders: ours 10000, theirs 9998.98. Nothing new")

    theirs.reading = read_as(orders=[listed(name="by-hand", filled="5")], cash="9996.98")
    assert rounds(theirs, 1, begin=2 * CASH_ROUNDS)[0].is_trusted
    assert LedgerRow.objects.get(kind="external").amount == Decimal("-1.02")


def test_cash_that_differs_only_while_orders_rest_then_never_booked() -> None:
    """An exchange that also held the fees of what rests, say."""
    theirs = account()
    for minute in range(4 * CASH_ROUNDS):
        rests = [listed(name="by-hand")] if minute % 2 else []
        theirs.reading = read_as(orders=rests, cash="9995.83" if rests else "10000")
        (report,) = rounds(theirs, 1, begin=minute)
        assert report.is_trusted is not bool(rests)

    assert not LedgerRow.objects.filter(kind="external").exists()


def test_cash_while_a_closed_market_waits_for_its_payout_then_not_compared(
    market_ids: dict[str, int],
) -> None:
    FillRepository(DEMO).book(make_fill(mode=DEMO), market_ids[TICKER])

    for at in (CLOSE + timedelta(seconds=1), CLOSE + OVERDUE_AFTER):
        assert reconcile(DEMO, account(cash="9000"), at).drift == ()
    finalize(TICKER, "yes")
    assert reconcile(DEMO, account(cash="9000"), CLOSE + OVERDUE_AFTER).drift == ()


@pytest.mark.parametrize(
    ("result", "at"),
    [("scalar", CLOSE + MINUTE), ("", CLOSE + MINUTE), (None, CLOSE + OVERDUE_AFTER + MINUTE)],
)
def test_cash_while_a_closed_market_must_be_settled_by_hand_then_compared_but_for_what_it_may_pay(
    market_ids: dict[str, int], result: str | None, at: datetime
) -> None:
    FillRepository(DEMO).book(make_fill(mode=DEMO, count="10", fee="0"), market_ids[TICKER])
    cash = LedgerRepository(DEMO).cash()
    if result is not None:
        finalize(TICKER, result)
    for paid in ("0", "3.70", "10"):
        assert reconcile(DEMO, account(cash=str(cash + Decimal(paid))), at).is_trusted

    for gone in ("-0.01", "10.01"):
        theirs = account(cash=str(cash + Decimal(gone)))
        reports = [reconcile(DEMO, theirs, at + n * MINUTE) for n in range(2 * CASH_ROUNDS)]
        assert not any(report.is_trusted for report in reports)

    assert not LedgerRow.objects.filter(kind="external").exists(), "what of it the market paid nobody knows"
    told = RiskEventRow.objects.filter(event_type="CASH_DRIFT").values_list("message", flat=True)
    assert len(told) == 2
    assert all(words.endswith(f"first book {TICKER} with manage.py settle_by_hand") for words in told)


def test_cash_when_a_final_result_became_one_we_cannot_pay_then_what_was_booked_may_be_taken_back(
    market_ids: dict[str, int],
) -> None:
    FillRepository(DEMO).book(make_fill(mode=DEMO, count="10", fee="0"), market_ids[TICKER])
    at = CLOSE + timedelta(hours=8)
    reconcile(DEMO, account(cash=None, until=at), at)
    finalize(TICKER, "yes")
    settle_finalized(DEMO, at)
    cash = LedgerRepository(DEMO).cash()
    finalize(TICKER, "scalar")

    theirs = account(cash=str(cash - 10 + Decimal("3.70")))

    assert all(reconcile(DEMO, theirs, at + n * MINUTE).is_trusted for n in range(2 * CASH_ROUNDS))
    assert not LedgerRow.objects.filter(kind="external").exists()


@pytest.fixture
def paid_out(market_ids: dict[str, int]) -> tuple[Decimal, datetime]:
    """Cash before two markets pay $10 and $4 and a third one nothing; when that was booked."""
    for number, (ticker, count) in enumerate(zip(TICKERS, ("10", "4", "7"), strict=True)):
        fill = make_fill(number=number, ticker=ticker, mode=DEMO, count=count, fee="0")
        FillRepository(DEMO).book(fill, market_ids[ticker])
    cash, at = LedgerRepository(DEMO).cash(), CLOSE + timedelta(hours=8)
    reconcile(DEMO, account(cash=str(cash), until=at), at)
    for ticker, result in zip(TICKERS, ("yes", "yes", "no"), strict=True):
        finalize(ticker, result)
    assert settle_finalized(DEMO, at).settled == len(TICKERS)
    return cash, at


@pytest.mark.parametrize("credited", ["0", "4", "10", "14"])
def test_cash_when_a_payout_is_credited_late_then_explained_by_exactly_that(
    paid_out: tuple[Decimal, datetime], credited: str
) -> None:
    cash, at = paid_out

    theirs = account(cash=str(cash + Decimal(credited)), until=at)
    assert all(reconcile(DEMO, theirs, at + n * MINUTE).is_trusted for n in range(2 * CASH_ROUNDS))
    theirs = account(cash=str(cash + 14), until=at)
    assert reconcile(DEMO, theirs, at + ROWS_LAG).is_trusted

    assert not LedgerRow.objects.filter(kind="external").exists()
    assert not RiskEventRow.objects.exists()


@pytest.mark.parametrize(
    ("credited", "after"), [("-0.01", MINUTE), ("9", MINUTE), ("18", MINUTE), ("4", ROWS_LAG)]
)
def test_cash_beside_a_late_payout_that_differs_by_another_amount_or_for_too_long_then_booked(
    paid_out: tuple[Decimal, datetime], credited: str, after: timedelta
) -> None:
    cash, at = paid_out
    theirs = account(cash=str(cash + Decimal(credited)), until=at)

    reports = [reconcile(DEMO, theirs, at + after + n * MINUTE) for n in range(CASH_ROUNDS)]

    assert [report.is_trusted for report in reports] == [False] * (CASH_ROUNDS - 1) + [True]
    assert LedgerRow.objects.get(kind="external").amount == Decimal(credited) - 14


def test_cash_when_a_revised_payout_is_taken_back_late_then_explained(
    paid_out: tuple[Decimal, datetime],
) -> None:
    cash, at = paid_out
    finalize(TICKERS[0], "no")
    assert settle_finalized(DEMO, at + 2 * ROWS_LAG).revised == 1

    theirs = account(cash=str(cash + 14), until=at)

    assert reconcile(DEMO, theirs, at + 2 * ROWS_LAG + MINUTE).is_trusted
    assert not reconcile(DEMO, theirs, at + 3 * ROWS_LAG).is_trusted


def test_cash_when_a_payout_is_credited_late_beside_one_that_is_unknown_then_both_may_explain_it(
    paid_out: tuple[Decimal, datetime], market_ids: dict[str, int]
) -> None:
    _, at = paid_out
    other = BRACKETS[0].ticker
    FillRepository(DEMO).book(
        make_fill(number=9, ticker=other, mode=DEMO, count="2", fee="0"), market_ids[other]
    )
    finalize(other, "scalar")
    uncredited = LedgerRepository(DEMO).cash() - 14

    for credited, is_trusted in (("10", True), ("12", True), ("12.01", False), ("16", True), ("9.99", False)):
        theirs = account(cash=str(uncredited + Decimal(credited)), until=at)
        assert reconcile(DEMO, theirs, at + MINUTE).is_trusted is is_trusted, credited


NOT_COMPARED: dict[str, dict[str, Any]] = {
    "no balance": {"cash": None},
    "no positions": {"cash": "9000", "positions": None},
    "a list that ends early": {"cash": "9000", "until": None},
    "a fill that waits": {"cash": "9000", "fills": [filled(at=AT)]},
    "a strange order": {"cash": "9000", "orders": [listed(status=OrderStatus.UNRECOGNIZED)]},
}


@pytest.mark.parametrize("parts", NOT_COMPARED.values(), ids=list(NOT_COMPARED))
def test_cash_that_differs_then_distrusted_until_it_is_compared_again(parts: dict[str, Any]) -> None:
    """A round that cannot compare it mends no difference, counts for none, and begins none anew."""
    theirs, gone, blind = account(cash="9000"), read_as(cash="9000"), read_as(**parts)
    theirs.unreadable = frozenset({"k-1"})
    for minute, reading in enumerate(
        [gone, *[blind] * (2 * CASH_ROUNDS), *[gone] * (CASH_ROUNDS - 2), blind]
    ):
        theirs.reading = reading
        (report,) = rounds(theirs, 1, begin=minute)
        assert not report.is_trusted
        assert [each.change for each in report.drift] == [-1000]
    assert not LedgerRow.objects.filter(kind="external").exists(), "two rounds saw it"

    theirs.reading = gone
    rounds(theirs, 1, begin=20)
    assert LedgerRow.objects.get(kind="external").amount == -1000
    theirs.reading = read_as(cash=None)
    assert rounds(theirs, 1, begin=21)[0].is_trusted, "it is explained"


@pytest.mark.parametrize("state", [OrderState.SUBMITTED, OrderState.UNKNOWN])
def test_cash_that_differs_beside_an_order_whose_fate_is_open_then_distrusted_until_it_agrees(
    market_ids: dict[str, int], state: OrderState
) -> None:
    theirs = account(cash="9000")
    rounds(theirs, 1)
    send_to(state, market_ids, take_lease(DEMO, "host-a/1/1.00"))

    reports = rounds(theirs, 2 * CASH_ROUNDS, begin=1)

    assert not any(report.is_trusted for report in reports)
    assert not LedgerRow.objects.filter(kind="external").exists()
    theirs.reading = read_as()
    assert rounds(theirs, 1, begin=10)[0].is_trusted, "whatever may be open: to the cent it is all there"


def test_cash_that_differed_before_a_market_closed_then_distrusted_only_while_it_does(
    market_ids: dict[str, int],
) -> None:
    FillRepository(DEMO).book(make_fill(mode=DEMO, count="10", fee="0"), market_ids[TICKER])
    cash = LedgerRepository(DEMO).cash()
    theirs = account(cash=str(cash - 1), positions=[held("10")])
    assert not reconcile(DEMO, theirs, CLOSE - MINUTE).is_trusted

    assert not reconcile(DEMO, theirs, CLOSE + MINUTE).is_trusted
    theirs.reading = read_as(cash=str(cash))
    assert reconcile(DEMO, theirs, CLOSE + 2 * MINUTE).is_trusted
    theirs.reading = read_as(cash=str(cash - 1))
    assert reconcile(DEMO, theirs, CLOSE + 3 * MINUTE).is_trusted, "a new one cannot be told from a payout"


def test_cash_that_differed_then_explained_by_a_fill_booked_while_no_balance_could_be_read(
    market_ids: dict[str, int],
) -> None:
    theirs = account(cash="9996")
    rounds(theirs, 1)
    FillRepository(DEMO).book(make_fill(mode=DEMO, count="10", fee="0"), market_ids[TICKER])

    theirs.reading = read_as(positions=None, cash=None)

    assert rounds(theirs, 1, begin=1)[0].is_trusted


def test_cash_beside_positions_that_differ_then_not_compared() -> None:
    (report,) = rounds(account(cash="9000", positions=[held("7")]), 1)

    assert [difference.what for difference in report.drift] == ["position"]
