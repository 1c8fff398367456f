"""P&L is booked at the exchange's final result, once, and adds up with the ledger."""

from datetime import timedelta
from decimal import Decimal
from itertools import islice

import pytest
from django.db.models import Sum

from markets.models import MarketRow
from milkbot.core.config import TradingMode
from tests.factories import ReconciliationFactory
from tests.trading.makers import BRACKETS, CLOSE, FEES, NOW, make_book, make_fill, make_intent
from tests.trading.stored import assert_settled_books_add_up, finalize, hold_past_days, store_markets
from trading.controls import ensure_controls
from trading.domain.settling import OVERDUE_AFTER
from trading.domain.types import BookSide
from trading.models import LedgerRow, OrderRow, PositionRow, RiskEventRow, SettlementRow
from trading.oms.lease import take_lease
from trading.oms.submit import submit
from trading.oms.venues.shadow import ShadowVenue, ShownMarket
from trading.repositories.books import FillRepository, LedgerRepository, PositionRepository
from trading.repositories.orders import OrderRepository
from trading.settlement import SettlementReport, outcomes, settle_finalized, settlement_round

pytestmark = pytest.mark.django_db

SHADOW = TradingMode.SHADOW
WON, LOST = BRACKETS[2].ticker, BRACKETS[3].ticker
AFTER = CLOSE + timedelta(hours=8)


@pytest.fixture
def market_ids() -> dict[str, int]:
    ids = store_markets()
    LedgerRepository(SHADOW).open_account(Decimal(1000), NOW)
    FillRepository(SHADOW).book(
        make_fill(number=1, ticker=WON, count="10", yes_price="0.40", fee="0.1680"), ids[WON]
    )
    FillRepository(SHADOW).book(
        make_fill(number=2, ticker=LOST, count="5", yes_price="0.30", fee="0.0735"), ids[LOST]
    )
    return ids


def test_settle_when_final_then_pays_and_the_ledger_agrees(market_ids: dict[str, int]) -> None:
    finalize(WON, "yes")
    finalize(LOST, "no")

    report = settle_finalized(SHADOW, AFTER)

    assert (report.settled, report.pnl) == (2, Decimal("6.00") - Decimal("1.50"))
    assert LedgerRepository(SHADOW).cash() == Decimal("1000") - Decimal("4.1680") - Decimal("1.5735") + 10
    assert not PositionRepository(SHADOW).open()
    assert set(SettlementRow.objects.values_list("pnl", flat=True)) == {
        Decimal("6.000000"),
        Decimal("-1.500000"),
    }
    assert LedgerRow.objects.get(kind="settlement", amount__gt=0).at == CLOSE + timedelta(hours=7)


def test_settle_a_second_time_changes_nothing(market_ids: dict[str, int]) -> None:
    finalize(WON, "yes")
    settle_finalized(SHADOW, AFTER)
    before = LedgerRepository(SHADOW).cash()

    assert settle_finalized(SHADOW, AFTER) == SettlementReport()
    assert LedgerRepository(SHADOW).cash() == before


@pytest.mark.parametrize("status", ["closed", "determined", "disputed", "amended"])
def test_settle_before_the_final_word_books_nothing(market_ids: dict[str, int], status: str) -> None:
    MarketRow.objects.filter(ticker=WON).update(status=status, result="yes")

    assert settle_finalized(SHADOW, AFTER) == SettlementReport()
    assert len(PositionRepository(SHADOW).open()) == 2


def test_settle_a_result_we_cannot_pay_tells_the_operator_once_and_books_the_others(
    market_ids: dict[str, int],
) -> None:
    finalize(WON, "scalar")
    finalize(LOST, "no")

    reports = [settle_finalized(SHADOW, AFTER) for _ in range(2)]

    assert [(report.settled, report.refused) for report in reports] == [(1, 1), (0, 1)]
    assert RiskEventRow.objects.get().event_type == "SETTLEMENT_RESULT_UNUSABLE"
    assert PositionRow.objects.get(market__ticker=WON).is_open


