"""Where a replay's orders go: takers on what is shown, makers only when traded through, every fee exact."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from markets.domain.fees import trade_fee
from markets.domain.types import Board, FeeSchedule, FeeType, PriceLevel
from milkbot.core.config import TradingMode
from tests.trading.makers import BRACKETS, CHI, EVENT, FEES, NOW, make_board, make_intent
from trading.backtest.desk import Desk, Note, Verdict
from trading.backtest.paper_account import PaperAccount
from trading.backtest.results import Liquidity
from trading.domain.gates import PASSED
from trading.domain.policy import Policy
from trading.domain.risk import MarketPlace
from trading.domain.types import (
    Action,
    Intent,
    OrderState,
    Side,
    TimeInForce,
)
from trading.domain.working import Review, Step
from weather.domain.releases import FORECAST, NOTHING_DUE, Releases, Window

MARKET = BRACKETS[2].ticker
PLACE = MarketPlace(EVENT, CHI.code, CHI.cluster)
VERDICT = Verdict(
    dict.fromkeys((b.ticker for b in BRACKETS), Decimal("0.5")),
    dict.fromkeys((b.ticker for b in BRACKETS), False),
)
MINUTE = timedelta(minutes=1)
MAKER_FEES = FeeSchedule(fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES, multiplier=Decimal(1))


@pytest.fixture
def desk() -> Desk:
    return Desk(PaperAccount(Decimal(1000), TradingMode.SHADOW), Policy())


def board(bid: str | None, ask: str | None, size: str = "100", fees: FeeSchedule = FEES) -> Board:
    quotes = [("0.01", "0.02")] * 6
    return make_board(quotes=[*quotes[:2], (bid, ask), *quotes[3:]], size=size, fees=fees)


NOTE = Note(p_trade=0.5, p_model=0.5, shares={})


def send(desk: Desk, intent: Intent, on: Board) -> None:
    desk.send(intent, NOTE, on, PLACE, NOTHING_DUE, VERDICT, NOW)


def state(desk: Desk) -> OrderState:
    (standing,) = desk.account.standings(EVENT).values()
    return standing.state


def quote_at(price: str, side: Side = Side.YES, count: str = "10") -> Intent:
    return make_intent(side=side, limit_price=price, count=count).model_copy(update={"post_only": True})


def test_taker_walks_what_is_shown_and_the_rest_is_cancelled(desk: Desk) -> None:
    shown = board("0.38", "0.40", size="4")
    entry = shown.markets[2]
    levels = (
        PriceLevel(price=Decimal("0.40"), count=Decimal(4)),
        PriceLevel(price=Decimal("0.41"), count=Decimal(3)),
    )
    deeper = entry.model_copy(update={"book": entry.book.model_copy(update={"asks": levels})})
    send(
        desk,
        make_intent(count="10", limit_price="0.41"),
        shown.model_copy(update={"markets": (*shown.markets[:2], deeper, *shown.markets[3:])}),
    )
    assert [(trade.price, trade.count, trade.liquidity) for trade in desk.trades] == [
        (Decimal("0.40"), Decimal(4), Liquidity.TAKER),
        (Decimal("0.41"), Decimal(3), Liquidity.TAKER),
    ]
    fees = [
        trade_fee(FEES, Decimal(4), Decimal("0.40"), is_taker=True),
        trade_fee(FEES, Decimal(3), Decimal("0.41"), is_taker=True),
    ]
    assert [trade.fee for trade in desk.trades] == fees
    assert desk.account.cash == 1000 - Decimal("1.60") - Decimal("1.23") - sum(fees)
    assert state(desk) is OrderState.CANCELED
    assert desk.account.resting(EVENT) == ()


@pytest.mark.parametrize(
    ("side", "price", "touched", "passed"),
    [
        (Side.YES, "0.39", ("0.38", "0.39"), ("0.37", "0.38")),
        (Side.NO, "0.41", ("0.41", "0.42"), ("0.42", "0.43")),
    ],
)
def test_maker_fills_when_the_market_trades_through_its_price_and_not_when_it_touches(
    desk: Desk, side: Side, price: str, touched: tuple[str, str], passed: tuple[str, str]
) -> None:
    send(desk, quote_at(price, side), board("0.38", "0.42"))
    assert state(desk) is OrderState.RESTING
    assert not desk.fill_resting(board(*touched), NOTHING_DUE, VERDICT, NOW + MINUTE)
    assert not desk.fill_resting(board(None, None), NOTHING_DUE, VERDICT, NOW + MINUTE)
    assert desk.trades == []
    assert desk.fill_resting(board(*passed), NOTHING_DUE, VERDICT, NOW + 2 * MINUTE)
    (trade,) = desk.trades
    assert (trade.price, trade.count, trade.fee, trade.liquidity) == (
        Decimal(price),
        Decimal(10),
        Decimal(0),
        Liquidity.MAKER,
    )
    assert (trade.decided_at, trade.at) == (NOW, NOW + 2 * MINUTE)
    assert trade.mid == Decimal("0.40")
    assert state(desk) is OrderState.FILLED


def test_maker_pays_where_the_series_charges_makers(desk: Desk) -> None:
    send(desk, quote_at("0.39"), board("0.38", "0.42", fees=MAKER_FEES))
    desk.fill_resting(board("0.30", "0.35", fees=MAKER_FEES), NOTHING_DUE, VERDICT, NOW + MINUTE)
    assert desk.trades[0].fee == trade_fee(MAKER_FEES, Decimal(10), Decimal("0.39"), is_taker=False) > 0


def test_resting_order_reserves_its_worst_case_until_it_ends(desk: Desk) -> None:
    intent = quote_at("0.39")
    send(desk, intent, board("0.38", "0.42"))
    account = desk.account.account(EVENT)
    assert account.cash == 1000 - intent.max_cost
    assert account.exposure.by_event == {EVENT: intent.max_cost}
    (order,) = desk.resting_now(EVENT, NOTHING_DUE, NOW + MINUTE)
    assert order.time_in_force is TimeInForce.GTC
    desk.carry_out([(order, Review(Step.CANCEL, PASSED))], NOW + MINUTE)
    assert state(desk) is OrderState.CANCELED
    assert desk.account.account(EVENT).cash == 1000
    assert desk.account.account(EVENT).exposure.total == 0


@pytest.mark.parametrize("minutes", [1, 3, 4, 7, 59, 600])
def test_order_nobody_disturbs_is_renewed_by_the_turns_in_between(desk: Desk, minutes: int) -> None:
    send(desk, quote_at("0.39"), board("0.38", "0.42"))
    now = NOW + minutes * MINUTE
    (order,) = desk.resting_now(EVENT, NOTHING_DUE, now)
    assert order.expires_at == _renewed_by_hand(now)
    assert order.expires_at > now


DUE = Releases.of([Window(FORECAST, NOW + 10 * MINUTE, NOW + 70 * MINUTE, NOW + 10 * MINUTE)])


@pytest.mark.parametrize(
    ("minutes", "filled"),
    [
        pytest.param(9, True, id="before it is due"),
        pytest.param(10, False, id="when it is due"),
        pytest.param(90, False, id="long after"),
    ],
)
def test_quote_fills_only_until_something_is_due_however_often_it_was_renewed(
    desk: Desk, minutes: int, filled: bool
) -> None:
    desk.send(quote_at("0.39"), NOTE, board("0.38", "0.42"), PLACE, DUE, VERDICT, NOW)
    assert desk.fill_resting(board("0.30", "0.35"), DUE, VERDICT, NOW + minutes * MINUTE) is filled
    assert state(desk) is (OrderState.FILLED if filled else OrderState.CANCELED)
    (standing,) = desk.account.standings(EVENT).values()
    assert standing.updated_at == NOW + min(minutes, 10) * MINUTE, "it ended when it expired"


@pytest.mark.parametrize("minutes", [1, 5, 7, 9])
def test_renewals_reach_no_further_than_what_is_due(desk: Desk, minutes: int) -> None:
    desk.send(quote_at("0.39"), NOTE, board("0.38", "0.42"), PLACE, DUE, VERDICT, NOW)
    now = NOW + minutes * MINUTE
    (order,) = desk.resting_now(EVENT, DUE, now)
    assert order.expires_at == min(_renewed_by_hand(now), NOW + 10 * MINUTE)
    desk.carry_out([(order, Review(Step.RENEW, PASSED, DUE))], now)
    (order,) = desk.resting_now(EVENT, DUE, now)
    assert order.expires_at == min(now + Policy().resting_life, NOW + 10 * MINUTE)


def _renewed_by_hand(until: datetime) -> datetime:
    """Turn every minute before `until`, as the live loop does."""
    policy, turn = Policy(), NOW + MINUTE
    expires_at = NOW + policy.resting_life
    while turn < until:
        if expires_at - turn < policy.renew_before:
            expires_at = turn + policy.resting_life
        turn += MINUTE
    return expires_at


def test_closing_and_settling_leave_cash_and_no_trace(desk: Desk) -> None:
    shown = board("0.38", "0.40")
    send(desk, make_intent(count="10", limit_price="0.40"), shown)
    send(
        desk,
        make_intent(action=Action.SELL, count="4", limit_price="0.38").model_copy(
            update={"max_cost": Decimal("0.1")}
        ),
        shown,
    )
    bought, sold = desk.trades
    fees = bought.fee + sold.fee
    assert desk.account.account(EVENT).holdings == {MARKET: 6}
    assert desk.account.settle(EVENT, {MARKET: True}, NOW + timedelta(days=1))
    assert desk.account.cash == 1000 - Decimal("4.00") + Decimal("1.52") + 6 - fees
    assert desk.account.account(EVENT).holdings == {}
    assert desk.account.standings(EVENT) == {}
    assert desk.account.orders_by_state() == {"FILLED": 2}


def test_trade_tells_its_own_profit() -> None:
    desk = Desk(PaperAccount(Decimal(1000), TradingMode.SHADOW), Policy())
    won = Verdict(VERDICT.closing_mids, dict.fromkeys(VERDICT.outcomes, True))
    for side, price in ((Side.YES, "0.40"), (Side.NO, "0.38")):
        desk.send(
            make_intent(side=side, limit_price=price, count="2"),
            NOTE,
            board("0.38", "0.40"),
            PLACE,
            NOTHING_DUE,
            won,
            NOW,
        )
    yes, no = desk.trades
    assert yes.pnl == 2 * Decimal("0.60") - yes.fee
    assert no.pnl == -2 * Decimal("0.62") - no.fee
