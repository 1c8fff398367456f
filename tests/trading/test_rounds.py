"""What one turn of each loop does when a part of it fails: the rest goes on, and what happened can be read afterwards."""

import logging
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from milkbot.core.config import TradingMode
from tests.trading.makers import BRACKETS, CLOSE, FEES, NOW, make_book, make_fill, make_intent
from tests.trading.stored import finalize, store_markets
from trading.controls import ensure_controls
from trading.cycle import submit_round
from trading.domain.order_states import OrderEvent
from trading.domain.policy import Policy
from trading.domain.types import Order, OrderState
from trading.models import FillRow, OrderRow, SettlementRow
from trading.oms.lease import LEASE_TTL, take_lease
from trading.oms.pace import Pace
from trading.oms.venues.base import Answer, Rejected, Unknown
from trading.oms.venues.shadow import ShadowVenue, ShownMarket
from trading.repositories.books import FillRepository
from trading.repositories.orders import Lease, OrderRepository
from trading.settlement import settlement_round
from weather.domain.releases import FORECAST, Releases, Window

SHADOW = TradingMode.SHADOW
TICKERS = [bracket.ticker for bracket in BRACKETS[1:4]]
SHOWN = {ticker: ShownMarket(make_book(ticker, "0.38", "0.40"), FEES) for ticker in TICKERS}


@pytest.fixture
def market_ids(db: None) -> dict[str, int]:
    ensure_controls(SHADOW, NOW)
    return store_markets()


@pytest.fixture
def lease(db: None) -> Lease:
    return take_lease(SHADOW, "host-a/1/1.00")


@pytest.fixture
def orders(market_ids: dict[str, int], lease: Lease) -> tuple[Order, ...]:
    intents = [make_intent(ticker=ticker) for ticker in TICKERS]
    return OrderRepository(SHADOW).create(intents, market_ids, lease=lease)


class MeddledWith(ShadowVenue):
    """While the first order is on its way, somebody cancels the second."""

    def __init__(self, second: Order) -> None:
        super().__init__(SHOWN, NOW)
        self._second = second

    def place(self, order: Order) -> Answer:
        if order.market_ticker == TICKERS[0]:
            OrderRepository(SHADOW).transition(self._second, OrderEvent.CANCEL, at=NOW, actor="op")
        return super().place(order)


def test_submit_round_when_somebody_moved_an_order_then_the_later_ones_still_go(
    orders: tuple[Order, ...], market_ids: dict[str, int], lease: Lease
) -> None:
    filled = submit_round(
        orders, MeddledWith(orders[1]), lease=lease, market_ids=market_ids, pace=Pace(lambda: NOW)
    )

    assert filled == 2
    states = dict(OrderRow.objects.values_list("market__ticker", "state"))
    assert states == dict(zip(TICKERS, ("FILLED", "CANCELED", "FILLED"), strict=True))


class Silent(ShadowVenue):
    """Nothing is heard of what was sent."""

    def place(self, order: Order) -> Answer:
        return Unknown(why="silence")


def test_submit_round_then_what_rests_expires_before_anything_is_due_in_its_market(
    market_ids: dict[str, int], lease: Lease
) -> None:
    """And when it is asked for again: until the expiration known to us has passed its absence proves nothing."""
    intents = [make_intent(ticker=ticker).model_copy(update={"post_only": True}) for ticker in TICKERS]
    orders = OrderRepository(SHADOW).create(intents, market_ids, lease=lease)
    starts_at, life = NOW + timedelta(minutes=2), timedelta(minutes=4)
    due = Releases.of([Window(FORECAST, starts_at, starts_at + life, starts_at)])
    ends = []
    for at, releases in ((NOW, {TICKERS[0]: due}), (NOW + timedelta(minutes=1), {TICKERS[1]: due})):
        submit_round(
            orders,
            Silent(SHOWN, NOW),
            lease=lease,
            market_ids=market_ids,
            pace=Pace(lambda at=at: at),  # type: ignore[misc]
            releases=releases,
        )
        orders = OrderRepository(SHADOW).in_states([OrderState.UNKNOWN])
        known = {order.market_ticker: order.expires_at for order in orders}
        ends.append([known[ticker] for ticker in TICKERS])

    later = NOW + timedelta(minutes=1) + life
    assert ends == [[starts_at, NOW + life, NOW + life], [later, NOW + life, later]]


