"""Money that a person moves is found while our quotes rest, and nothing else is ever taken for it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from markets.domain.order_request import TimeInForce
from markets.domain.sides import BookSide
from markets.models import MarketRow
from tests.faults.bench import LAG, MODE, Bench
from tests.faults.books import is_recovered, resting, takers
from tests.faults.hands import place_by_hand
from tests.faults.mishaps import move_cash, settle_at
from trading.hand_settlement import CannotSettle, SettledByHand, settle_by_hand
from trading.models import LedgerRow, OperatorActionRow, OrderRow, PositionRow, ReconciliationRow
from trading.oms.drift import CASH_ROUNDS

TAKEN = Decimal("-250")


def drifts() -> list[str]:
    """Where the rounds so far found anything to differ, in their order."""
    rows = ReconciliationRow.objects.order_by("pk").values_list("drift", flat=True)
    return [each["where"] for drift in rows for each in drift]


def external() -> list[Decimal]:
    return list(LedgerRow.objects.filter(kind="external").values_list("amount", flat=True))


def take_money(bench: Bench) -> None:
    bench.restart_exchange(move_cash(bench.account.member, TAKEN))
    bench.moved_by_hand += TAKEN


def by_hand(bench: Bench, ticker: str, value: str) -> SettledByHand:
    return settle_by_hand(
        MODE,
        ticker,
        Decimal(value),
        bench.exchange.account,
        actor="tester",
        user_id=None,
        reason="void",
        now=bench.now,
    )


def test_money_taken_by_hand_while_quotes_rest_is_booked_as_external_after_the_rounds(bench: Bench) -> None:
    bench.cycle()
    bench.turns(2)
    resting()
    assert drifts() == []
    take_money(bench)

    reports = bench.turns(CASH_ROUNDS)

    assert external() == [TAKEN]
    assert [bool(report.codes.get("ACCOUNT_UNSURE")) for report in reports] == [True, True, False]
    quoted, *emptied = drifts()
    assert quoted.endswith(" held by orders"), "it was seen while our quotes rested"
    assert emptied == ["account"], "which were taken out of the book"
    bench.recover(2)
    assert is_recovered()
    assert external() == [TAKEN]
    assert bench.complaints() == []


def test_resting_orders_of_every_kind_are_no_difference_in_any_round(bench: Bench) -> None:
    bench.cycle()
    ours = resting()
    held, unheld = bench.tickers()[-2:]
    place_by_hand(bench, held, "0.99", TimeInForce.IOC, count=4)
    place_by_hand(bench, unheld, "0.01")
    place_by_hand(bench, unheld, "0.99", side=BookSide.ASK)
    # Of the four held the better sale takes three, the other one the last, and opens two.
    place_by_hand(bench, held, "0.98", side=BookSide.ASK, count=3)
    place_by_hand(bench, held, "0.99", side=BookSide.ASK, count=3)
    bench.take(ours, Decimal("0.5"))

    bench.recover(8)

    sides = set(OrderRow.objects.values_list("book_side", "state"))
    assert {side for side, _ in sides} == {"bid", "ask"}
    assert drifts() == []
    assert external() == []
    assert bench.complaints() == []


def test_market_that_pays_neither_yes_nor_no_is_settled_by_hand_and_hides_no_money_taken(
    bench: Bench,
) -> None:
    bench.cycle()
    bench.turns(1)
    ticker = takers().filter(filled_count__gt=0).values_list("market__ticker", flat=True)[0]
    market = MarketRow.objects.get(ticker=ticker)
    bench.wait(market.close_at + timedelta(minutes=5) - bench.now)
    assert bench.member.positions[ticker].count  # the exchange has lived up to now
    bench.restart_exchange(settle_at(bench.account.member, ticker, Decimal("0.37")))
    MarketRow.objects.filter(ticker=ticker).update(status="finalized", result="scalar", settled_at=bench.now)
    bench.wait(timedelta(days=2))
    bench.reconcile()
    assert bench.settle().refused == 1
    assert list(PositionRow.objects.filter(is_open=True)) == [PositionRow.objects.get(market=market)]

    for _ in range(CASH_ROUNDS + 1):
        bench.wait()
        assert bench.reconcile().is_trusted
    assert external() == []

    with pytest.raises(CannotSettle, match=f"the exchange's own row says otherwise. {ticker} revenue"):
        by_hand(bench, ticker, "0.36")
    assert PositionRow.objects.get(market=market).is_open
    settled = [by_hand(bench, ticker, "0.37") for _ in range(2)]

    assert [one.is_confirmed for one in settled] == [True, True]
    assert settled[1].pnl is None
    assert OperatorActionRow.objects.filter(action="settle_by_hand").count() == 1
    assert bench.complaints() == []
    take_money(bench)
    bench.wait(LAG)
    for _ in range(CASH_ROUNDS):
        bench.wait()
        bench.reconcile()
    assert external() == [TAKEN]
    assert bench.complaints() == []
