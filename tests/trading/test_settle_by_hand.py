"""A person books what a market paid that we cannot settle ourselves: through the same books, once, on the record."""

import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from markets.domain.account_types import ExchangeSettlement, MarketResult, Reading
from markets.domain.types import ListingFault
from markets.models import MarketRow
from milkbot.core import clock
from milkbot.core.config import TradingMode
from tests.factories import ReconciliationFactory
from tests.trading.makers import BRACKETS, CLOSE, NOW, make_fill
from tests.trading.scripted_account import ScriptedAccount, account
from tests.trading.sent_orders import DEMO, send_to
from tests.trading.stored import finalize, store_markets
from trading.controls import ensure_controls
from trading.domain.settling import OVERDUE_AFTER
from trading.domain.types import BookSide, OrderState
from trading.hand_settlement import CannotSettle, SettledByHand, settle_by_hand
from trading.models import LedgerRow, OperatorActionRow, OrderRow, PositionRow, RiskEventRow, SettlementRow
from trading.oms.lease import take_lease
from trading.repositories.books import FillRepository, LedgerRepository, PositionRepository
from trading.settlement import SettlementReport, settle_finalized

pytestmark = pytest.mark.django_db

SHADOW = TradingMode.SHADOW
YES, NO = BRACKETS[2].ticker, BRACKETS[3].ticker
AFTER = CLOSE + timedelta(hours=8)
CAPITAL = Decimal(1000)


@pytest.fixture
def market_ids() -> dict[str, int]:
    """Ten YES for $4 in one market and ten NO for $7 in another, both final at a value that is told nowhere."""
    ids = store_markets()
    ensure_controls(DEMO, NOW)
    ReconciliationFactory.create(mode=DEMO, complete_until=CLOSE)
    for mode in (SHADOW, DEMO):
        LedgerRepository(mode).open_account(CAPITAL, NOW)
        yes = make_fill(number=1, ticker=YES, mode=mode, count="10", yes_price="0.40", fee="0")
        no = make_fill(
            number=2, ticker=NO, mode=mode, count="10", yes_price="0.30", fee="0", book_side=BookSide.ASK
        )
        for fill in (yes, no):
            fill = fill.model_copy(update={"fill_id": f"{mode}-{fill.fill_id}"})
            FillRepository(mode).book(fill, ids[fill.market_ticker])
    for ticker in (YES, NO):
        finalize(ticker, "scalar")
    return ids


def settle(
    ticker: str = YES,
    value: str = "0.37",
    *,
    mode: TradingMode = SHADOW,
    theirs: ScriptedAccount | None = None,
    reason: str = "void",
    now: datetime = AFTER,
) -> SettledByHand:
    return settle_by_hand(
        mode, ticker, Decimal(value), theirs, actor="tester", user_id=None, reason=reason, now=now
    )


def paid(revenue: str, *, yes: str = "10", faults: Sequence[ListingFault] = ()) -> ScriptedAccount:
    """The exchange says what it paid for YES."""
    row = ExchangeSettlement(
        ticker=YES,
        event_ticker=YES.rpartition("-")[0],
        result=MarketResult.SCALAR,
        yes_count=Decimal(yes),
        no_count=Decimal(0),
        yes_cost=Decimal(4),
        no_cost=Decimal(0),
        revenue=Decimal(revenue),
        yes_value=None,
        fee=Decimal(3),
        settled_at=CLOSE + timedelta(hours=7),
    )
    theirs = account()
    theirs.paid = Reading((row,), tuple(faults))
    return theirs


@pytest.mark.parametrize(
    ("ticker", "value", "payout", "pnl"),
    [
        (YES, "0.37", "3.70", "-0.30"),
        (NO, "0.37", "6.30", "-0.70"),
        (YES, "1", "10", "6"),
        (YES, "0", "0", "-4"),
    ],
)
def test_settled_by_hand_then_position_cash_and_profit_are_as_of_any_settlement(
    market_ids: dict[str, int], ticker: str, value: str, payout: str, pnl: str
) -> None:
    before = LedgerRepository(SHADOW).cash()

    done = settle(ticker, value)

    assert (done.paid.payout, done.pnl) == (Decimal(payout), Decimal(pnl))
    position = PositionRepository(SHADOW).get(ticker)
    assert position is not None
    assert (position.count, position.realized_pnl) == (Decimal(0), Decimal(pnl))
    assert position.settled_at == CLOSE + timedelta(hours=7)
    assert LedgerRepository(SHADOW).cash() == before + Decimal(payout)
    row = SettlementRow.objects.get()
    assert (row.result, row.payout, row.pnl) == ("scalar", Decimal(payout), Decimal(pnl))
    action = OperatorActionRow.objects.get()
    assert (action.action, action.actor, action.reason) == ("settle_by_hand", "tester", "void")
    assert action.after["yes_value"] == value


def test_settled_by_hand_a_second_time_then_nothing_changes_and_nobody_is_asked_for_it_again(
    market_ids: dict[str, int],
) -> None:
    for ticker in (YES, NO):
        settle(ticker)
    cash = LedgerRepository(SHADOW).cash()

    assert settle().pnl is None

    assert settle_finalized(SHADOW, AFTER) == SettlementReport()
    assert LedgerRepository(SHADOW).cash() == cash
    assert OperatorActionRow.objects.count() == 2


def test_settled_by_hand_at_another_value_then_the_first_is_taken_back(market_ids: dict[str, int]) -> None:
    settle(value="0.73")
    settle(value="0.37", reason="the digits were turned")

    assert list(SettlementRow.objects.order_by("revision").values_list("payout", flat=True)) == [
        Decimal("7.30"),
        Decimal("-7.30"),
        Decimal("3.70"),
    ]
    position = PositionRepository(SHADOW).get(YES)
    assert position is not None
    assert position.realized_pnl == Decimal("-0.30")
    assert OperatorActionRow.objects.latest("pk").before["payout"] == "7.300000"


