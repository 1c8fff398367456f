"""Orders that a person placed on our account: their open part is exposure of ours, and nothing else is done with them."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from markets.domain.account_types import OrderStatus
from markets.models import MarketRow
from milkbot.core.cities import load_cities
from tests.factories import MarketFactory
from tests.trading.makers import BRACKETS, NOW, make_fill
from tests.trading.scripted_account import account, filled, held, listed, read_as
from tests.trading.sent_orders import DEMO, send_to
from tests.trading.stored import store_markets
from trading.controls import ensure_controls, get_trading_state
from trading.domain.types import BookSide, OrderState, Side, TradingState
from trading.models import ExternalOrderRow, FillRow, LedgerRow, ReconciliationRow, RiskEventRow
from trading.oms.account import OVERLAP
from trading.oms.external import book_elsewhere, take_back_external
from trading.oms.lease import take_lease
from trading.oms.reconcile import reconcile
from trading.repositories.accounts import read_account
from trading.repositories.books import LedgerRepository
from trading.repositories.external import UNSEEN_FOR

pytestmark = pytest.mark.django_db

TICKER = BRACKETS[2].ticker
STAKE = Decimal(10) * Decimal("0.40")
"""Ten contracts bid for at 40 cents."""
LAX = "KXHIGHLAX-25MAY15-B70.5"
POLITICS = "KXPRESIDENTIALNOMINATIONOFTHEOTHERPARTY-28NOV07-SOMEBODYWITHALONGNAME"
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def market_ids() -> dict[str, int]:
    ensure_controls(DEMO, NOW)
    LedgerRepository(DEMO).open_account(Decimal(10_000), NOW)
    return store_markets()


def at_risk() -> Decimal:
    return read_account(DEMO, []).exposure.total


@pytest.mark.story("4.7", 4)
def test_resting_order_placed_by_hand_then_its_stake_is_exposure_and_not_cash() -> None:
    report = reconcile(DEMO, account(orders=[listed()], cash=str(10_000 - STAKE)), NOW)

    ours = read_account(DEMO, [])
    assert report.external_orders == 1
    assert (ours.exposure.total, ours.cash) == (STAKE, 10_000 - STAKE)
    assert ours.exposure.markets == {TICKER}
    assert report.is_trusted, "a person may trade on the account"


def test_order_seen_again_is_told_once_and_counted_by_what_is_left() -> None:
    reconcile(DEMO, account(orders=[listed()]), NOW)
    reconcile(DEMO, account(orders=[listed(filled="4")]), NOW)

    assert at_risk() == STAKE * 6 / 10
    assert RiskEventRow.objects.filter(event_type="EXTERNAL_ORDER").count() == 1


def test_order_amended_by_hand_then_counted_at_its_new_price() -> None:
    reconcile(DEMO, account(orders=[listed()]), NOW)
    reconcile(DEMO, account(orders=[listed().model_copy(update={"yes_price": Decimal("0.90")})]), NOW)

    assert at_risk() == 9


def test_order_that_the_exchange_says_is_over_then_counts_no_more() -> None:
    reconcile(DEMO, account(orders=[listed()]), NOW)
    reconcile(DEMO, account(orders=[listed(status=OrderStatus.CANCELED)]), NOW)

    assert at_risk() == 0
    assert ExternalOrderRow.objects.get().ended_at == NOW


def test_order_not_shown_counts_until_complete_readings_reach_far_beyond_it() -> None:
    reconcile(DEMO, account(orders=[listed()]), NOW)
    soon, late = NOW + UNSEEN_FOR, NOW + UNSEEN_FOR + timedelta(seconds=1)

    reconcile(DEMO, account(until=soon), soon)
    assert at_risk() == STAKE, "a list may be empty by error"
    reconcile(DEMO, account(until=None), late)
    assert at_risk() == STAKE, "an incomplete reading proves nothing"
    reconcile(DEMO, account(until=late), late)
    assert at_risk() == 0

    reconcile(DEMO, account(orders=[listed()], until=late), late)
    assert at_risk() == STAKE, "it was there all the while"


def test_our_own_order_is_no_external_one(market_ids: dict[str, int]) -> None:
    order = send_to(OrderState.RESTING, market_ids, take_lease(DEMO, "host-a/1/1.00"), rests=True)

    report = reconcile(DEMO, account(orders=[listed(order)]), NOW)

    assert report.external_orders == 0
    assert not ExternalOrderRow.objects.exists()


@pytest.mark.parametrize(
    ("side", "change", "is_trusted"),
    [
        (BookSide.BID, {"yes_price": Decimal("0.41")}, False),
        (BookSide.BID, {"yes_price": Decimal("0.39")}, True),
        (BookSide.ASK, {"yes_price": Decimal("0.39")}, False),
        (BookSide.ASK, {"yes_price": Decimal("0.41")}, True),
        (BookSide.BID, {"remaining_count": Decimal(11)}, False),
        (BookSide.BID, {"remaining_count": Decimal(7), "filled_count": Decimal(4)}, False),
        (BookSide.BID, {"remaining_count": Decimal(6), "filled_count": Decimal(4)}, True),
        (BookSide.BID, {"remaining_count": Decimal(5)}, True),
    ],
)
def test_order_of_ours_that_a_person_made_larger_or_dearer_then_nothing_is_traded_beside_it(
    market_ids: dict[str, int], side: BookSide, change: dict[str, Decimal], is_trusted: bool
) -> None:
    """What of it may fill is not in our caps: it is withdrawn with our other quotes."""
    lease = take_lease(DEMO, "host-a/1/1.00")
    order = send_to(
        OrderState.RESTING, market_ids, lease, rests=True, side=Side.YES if side is BookSide.BID else Side.NO
    )
    assert (order.book_side, order.limit_price, order.count) == (side, Decimal("0.40"), Decimal(10))

    report = reconcile(DEMO, account(orders=[listed(order).model_copy(update=change)], cash=None), NOW)

    assert report.is_trusted is is_trusted, report.uncounted
    assert ReconciliationRow.objects.get().complete_until == NOW, "everything was read"


@pytest.mark.parametrize("ticker", [LAX, POLITICS])
def test_order_in_a_market_that_is_not_followed_then_counted_and_trading_goes_on(ticker: str) -> None:
    theirs = account(orders=[listed(ticker=ticker)], cash=str(10_000 - STAKE))

    for minute in range(3):
        assert reconcile(DEMO, theirs, NOW + minute * MINUTE, cities=["CHI"]).is_trusted

    ours = read_account(DEMO, [])
    assert (ours.exposure.total, ours.cash) == (STAKE, 10_000 - STAKE)
    assert ReconciliationRow.objects.filter(complete_until=NOW).count() == 3, "settling waits for nothing"
    assert RiskEventRow.objects.filter(event_type="EXTERNAL_ORDER").count() == 1
    assert not MarketRow.objects.filter(ticker=ticker).exists()


def test_place_of_what_is_not_followed_is_its_event_and_cluster_where_it_is_a_city_s() -> None:
    theirs = account(orders=[listed(ticker=LAX), listed(name="k-2", ticker=POLITICS)], cash="9992")
    reconcile(DEMO, theirs, NOW, cities=["CHI"])

    exposure = read_account(DEMO, []).exposure
    assert exposure.total == 2 * STAKE
    assert exposure.by_event["KXHIGHLAX-25MAY15"] == STAKE
    assert exposure.by_city["LAX"] == STAKE
    assert exposure.by_cluster[load_cities()["LAX"].cluster] == STAKE


@pytest.mark.parametrize("ticker", [LAX, POLITICS])
def test_fill_in_a_market_that_is_not_followed_then_held_at_its_cost_and_trading_goes_on(ticker: str) -> None:
    """Its cost leaves the ledger as external cash at once, whatever a person lets rest beside it."""
    theirs = account(
        orders=[listed(name="rests", ticker=ticker)],
        fills=[filled(ticker=ticker, at=NOW + MINUTE)],
        positions=[held("10", ticker=ticker).model_copy(update={"exposure": STAKE})],
        cash="9991.83",
    )
    reports = [reconcile(DEMO, theirs, NOW + minute * MINUTE, cities=["CHI"]) for minute in range(1, 6)]

    assert all(report.is_trusted for report in reports)
    assert theirs.asked_for == [], "none of ours was ever sent there"
    assert ReconciliationRow.objects.filter(complete_until=NOW).count() == 5
    ours = read_account(DEMO, [])
    assert (ours.exposure.total, ours.cash, ours.bankroll) == (
        2 * STAKE,
        Decimal("9991.83"),
        Decimal("9995.83"),
    )
    assert RiskEventRow.objects.filter(event_type="EXTERNAL_POSITION").count() == 1


@pytest.mark.parametrize("owner", [None, uuid4()])
def test_cash_of_a_fill_elsewhere_is_external_once_and_taken_back_whoever_it_proves_to_be_of(
    owner: UUID | None,
) -> None:
    """Restored books may learn of the order only after its market."""
    before = LedgerRepository(DEMO).cash()
    fill = make_fill(mode=DEMO, count="10", fee="0").model_copy(update={"market_ticker": LAX})
    for _ in range(2):
        book_elsewhere(DEMO, [fill], NOW)
    assert LedgerRow.objects.filter(kind="external").count() == 1
    assert LedgerRepository(DEMO).cash() < before

    take_back_external(DEMO, [fill.model_copy(update={"client_order_id": owner})])

    assert LedgerRepository(DEMO).cash() == before


def test_contracts_bought_and_sold_where_we_do_not_follow_then_the_cash_is_external_and_nothing_is_held() -> (
    None
):
    """Also while holdings cannot be read."""
    both = [
        filled(1, ticker=LAX, at=NOW + MINUTE),
        filled(2, ticker=LAX, price="0.30", book_side=BookSide.ASK, at=NOW + 2 * MINUTE),
    ]
    reconcile(DEMO, account(fills=both[:1], positions=None, cash=None), NOW + MINUTE, cities=["CHI"])
    assert at_risk() == STAKE

    report = reconcile(DEMO, account(fills=both, cash="9998.66"), NOW + 2 * MINUTE, cities=["CHI"])

    assert at_risk() == 0
    assert report.is_trusted, report.drift


def test_holding_of_which_the_cost_is_not_told_counts_a_dollar_a_contract() -> None:
    reconcile(DEMO, account(positions=[held("-7", ticker=POLITICS)]), NOW, cities=["CHI"])

    assert at_risk() == 7


def test_holding_that_is_sold_counts_no_more_and_one_not_shown_only_after_a_while() -> None:
    both = [held("7", ticker=LAX), held("5", ticker=POLITICS)]
    reconcile(DEMO, account(positions=both), NOW, cities=["CHI"])
    assert at_risk() == 12

    soon, late = NOW + UNSEEN_FOR, NOW + UNSEEN_FOR + timedelta(seconds=1)
    reconcile(DEMO, account(positions=[held("0", ticker=LAX)]), soon, cities=["CHI"])
    assert at_risk() == 5, "a list may be empty by error"
    reconcile(DEMO, account(positions=None), late, cities=["CHI"])
    assert at_risk() == 5, "holdings that could not be read prove nothing"
    reconcile(DEMO, account(), late, cities=["CHI"])
    assert at_risk() == 0


def test_market_of_a_holding_that_is_followed_later_then_its_fills_are_read_again_and_booked() -> None:
    """However long ago they were: a person need not bring the books in order."""
    fill = filled(ticker=LAX, at=NOW + MINUTE)
    position = held("10", ticker=LAX).model_copy(update={"exposure": STAKE})
    theirs = account(fills=[fill], positions=[position], cash="9995.83")
    assert reconcile(DEMO, theirs, NOW + MINUTE, cities=["CHI"]).is_trusted
    later = NOW + timedelta(hours=3)
    theirs.reading = read_as(positions=[position], cash="9995.83", until=later)
    reconcile(DEMO, theirs, later, cities=["CHI"])
    MarketFactory.create(ticker=LAX, close_at=later + timedelta(hours=9))

    theirs.reading = read_as(fills=[fill], positions=[position], cash="9995.83", until=later)
    reports = [reconcile(DEMO, theirs, later + minute * MINUTE) for minute in range(1, 4)]

    since = theirs.since[-3:]
    assert since[0] == fill.filled_at - OVERLAP
    assert since[1] == later - OVERLAP, "once"
    assert FillRow.objects.get().market.ticker == LAX
    assert all(report.is_trusted for report in reports)
    external = LedgerRow.objects.filter(kind="external").values_list("amount", flat=True)
    assert sorted(external) == [Decimal("-4.17"), Decimal("4.17")], "no longer external"
    assert get_trading_state(DEMO) is TradingState.ACTIVE
    ours = read_account(DEMO, [])
    assert (ours.exposure.total, ours.cash) == (Decimal("4.00"), Decimal("9995.83"))


def test_dry_run_keeps_nothing_of_them() -> None:
    reconcile(DEMO, account(orders=[listed()]), NOW, dry_run=True)

    assert not ExternalOrderRow.objects.exists()