def test_settle_no_holdings_win_when_the_result_is_no(market_ids: dict[str, int]) -> None:
    ticker = BRACKETS[5].ticker
    FillRepository(SHADOW).book(
        make_fill(
            number=3, ticker=ticker, book_side=BookSide.ASK, count="10", yes_price="0.15", fee="0.0893"
        ),
        market_ids[ticker],
    )
    finalize(ticker, "no")

    assert settle_finalized(SHADOW, AFTER).pnl == Decimal("1.50")


def test_settle_closes_the_orders_of_final_markets_only(market_ids: dict[str, int]) -> None:
    ensure_controls(SHADOW, NOW)
    lease = take_lease(SHADOW, "host/1/1.00")
    tickers = (WON, BRACKETS[4].ticker)
    for order in OrderRepository(SHADOW).create(
        [make_intent(ticker=t) for t in tickers], market_ids, lease=lease
    ):
        venue = ShadowVenue({t: ShownMarket(make_book(t, "0.38", "0.40"), FEES) for t in tickers}, NOW)
        submit(order, venue, lease=lease, market_id=market_ids[order.market_ticker], at=NOW)
    finalize(WON, "yes")

    report = settle_finalized(SHADOW, AFTER)

    assert report.orders_closed == 1
    assert dict(OrderRow.objects.values_list("market__ticker", "state")) == {
        WON: "CLOSED",
        tickers[1]: "FILLED",
    }


def amend(ticker: str, status: str, result: str) -> None:
    """A later word of the exchange on a market that was final."""
    settled_at = CLOSE + timedelta(hours=31) if status == "finalized" else None
    MarketRow.objects.filter(ticker=ticker).update(status=status, result=result, settled_at=settled_at)


@pytest.mark.parametrize(("status", "result"), [("disputed", "yes"), ("amended", "no"), ("determined", "no")])
def test_settle_while_a_final_result_is_challenged_then_what_was_booked_stands(
    market_ids: dict[str, int], status: str, result: str
) -> None:
    finalize(WON, "yes")
    settle_finalized(SHADOW, AFTER)
    amend(WON, status, result)

    assert settle_finalized(SHADOW, AFTER) == SettlementReport()
    assert SettlementRow.objects.count() == 1


def test_settle_when_a_final_result_has_changed_then_it_is_taken_back_and_booked_anew(
    market_ids: dict[str, int],
) -> None:
    finalize(WON, "yes")
    settle_finalized(SHADOW, AFTER)
    amend(WON, "finalized", "no")

    report = settle_finalized(SHADOW, AFTER + timedelta(days=1))

    assert (report.settled, report.revised, report.pnl) == (0, 1, Decimal(-10))
    rows = list(SettlementRow.objects.order_by("revision").values_list("revision", "result", "payout", "pnl"))
    assert [tuple(map(str, row)) for row in rows] == [
        ("0", "yes", "10.000000", "6.000000"),
        ("1", "yes", "-10.000000", "-6.000000"),
        ("2", "no", "0.000000", "-4.000000"),
    ]
    position = PositionRepository(SHADOW).get(WON)
    assert position is not None
    assert (position.realized_pnl, position.settled_at) == (Decimal(-4), CLOSE + timedelta(hours=31))
    assert LedgerRow.objects.filter(kind="settlement").aggregate(paid=Sum("amount"))["paid"] == 0
    assert RiskEventRow.objects.get().event_type == "SETTLEMENT_REVISED"
    assert settle_finalized(SHADOW, AFTER + timedelta(days=1)) == SettlementReport()


def test_settle_when_the_result_turns_back_then_the_first_payment_stands_again(
    market_ids: dict[str, int],
) -> None:
    for result in ("yes", "no", "yes"):
        amend(WON, "finalized", result)
        settle_finalized(SHADOW, AFTER)

    assert SettlementRow.objects.count() == 5
    assert SettlementRow.objects.aggregate(pnl=Sum("pnl"), payout=Sum("payout")) == {"pnl": 6, "payout": 10}
    assert settle_finalized(SHADOW, AFTER) == SettlementReport()


