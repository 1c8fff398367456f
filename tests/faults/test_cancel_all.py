"""Cancel-all from outside the trader: no lease, no switch, no worker; what is open ends by what the account shows."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from markets.domain.order_outcomes import Accepted
from markets.domain.sides import Side
from tests.faults.bench import LAG, MODE, Bench
from tests.faults.books import CANCEL, PLACE, resting, state_of
from trading.controls import set_trading_state
from trading.domain.types import OrderState, TradingState
from trading.models import OperatorActionRow, OrderEventRow
from trading.oms.cancel_all import IN_BOOK, CancelAllReport, cancel_all
from trading.oms.exchange import CancelDesk
from trading.oms.venues.kalshi import KalshiVenue
from trading.repositories.orders import OrderRepository


def sweep(bench: Bench, reason: str = "drill") -> CancelAllReport:
    def now() -> datetime:
        return bench.now

    return cancel_all(
        MODE,
        CancelDesk(KalshiVenue(bench.hand()), bench.exchange.account),
        now=now,
        pause=lambda: bench.wait(LAG),
        actor="ada",
        user_id=None,
        reason=reason,
    )


def rests(bench: Bench) -> set[str]:
    """What rests of our account in the matching engine itself."""
    return {name for name, order in bench.member.orders.items() if order.status == "resting"}


def in_book() -> int:
    return len(OrderRepository(MODE).in_states(IN_BOOK))


def test_cancel_all_takes_everything_out_and_proves_it(bench: Bench) -> None:
    bench.cycle()
    bench.wait(LAG)
    row, open_before = resting(), in_book()

    report = sweep(bench)

    assert report.is_done
    assert (report.open_before, report.refusal, report.one_by_one) == (open_before, "", 0)
    assert state_of(row) == OrderState.CANCELED
    assert not rests(bench)
    assert bench.complaints() == []
    action = OperatorActionRow.objects.get(action="cancel_all")
    assert (action.actor, action.reason, action.before) == ("ada", "drill", {"open_orders": open_before})


def test_cancel_all_needs_neither_lease_nor_an_open_switch(bench: Bench) -> None:
    bench.cycle()
    bench.wait(LAG)
    set_trading_state(
        mode=MODE, state=TradingState.HALTED, actor="ada", user_id=None, reason="drill", now=bench.now
    )
    placed = bench.front.count(PLACE)

    assert in_book()
    assert sweep(bench).is_done
    assert bench.front.count(PLACE) == placed


def test_cancel_all_that_the_exchange_does_not_confirm_asks_order_by_order(bench: Bench) -> None:
    bench.cycle()
    bench.wait(LAG)
    row, open_before = resting(), in_book()
    bench.fault(CANCEL, "5xx", count=1)

    report = sweep(bench)

    assert "Unknown" in report.refusal
    assert report.one_by_one == open_before
    assert report.is_done
    assert state_of(row) == OrderState.CANCELED
    asked = OrderEventRow.objects.filter(order=row, event="ask_cancel").get()
    assert asked.actor == "ada"


def test_cancel_all_while_the_account_cannot_be_read_proves_nothing(bench: Bench) -> None:
    bench.cycle()
    bench.wait(LAG)
    row = resting()
    bench.fault("GET /portfolio", "5xx", rate=1)

    report = sweep(bench)

    assert not report.is_done
    assert row.intent.intent_key in {order.intent_key for order in report.still_open}
    bench.heal()
    bench.wait(timedelta(seconds=5))
    bench.reconcile()
    assert state_of(row) == OrderState.CANCELED
    assert bench.complaints() == []


def test_cancel_all_takes_orders_placed_by_hand_too(bench: Bench) -> None:
    bench.cycle()
    ticker = resting().market.ticker
    said = bench.hand().create_order(ticker, Side.YES, Decimal(1), Decimal("0.01"), str(uuid4()))
    assert isinstance(said, Accepted)
    assert said.order_id in rests(bench)

    sweep(bench)

    assert not rests(bench)


def test_cancel_all_without_a_reason_asks_nothing(bench: Bench) -> None:
    with pytest.raises(ValueError, match="say why"):
        sweep(bench, reason="  ")
    assert bench.front.count(CANCEL) == 0
