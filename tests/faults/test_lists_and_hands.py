"""The exchange forgets, lists nothing by error, or holds what a person did on our account."""

from decimal import Decimal

import pytest

from markets.domain.order_outcomes import Amended
from markets.domain.order_request import Amendment, TimeInForce
from markets.domain.sides import BookSide
from markets.models import MarketRow
from sandbox.exchange.state import loaded
from tests.faults.bench import LAG, MODE, Bench
from tests.faults.books import CANCEL, PLACE, is_recovered, locks, orders, resting, state_of, states
from tests.faults.exposure import LIMITS
from tests.faults.hands import place_by_hand
from tests.faults.mishaps import forget, go_back_to, move_cash
from trading.controls import get_trading_state
from trading.domain.types import OrderState, TradingState
from trading.hand_decision import decide_ended
from trading.models import FillRow, ReconciliationRow, RiskEventRow
from trading.oms.drift import CASH_ROUNDS
from trading.oms.working import cancel
from trading.operations import resume
from trading.repositories.accounts import read_account
from trading.repositories.books import LedgerRepository
from trading.repositories.orders import OrderRepository

TAKEN = Decimal(-100)


def test_exchange_that_restarts_without_an_order_is_believed_only_when_the_order_can_no_longer_rest(
    bench: Bench,
) -> None:
    bench.cycle()
    row = resting()
    assert row.kalshi_order_id is not None
    bench.restart_exchange(forget(bench.account.member, row.kalshi_order_id))
    bench.forgotten.add(row.kalshi_order_id)

    bench.turns(1)
    assert state_of(row) == OrderState.UNKNOWN, "gone from the list is not gone"

    bench.recover(6)
    assert state_of(row) == OrderState.CANCELED
    assert is_recovered()
    assert bench.complaints() == []


def forget_what_filled(bench: Bench) -> None:
    """Orders are sent and answered as filled, and the exchange comes back as it was before them."""
    bench.settle()
    former = loaded(bench.front.do(bench.venue.exchange.dump))
    bench.cycle()
    bench.restart_exchange(go_back_to(former))


def test_exchange_that_forgets_what_it_said_had_filled_is_believed_once_its_whole_account_says_so(
    bench: Bench,
) -> None:
    forget_what_filled(bench)
    bench.turns(9)
    assert states()[OrderState.UNKNOWN], "however much speaks for it, a list may be late"
    assert get_trading_state(MODE) is TradingState.ACTIVE

    bench.recover(6)

    assert is_recovered(), "and nobody was asked"
    assert bench.complaints() == []


def test_exchange_that_forgets_what_it_said_had_filled_while_money_went_waits_for_a_person_who_decides_it(
    bench: Bench,
) -> None:
    """Its cash agrees with neither: that the order never filled and that it did."""
    forget_what_filled(bench)
    bench.restart_exchange(move_cash(bench.account.member, TAKEN))
    bench.moved_by_hand += TAKEN
    bench.turns(20)
    lost = [row.intent.intent_key for row in orders().filter(state=OrderState.UNKNOWN)]
    assert lost
    assert (get_trading_state(MODE), locks()) == (TradingState.HALTED, {"ORDER_UNKNOWN"})

    for key in lost:
        decide_ended(
            MODE,
            key,
            bench.exchange.account,
            actor="tester",
            user_id=None,
            reason="not on its page",
            now=bench.now,
        )
    resume(MODE, actor="tester", user_id=None, reason="decided", now=bench.now, clear=True)

    bench.recover(CASH_ROUNDS + 2)
    assert is_recovered()
    assert bench.complaints() == []


def test_exchange_that_restarts_without_a_cancel_has_its_order_taken_back_and_not_doubled(
    bench: Bench,
) -> None:
    bench.cycle()
    row = resting()
    former = loaded(bench.front.do(bench.venue.exchange.dump))
    (order,) = OrderRepository(MODE).by_intent_keys([row.intent.intent_key])
    bench.control(do="freeze")
    cancel(order, bench.watched, at=bench.now, why="a test")
    assert state_of(row) == OrderState.CANCELED
    bench.restart_exchange(go_back_to(former))
    bench.wait(LAG)

    report = bench.reconcile()

    assert (state_of(row), report.is_trusted) == (OrderState.RESTING, True)
    assert bench.complaints() == []
    bench.recover(6)
    assert is_recovered()
    assert bench.complaints() == []


def test_order_list_that_is_empty_by_error_ends_no_order(bench: Bench) -> None:
    bench.cycle()
    bench.turns(1)
    before = states()
    bench.fault("GET /portfolio/orders", "empty_list")

    bench.turns(1)

    assert states()[OrderState.CANCELED] == before[OrderState.CANCELED]
    assert states()[OrderState.UNKNOWN] == 0, "each was asked for by its name"
    bench.heal()
    bench.recover(2)
    assert is_recovered()
    assert bench.complaints() == []


