"""Lists that call themselves complete and lack their youngest rows: what comes late is dated before the last reading."""

from dataclasses import replace
from datetime import timedelta

import pytest

from markets.domain.order_request import TimeInForce
from tests.faults.bench import MODE, Bench, connected
from tests.faults.books import PLACE, is_recovered, orders, state_of, takers
from tests.faults.edge import HandClock
from tests.faults.hands import place_by_hand
from tests.faults.watched import WatchedVenue
from trading.domain.breakers import MOST_SKEW_S
from trading.domain.types import OrderState
from trading.models import FillRow

LISTS = ("GET /portfolio/orders", "GET /portfolio/fills")
LATE_S = 110
HALF_MINUTE = timedelta(seconds=30)


def lists_lag(bench: Bench, seconds: int = LATE_S) -> None:
    for path in LISTS:
        bench.fault(path, "late_rows", seconds=seconds)


def clock_off(bench: Bench, by: timedelta) -> Bench:
    """The same trader and exchange, the trader's clock `by` off."""
    clock = HandClock(bench.now + by)
    ours = connected(bench.base_url, bench.account, clock)
    exchange = replace(ours.exchange, venue=WatchedVenue(ours.exchange.venue, MODE))
    return replace(bench, clock=clock, sources=ours.sources, kalshi=ours.kalshi, exchange=exchange)


@pytest.mark.story("4.7", 2)
def test_fill_and_order_that_are_shown_after_they_were_written_off_are_booked(bench: Bench) -> None:
    bench.fault(PLACE, "drop_after")
    bench.cycle()
    taker = takers().first()
    assert taker is not None
    bench.heal()
    bench.fault(PLACE, "5xx")  # nothing may replace it
    lists_lag(bench)
    bench.turns(3, HALF_MINUTE)
    assert state_of(taker) == OrderState.CANCELED, "lists that reach beyond its end do not show it"
    assert not FillRow.objects.exists()

    bench.recover(1)

    assert state_of(taker) == OrderState.FILLED
    assert bench.complaints() == []


@pytest.mark.story("4.7", 4)
def test_fill_by_hand_that_is_shown_late_is_counted(bench: Bench) -> None:
    bench.cycle()
    bench.recover(2)
    assert bench.complaints() == []
    name = place_by_hand(bench, orders()[0].market.ticker, "0.99", TimeInForce.IOC)
    lists_lag(bench)
    bench.turns(1)
    assert not FillRow.objects.filter(order__isnull=True).exists()

    bench.recover(3)

    assert FillRow.objects.filter(kalshi_order_id=name, order__isnull=True).exists()
    assert is_recovered()
    assert bench.complaints() == []


def test_order_dated_before_it_was_sent_is_found_as_soon_as_it_is_listed(bench: Bench) -> None:
    """Our clock is as far ahead of the exchange's as may be, and the order has ended before a list shows it."""
    ahead = clock_off(bench, timedelta(seconds=MOST_SKEW_S))
    bench.fault(PLACE, "drop_after")
    ahead.cycle()
    bench.heal()
    for ticker in bench.tickers():
        bench.control(do="close", ticker=ticker)
    ended = [order for order in bench.member.orders.values() if order.status == "canceled"]
    assert ended

    lists_lag(bench, 40)
    for _ in range(2):
        bench.wait(HALF_MINUTE)
        ahead.wait(HALF_MINUTE)
        ahead.cycle()

    names = dict(orders().values_list("client_order_id", "kalshi_order_id"))
    assert {str(ours): theirs for ours, theirs in names.items()} == {
        order.client_order_id: order.order_id for order in bench.member.orders.values()
    }
    bench.control(do="freeze")
    assert is_recovered()
    assert bench.complaints() == []
