"""P&L is booked at the exchange's final result, once, and adds up with the ledger."""

from datetime import timedelta
from decimal import Decimal

import pytest

from markets.models import MarketRow
from milkbot.core.config import TradingMode
from tests.trading.makers import BRACKETS, CLOSE, FEES, NOW, make_book, make_fill, make_intent
from tests.trading.stored import finalize, store_markets
from trading.controls import ensure_controls
from trading.domain.types import BookSide
from trading.models import LedgerRow, OrderRow, PositionRow, RiskEventRow, SettlementRow
from trading.oms.lease import take_lease
from trading.oms.submit import submit
from trading.oms.venues.shadow import ShadowVenue, ShownMarket
from trading.repositories.books import FillRepository, LedgerRepository, PositionRepository
from trading.repositories.orders import OrderRepository
from trading.settlement import SettlementReport, settle_finalized

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