def test_positions_that_are_empty_by_error_stop_new_orders_until_they_are_back(bench: Bench) -> None:
    bench.cycle()
    bench.turns(1)
    bench.fault("GET /portfolio/positions", "empty_list")
    sent = bench.front.count(PLACE)

    reports = bench.turns(3)

    assert all(report.codes.get("ACCOUNT_UNSURE") for report in reports)
    assert all(not report.intents for report in reports)
    assert not locks()
    bench.heal()
    bench.recover(2)
    assert bench.front.count(PLACE) >= sent
    assert is_recovered()
    assert bench.complaints() == []


def test_positions_that_stay_empty_halt_trading_and_change_no_book_of_ours(bench: Bench) -> None:
    bench.cycle()
    bench.turns(1)
    bench.fault("GET /portfolio/positions", "empty_list")

    bench.turns(6)

    assert get_trading_state(MODE) is TradingState.HALTED
    assert locks() == {"POSITION_DRIFT"}
    bench.heal()
    bench.recover(1)
    assert bench.complaints() == []


@pytest.mark.story("4.7", 4)
@pytest.mark.parametrize("is_known", [True, False])
def test_order_placed_by_hand_is_never_touched_and_its_fill_is_counted(bench: Bench, is_known: bool) -> None:
    """In a market that our books know, and before they know any."""
    if is_known:
        bench.cycle()
    ticker = resting().market.ticker if is_known else bench.tickers()[-1]
    rests = place_by_hand(bench, ticker, "0.01")
    fills = place_by_hand(bench, ticker, "0.99", TimeInForce.IOC)

    bench.recover(4)

    assert bench.member.orders[rests].status == "resting"
    assert not [request for request in bench.front.asked if request.startswith(f"{CANCEL}/{rests}")]
    external = FillRow.objects.filter(order__isnull=True)
    assert {row.kalshi_order_id for row in external} == {fills}
    assert sum(row.count for row in external) == 2
    assert RiskEventRow.objects.filter(event_type="EXTERNAL_FILL").count() == external.count()
    assert not orders().filter(kalshi_order_id__in=bench.placed_by_hand).exists()
    assert is_recovered()
    assert bench.complaints() == []


def test_order_placed_by_hand_leaves_only_the_rest_of_a_cap_to_us(bench: Bench) -> None:
    """What a person has at risk in an event is counted before anything of ours is."""
    bench.cycle()
    bench.recover(1)
    ours = orders().filter(state__in=(OrderState.RESTING, OrderState.FILLED)).first()
    assert ours is not None
    assert bench.complaints() == []
    event = ours.market.event.event_ticker
    bench.turn_switch(TradingState.HALTED)
    bench.turns(1)  # the book is empty
    room = LIMITS.per_event - sum(cost for ticker, cost in held(bench).items() if ticker.startswith(event))
    count = int(room * 100)
    place_by_hand(bench, ours.market.ticker, "0.01", count=count)
    bench.turns(1)
    bench.turn_switch(TradingState.ACTIVE)

    bench.recover(4)

    assert bench.watched.placed, "it goes on elsewhere"
    assert bench.complaints() == []


def test_what_a_person_does_in_a_city_that_is_not_followed_is_counted_and_stops_nothing(bench: Bench) -> None:
    """An order that rests beside one that fills: no board of the city is ever read."""
    bench.cycle()
    board = bench.sources.boards(("CHI",), bench.now).boards[-1]
    ticker = board.markets[-1].market.ticker
    rests = place_by_hand(bench, ticker, "0.01", count=100)
    place_by_hand(bench, ticker, "0.99", TimeInForce.IOC)

    reports = bench.turns(6)

    assert not any(report.codes.get("ACCOUNT_UNSURE") for report in reports[1:])
    cost = bench.member.positions[ticker].exposure
    exposure = read_account(MODE, []).exposure
    assert exposure.by_event[board.event_ticker] == exposure.by_city["CHI"] == cost + 1
    assert bench.member.orders[rests].status == "resting"
    assert not MarketRow.objects.filter(ticker=ticker).exists()
    assert not FillRow.objects.filter(order__isnull=True).exists()
    assert ReconciliationRow.objects.filter(complete_until__isnull=True).count() == 0
    assert not RiskEventRow.objects.filter(event_type="CASH_DRIFT").exists()
    bench.stand_still()
    bench.reconcile()
    assert LedgerRepository(MODE).cash() == bench.member.cash


def test_order_of_ours_that_a_person_made_larger_is_taken_out_of_the_book(bench: Bench) -> None:
    """The caps count it as it was sent; the rest of it they would never see."""
    bench.cycle()
    row = resting()
    assert row.kalshi_order_id is not None
    larger = Amendment(
        order_id=row.kalshi_order_id,
        ticker=row.market.ticker,
        book_side=BookSide(row.book_side),
        total_count=row.count + 900,
        yes_price=row.limit_price,
    )
    assert isinstance(bench.hand().amend_order(larger), Amended)

    reports = bench.turns(2)

    assert [bool(report.codes.get("ACCOUNT_UNSURE")) for report in reports] == [True, False]
    assert bench.member.orders[row.kalshi_order_id].status == "canceled"
    bench.recover(2)
    assert state_of(row) == OrderState.CANCELED
    assert is_recovered()


def held(bench: Bench) -> dict[str, Decimal]:
    return {ticker: one.exposure for ticker, one in bench.member.positions.items()}
