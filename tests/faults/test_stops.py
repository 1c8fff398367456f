"""What must stop trading, and what passes by itself: refused keys, retired endpoints, pauses, closes."""

import pytest

from tests.faults.bench import MODE, Bench
from tests.faults.books import CANCEL, PLACE, is_recovered, locks, orders, states
from trading.controls import get_trading_state
from trading.domain.types import OrderState, TradingState

READS = "GET /portfolio"
RENEW = "POST /portfolio/events/orders/"
WATERMARK = "GET /exchange/user_data_timestamp"


def is_halted_by(code: str) -> bool:
    return get_trading_state(MODE) is TradingState.HALTED and code in locks()


@pytest.mark.story("9.4", 3)
def test_key_that_is_revoked_halts_everything_though_only_reads_meet_it(bench: Bench) -> None:
    bench.cycle()
    bench.turns(1)
    sent = bench.front.count(PLACE)
    for match in (READS, WATERMARK, "POST /portfolio", "DELETE /portfolio"):
        bench.fault(match, "401")

    bench.turns(2)

    assert is_halted_by("AUTH_REFUSED")
    assert bench.front.count(PLACE) == sent
    bench.heal()
    bench.recover(6)
    assert is_halted_by("AUTH_REFUSED"), "only a person ends it"
    assert bench.front.count(PLACE) == sent
    assert bench.complaints() == []


def test_key_that_is_revoked_between_reading_and_sending_stops_at_the_first_order(bench: Bench) -> None:
    bench.fault(PLACE, "401")

    bench.cycle()

    assert is_halted_by("AUTH_REFUSED")
    assert bench.front.count(PLACE) == 1
    bench.recover(1)
    assert bench.complaints() == []


def test_endpoint_that_is_retired_stops_at_the_first_order_and_leaves_nothing_open(bench: Bench) -> None:
    bench.fault(PLACE, "410")
    bench.fault(CANCEL, "410")

    bench.cycle()
    bench.recover(3)

    assert is_halted_by("ENDPOINT_RETIRED")
    assert bench.front.count(PLACE) == 1
    assert bench.member.orders == {}
    assert bench.complaints() == []


def test_endpoint_that_is_retired_while_orders_rest_lets_them_expire(bench: Bench) -> None:
    bench.cycle()
    bench.turns(1)
    bench.fault(PLACE, "410")
    bench.fault(CANCEL, "410")

    bench.recover(8)

    assert is_halted_by("ENDPOINT_RETIRED")
    assert [order for order in bench.member.orders.values() if order.status == "resting"] == []
    assert not orders().filter(state__in=[OrderState.RESTING, OrderState.UNKNOWN]).exists()
    assert bench.complaints() == []


@pytest.mark.parametrize(("kind", "code"), [("410", "ENDPOINT_RETIRED"), ("401", "AUTH_REFUSED")])
def test_refusal_that_only_renewals_meet_halts_everything(bench: Bench, kind: str, code: str) -> None:
    bench.cycle()
    bench.turns(1)
    bench.fault(RENEW, kind)

    bench.recover(4)

    assert is_halted_by(code)
    assert bench.complaints() == []


def test_halt_after_lost_answers_leaves_nothing_in_the_book(bench: Bench) -> None:
    bench.fault(PLACE, "drop_after")
    bench.cycle()
    assert "resting" in {order.status for order in bench.member.orders.values()}
    bench.heal()
    bench.turn_switch(TradingState.HALTED)
    sent = bench.front.count(PLACE)

    bench.turns(1)

    assert "resting" not in {order.status for order in bench.member.orders.values()}
    assert bench.front.count(PLACE) == sent
    bench.recover(1)
    assert not orders().filter(state__in=[OrderState.RESTING, OrderState.UNKNOWN]).exists()
    assert bench.complaints() == []


@pytest.mark.parametrize("kind", ["trading", "exchange"])
def test_exchange_that_is_paused_is_asked_for_nothing_and_traded_on_when_it_resumes(
    bench: Bench, kind: str
) -> None:
    bench.control(do="pause", kind=kind)
    reports = [bench.cycle(), *bench.turns(2)]
    assert bench.front.count(PLACE) == 0
    assert all(report.codes.get("EXCHANGE_PAUSED") for report in reports)
    bench.control(do="resume")

    bench.recover(4)

    assert bench.member.orders
    assert is_recovered()
    assert bench.complaints() == []


def _paused(bench: Bench) -> None:
    bench.venue.exchange.pause(bench.now)


def test_exchange_that_pauses_between_decision_and_send_costs_nothing_but_time(bench: Bench) -> None:
    bench.front.before[PLACE] = lambda: _paused(bench)

    bench.cycle()

    assert bench.member.orders == {}
    assert set(states()) == {OrderState.CANCELED}
    bench.control(do="resume")
    bench.recover(3)
    assert bench.member.orders, "what was refused for the pause was sent anew"
    assert is_recovered()
    assert bench.complaints() == []


def test_market_that_closes_between_decision_and_send_takes_no_order(bench: Bench) -> None:
    tickers = bench.tickers()

    def close_all() -> None:
        for ticker in tickers:
            bench.venue.exchange.close(ticker, bench.now)

    bench.front.before[PLACE] = close_all

    bench.cycle()
    bench.recover(2)

    assert bench.member.orders == {}
    assert set(states()) == {OrderState.CANCELED}
    assert is_recovered(), "a close is no fault of ours"
    assert bench.complaints() == []