def test_settled_by_hand_and_yes_in_the_end_then_revised_by_itself(market_ids: dict[str, int]) -> None:
    settle(value="0.37")
    finalize(YES, "yes")

    assert settle_finalized(SHADOW, AFTER).pnl == Decimal("6.30")
    assert LedgerRow.objects.filter(mode=SHADOW, kind="settlement").count() == 3
    assert RiskEventRow.objects.filter(event_type="SETTLEMENT_REVISED").exists()


def test_settled_by_hand_then_a_fill_learnt_later_is_paid_by_the_same_command(
    market_ids: dict[str, int],
) -> None:
    settle(value="0.37")
    late = make_fill(number=9, ticker=YES, count="1", yes_price="0.30", fee="0")
    FillRepository(SHADOW).book(late, market_ids[YES])
    assert settle_finalized(SHADOW, AFTER).refused == 2

    assert settle(value="0.37").pnl == Decimal("0.07")
    assert settle_finalized(SHADOW, AFTER).refused == 1


def test_settled_by_hand_then_the_orders_of_the_market_are_closed(market_ids: dict[str, int]) -> None:
    send_to(OrderState.CANCELED, market_ids, take_lease(DEMO, "host/1/1.00"), ticker=YES)
    MarketRow.objects.filter(ticker=YES).update(status="closed", result="", settled_at=None)

    done = settle(mode=DEMO, theirs=paid("3.70"), now=CLOSE + OVERDUE_AFTER + timedelta(minutes=1))

    assert (done.orders_closed, done.is_confirmed) == (1, True)
    assert OrderRow.objects.get().state == OrderState.CLOSED
    assert SettlementRow.objects.get().settled_at == CLOSE + timedelta(hours=7), "by the exchange's row"


@pytest.mark.parametrize(
    ("theirs", "why"),
    [
        (paid("3.60"), "the exchange's own row says otherwise. .* revenue: ours 3.7, theirs 3.6"),
        (paid("3.70", yes="9"), "the exchange's own row says otherwise. .* contracts: ours 10, theirs 9"),
        (paid("3.70", faults=[ListingFault(ticker="?", code="?", text="unreadable")]), "cannot be read"),
        (ScriptedAccount(account().reading, paid=None), "cannot be read"),
    ],
)
def test_settle_by_hand_against_the_exchange_s_word_then_refused_and_nothing_kept(
    market_ids: dict[str, int], theirs: ScriptedAccount, why: str
) -> None:
    with pytest.raises(CannotSettle, match=why):
        settle(mode=DEMO, theirs=theirs)

    assert not SettlementRow.objects.exists()
    assert not OperatorActionRow.objects.exists()
    assert PositionRow.objects.get(mode=DEMO, market__ticker=YES).is_open


def test_settle_by_hand_before_the_exchange_lists_it_then_booked_and_said(market_ids: dict[str, int]) -> None:
    assert not settle(mode=DEMO, theirs=account()).is_confirmed


def test_settle_by_hand_before_the_fills_are_read_to_the_close_then_refused(
    market_ids: dict[str, int],
) -> None:
    MarketRow.objects.update(close_at=CLOSE + timedelta(seconds=1))

    with pytest.raises(CannotSettle, match=r"run manage\.py reconcile first"):
        settle(mode=DEMO, theirs=paid("3.70"))


@pytest.mark.parametrize(
    ("status", "result", "why"),
    [
        ("finalized", "yes", "is final with yes: manage.py settle books it"),
        ("closed", "", "is closed: its result may come by itself until"),
        ("active", "", "is active: its result may come by itself until"),
    ],
)
def test_settle_by_hand_what_settles_itself_then_refused(
    market_ids: dict[str, int], status: str, result: str, why: str
) -> None:
    MarketRow.objects.filter(ticker=YES).update(status=status, result=result)

    with pytest.raises(CannotSettle, match=why):
        settle(now=CLOSE + OVERDUE_AFTER)


def test_settle_by_hand_what_is_not_held_then_refused(market_ids: dict[str, int]) -> None:
    for ticker in (BRACKETS[0].ticker, "KXHIGHNOWHERE-T1"):
        with pytest.raises(CannotSettle, match=ticker):
            settle(ticker)


@pytest.mark.parametrize(("value", "reason"), [("1.01", "void"), ("-0.01", "void"), ("0.37", " ")])
def test_settle_by_hand_at_no_value_or_without_a_reason_then_refused(
    market_ids: dict[str, int], value: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=r"dollar|say why"):
        settle(value=value, reason=reason)


@pytest.mark.usefixtures("fresh_config")
def test_settle_by_hand_at_a_terminal_says_what_it_booked(market_ids: dict[str, int]) -> None:
    said = io.StringIO()
    for _ in range(2):
        call_command("settle_by_hand", YES, "--value", "0.37", "--reason", "void", stdout=said)

    assert said.getvalue().splitlines() == [
        f"SHADOW {YES}: 10 contracts paid 3.7000, P&L -0.3000; 0 orders closed",
        f"SHADOW {YES}: 10 contracts paid 3.7000, stood so already; 0 orders closed",
    ]
    assert OperatorActionRow.objects.get().at <= clock.now()
    with pytest.raises(CommandError, match="from 0 to 1 dollar"):
        call_command("settle_by_hand", YES, "--value", "37", "--reason", "void")
    for value in ("much", "nan"):
        with pytest.raises(CommandError, match="no amount in dollars"):
            call_command("settle_by_hand", YES, "--value", value, "--reason", "void")