def test_settle_when_a_final_result_becomes_one_we_cannot_pay_then_the_operator_is_told(
    market_ids: dict[str, int],
) -> None:
    finalize(WON, "yes")
    settle_finalized(SHADOW, AFTER)
    amend(WON, "finalized", "scalar")

    assert settle_finalized(SHADOW, AFTER).refused == 1
    assert RiskEventRow.objects.get().event_type == "SETTLEMENT_RESULT_UNUSABLE"
    assert SettlementRow.objects.get().payout == 10


def test_settle_when_a_fill_is_learnt_after_the_payout_then_it_is_paid_as_well(
    market_ids: dict[str, int],
) -> None:
    finalize(WON, "yes")
    settle_finalized(SHADOW, AFTER)
    late = make_fill(number=9, ticker=WON, book_side=BookSide.ASK, count="4", yes_price="0.55", fee="0")
    FillRepository(SHADOW).book(late, market_ids[WON])

    assert settle_finalized(SHADOW, AFTER).pnl == Decimal("-1.80")

    # As if it had been known: 4 of the 10 were sold at 55 cents, 6 were paid.
    cost_of_lost = Decimal("1.5735")
    assert LedgerRepository(SHADOW).cash() == 1000 - Decimal("4.1680") - cost_of_lost + Decimal("2.20") + 6
    amend(WON, "finalized", "no")
    settle_finalized(SHADOW, AFTER)
    assert LedgerRepository(SHADOW).cash() == 1000 - Decimal("4.1680") - cost_of_lost + Decimal("2.20")


def test_settle_of_real_orders_waits_until_the_fills_are_read_to_the_close() -> None:
    demo = TradingMode.DEMO
    ids = store_markets()
    FillRepository(demo).book(make_fill(number=1, ticker=WON, mode=demo), ids[WON])
    finalize(WON, "yes")
    ReconciliationFactory.create(mode=demo, complete_until=CLOSE - timedelta(seconds=1))
    ReconciliationFactory.create(mode=SHADOW, complete_until=AFTER)

    assert settle_finalized(demo, AFTER) == SettlementReport(waiting=1)

    ReconciliationFactory.create(mode=demo, complete_until=CLOSE)
    assert settle_finalized(demo, AFTER) == SettlementReport(settled=1, pnl=Decimal(6))


def test_settle_after_days_offline_books_every_past_day_in_one_go() -> None:
    held = hold_past_days(days=5, per_day=4)

    report = settle_finalized(SHADOW, CLOSE + timedelta(days=9))

    assert (report.settled, report.pnl) == (
        held,
        sum(Decimal(6) if n % 3 else Decimal(-4) for n in range(1, 21)),
    )
    assert SettlementRow.objects.values("settled_at").distinct().count() == 5
    assert_settled_books_add_up()


def test_settle_that_dies_between_any_two_of_fifty_positions_leaves_whole_books_and_is_taken_up() -> None:
    held = hold_past_days(days=10, per_day=5)
    at = CLOSE + timedelta(days=12)

    for died_after in range(1, held + 1):
        # Whoever stops here has committed one booking and begun no other.
        (booked,) = islice(outcomes(SHADOW, at), 1)
        assert booked.counted_as == "settled"
        assert SettlementRow.objects.count() == died_after
        assert_settled_books_add_up()

    assert settle_finalized(SHADOW, at) == SettlementReport()
    assert not PositionRepository(SHADOW).open()


@pytest.mark.usefixtures("useless_exchange")
def test_settlement_round_when_a_position_is_never_paid_then_the_operator_is_told_once(
    market_ids: dict[str, int],
) -> None:
    settlement_round(SHADOW, CLOSE + OVERDUE_AFTER)
    assert not RiskEventRow.objects.exists()

    for _ in range(2):
        settlement_round(SHADOW, CLOSE + OVERDUE_AFTER + timedelta(minutes=5))

    told = RiskEventRow.objects.values_list("event_type", "market_ticker").order_by("market_ticker")
    assert list(told) == [("SETTLEMENT_OVERDUE", WON), ("SETTLEMENT_OVERDUE", LOST)]
