"""Orders that a person placed on our account: their open part is exposure of ours, and nothing else is done with them."""

from datetime import timedelta
from decimal import Decimal

import pytest

from markets.domain.account_types import OrderStatus
from tests.factories import MarketFactory
from tests.trading.makers import BRACKETS, NOW
from tests.trading.scripted_account import account, listed
from tests.trading.sent_orders import DEMO, send_to
from tests.trading.stored import store_markets
from trading.controls import ensure_controls
from trading.domain.types import BookSide, OrderState, Side
from trading.models import ExternalOrderRow, RiskEventRow
from trading.oms.lease import take_lease
from trading.oms.reconcile import reconcile
from trading.repositories.accounts import read_account
from trading.repositories.books import LedgerRepository
from trading.repositories.external import UNSEEN_FOR

pytestmark = pytest.mark.django_db

TICKER = BRACKETS[2].ticker
STAKE = Decimal(10) * Decimal("0.40")
"""Ten contracts bid for at 40 cents."""


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

    assert report.is_trusted is is_trusted, report.unplaced


def test_order_in_a_market_of_ours_not_read_yet_then_nothing_is_traded_until_it_counts() -> None:
    ticker = "KXHIGHNY-25MAY15-B70.5"
    theirs = account(orders=[listed(ticker=ticker)], cash=str(10_000 - STAKE))

    report = reconcile(DEMO, theirs, NOW)

    assert at_risk() == 0
    assert ticker in report.unplaced[0]
    assert not report.is_trusted, "it takes of a cap that nobody can see"

    MarketFactory.create(ticker=ticker)
    assert reconcile(DEMO, theirs, NOW).is_trusted
    assert at_risk() == STAKE


def test_order_in_a_market_we_do_not_trade_is_reported_and_not_stored() -> None:
    report = reconcile(DEMO, account(orders=[listed(ticker="KXRAINNYC-25MAY14")]), NOW)

    assert report.external_orders == 1
    assert at_risk() == 0


def test_dry_run_keeps_nothing_of_them() -> None:
    reconcile(DEMO, account(orders=[listed()]), NOW, dry_run=True)

    assert not ExternalOrderRow.objects.exists()