@pytest.mark.parametrize(("due_in_s", "state"), [(9, "CANCELED"), (10, "UNKNOWN")])
def test_submit_round_then_a_quote_that_could_arrive_expired_does_not_leave(
    market_ids: dict[str, int], lease: Lease, due_in_s: int, state: str
) -> None:
    """It would be refused, and refusals lock everything until a person looks."""
    intents = [
        make_intent(ticker=ticker).model_copy(update={"post_only": rests})
        for ticker, rests in zip(TICKERS, (True, False, False), strict=True)
    ]
    orders = OrderRepository(SHADOW).create(intents, market_ids, lease=lease)
    starts_at = NOW + timedelta(seconds=due_in_s)
    due = Releases.of([Window(FORECAST, starts_at, starts_at + timedelta(hours=1), starts_at)])

    submit_round(
        orders,
        Silent(SHOWN, NOW),
        lease=lease,
        market_ids=market_ids,
        pace=Pace(lambda: NOW),
        releases=dict.fromkeys(TICKERS, due),
    )

    states = dict(OrderRow.objects.values_list("market__ticker", "state"))
    assert states == dict(zip(TICKERS, (state, "UNKNOWN", "UNKNOWN"), strict=True))


class ClosedMeanwhile(ShadowVenue):
    """One market closed between decision and send: the exchange says so and takes nothing."""

    def __init__(self) -> None:
        super().__init__(SHOWN, NOW)

    def place(self, order: Order) -> Answer:
        if order.market_ticker == TICKERS[1]:
            return Rejected(code="market_closed", message="the market is not open for trading")
        return super().place(order)


def test_submit_round_when_a_market_closed_after_the_decision_then_its_order_is_rejected_and_no_other(
    orders: tuple[Order, ...], market_ids: dict[str, int], lease: Lease
) -> None:
    filled = submit_round(
        orders, ClosedMeanwhile(), lease=lease, market_ids=market_ids, pace=Pace(lambda: NOW)
    )

    assert filled == 2
    assert set(FillRow.objects.values_list("market__ticker", flat=True)) == {TICKERS[0], TICKERS[2]}
    assert OrderRow.objects.get(market__ticker=TICKERS[1]).state == OrderState.REJECTED


def test_a_turn_that_was_held_up_loses_its_lease_before_its_prices_are_stale_or_its_market_closes() -> None:
    """A turn stamps what it reads with its own time, so only the lease bounds how old prices are when an order leaves."""
    policy = Policy()

    assert policy.max_price_age > LEASE_TTL
    assert policy.no_entry_before_close > LEASE_TTL


def test_settlement_round_when_the_exchange_tells_nothing_then_books_what_was_final_before(
    market_ids: dict[str, int], useless_exchange: None, caplog: pytest.LogCaptureFixture
) -> None:
    for number, ticker in enumerate(TICKERS[:2]):
        FillRepository(SHADOW).book(make_fill(number=number, ticker=ticker), market_ids[ticker])
    finalize(TICKERS[0], "yes")

    with caplog.at_level(logging.WARNING, logger="milkbot"):
        report = settlement_round(SHADOW, CLOSE.replace(hour=12))

    assert report.settled == 1
    assert report.fault is not None
    assert SettlementRow.objects.get().pnl == Decimal(6)
    assert report.fault in [record.__dict__.get("fault") for record in caplog.records]
    with pytest.raises(CommandError, match="nothing newer could be learnt"):
        call_command("settle", stdout=StringIO())
