"""A resting order stays only as long as it would be sent again as it stands."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from markets.domain.types import BoardMarket, MarketStatus
from tests.trading.domain.test_decide import CHEAP_QUOTES
from tests.trading.makers import (
    BRACKETS,
    CLOSE,
    DAY,
    NOW,
    around,
    make_account,
    make_board,
    make_board_market,
    make_intent,
    make_order,
    make_view,
)
from trading.domain.decide import decide
from trading.domain.gates import PASSED, Gate
from trading.domain.types import (
    Action,
    BookSide,
    Order,
    OrderState,
    ReasonCode,
    Side,
    TimeInForce,
    TradingState,
)
from trading.domain.working import Belief, Step, review, review_all
from weather.domain.releases import FORECAST, NOTHING_DUE, Releases, Window

BELIEF = Belief(p_yes=0.40, standard_error=0.01)
"""The order below bids 0.30: ten cents of edge."""
LOCKED = Gate(False, ReasonCode.LOCKED, "a breaker holds it")


def resting(book_side: BookSide = BookSide.BID, price: str = "0.30") -> Order:
    side = Side.YES if book_side is BookSide.BID else Side.NO
    order = make_order(intent=make_intent(side=side, limit_price=price), state=OrderState.RESTING)
    changes: dict[str, Any] = {
        "time_in_force": TimeInForce.GTC,
        "post_only": True,
        "expires_at": NOW + timedelta(minutes=4),
    }
    return order.model_copy(update=changes)


def quoted(bid: str | None = "0.30", ask: str | None = "0.32", **changes: Any) -> BoardMarket:
    return make_board_market(BRACKETS[3], bid=bid, ask=ask, **changes)


def step(
    order: Order | None = None,
    market: BoardMarket | None = None,
    belief: Belief | None = BELIEF,
    event_gate: Gate = PASSED,
    *,
    reduces: bool = False,
    state: TradingState = TradingState.ACTIVE,
    releases: Releases = NOTHING_DUE,
    after: timedelta = timedelta(0),
) -> tuple[Step, ReasonCode]:
    market = market or quoted(captured_at=NOW + after)
    reviewed = review(
        order or resting(),
        market,
        event_gate,
        belief,
        releases,
        reduces=reduces,
        around=around(now=NOW + after, trading_state=state),
    )
    return reviewed.step, reviewed.gate.code


def test_order_that_still_fits_is_kept() -> None:
    assert step() == (Step.KEEP, ReasonCode.TRADE)


def test_order_that_still_fits_is_renewed_before_it_expires() -> None:
    assert step(after=timedelta(minutes=2))[0] is Step.KEEP
    assert step(after=timedelta(minutes=2, seconds=1))[0] is Step.RENEW


def due_in(minutes: float) -> Releases:
    starts_at = NOW + timedelta(minutes=minutes)
    return Releases.of([Window(FORECAST, starts_at, starts_at + timedelta(hours=1), starts_at)])


def test_order_is_renewed_up_to_what_is_due_and_not_again_then() -> None:
    """It expires after four minutes; when something is due then or before, there is nothing to gain."""
    after = timedelta(minutes=3)
    assert step(after=after, releases=due_in(4.5)) == (Step.RENEW, ReasonCode.TRADE)
    assert step(after=after, releases=due_in(4)) == (Step.KEEP, ReasonCode.TRADE)


def test_order_that_still_rests_when_something_is_due_is_cancelled() -> None:
    assert step(after=timedelta(minutes=3), releases=due_in(3)) == (Step.CANCEL, ReasonCode.RELEASE_DUE)


def test_order_whose_expiration_took_it_out_in_time_is_not_cancelled_as_well() -> None:
    assert step(after=timedelta(minutes=5), releases=due_in(4)) == (Step.KEEP, ReasonCode.RELEASE_DUE)


def test_review_takes_what_is_due_from_the_order_s_own_event() -> None:
    view = make_view(board=make_board(quotes=CHEAP_QUOTES))._replace(releases={DAY: due_in(0)})
    batch = decide([view], make_account(), around())
    order = resting().model_copy(update={"market_ticker": BRACKETS[3].ticker, "limit_price": Decimal("0.20")})

    ((_, found),) = review_all([order], [view], batch.signals, {}, around())

    assert (found.step, found.gate.code) == (Step.CANCEL, ReasonCode.RELEASE_DUE)


@pytest.mark.parametrize(
    ("market", "code"),
    [
        pytest.param(quoted("0.28", "0.32"), ReasonCode.SPREAD_WIDE, id="spread widens"),
        pytest.param(quoted(ask=None), ReasonCode.PRICE_MISSING, id="a side leaves"),
        pytest.param(quoted(size="3"), ReasonCode.LIQUIDITY_LOW, id="liquidity drops"),
        pytest.param(quoted(status=MarketStatus.INACTIVE), ReasonCode.MARKET_NOT_ACTIVE, id="market pauses"),
        pytest.param(quoted(close_at=NOW + timedelta(minutes=10)), ReasonCode.CLOSE_NEAR, id="close is near"),
        pytest.param(
            quoted(captured_at=NOW - timedelta(minutes=3)), ReasonCode.PRICES_STALE, id="prices are stale"
        ),
    ],
)
def test_order_is_cancelled_when_its_market_no_longer_fits(market: BoardMarket, code: ReasonCode) -> None:
    assert step(market=market) == (Step.CANCEL, code)


def test_order_is_cancelled_when_its_market_was_not_read() -> None:
    reviewed = review(resting(), None, PASSED, BELIEF, reduces=False, around=around())

    assert (reviewed.step, reviewed.gate.code) == (Step.CANCEL, ReasonCode.BOOKS_UNAVAILABLE)


def test_order_is_cancelled_when_nobody_believes_anything() -> None:
    assert step(belief=None) == (Step.CANCEL, ReasonCode.FORECAST_MISSING)


def test_order_is_cancelled_when_the_event_is_held() -> None:
    assert step(event_gate=LOCKED) == (Step.CANCEL, ReasonCode.LOCKED)


@pytest.mark.parametrize(
    ("book_side", "price", "p_yes", "kept"),
    [
        # A bid of 0.30 asks for max(2¢, 1¢, 2.4¢) and the cent lost to who knows more to enter, so 1.7¢ to stay.
        (BookSide.BID, "0.30", 0.317, Step.KEEP),
        (BookSide.BID, "0.30", 0.316, Step.CANCEL),
        # An ask of 0.30 buys NO at 0.70: 6.6¢ to enter, 3.3¢ to stay.
        (BookSide.ASK, "0.30", 0.267, Step.KEEP),
        (BookSide.ASK, "0.30", 0.268, Step.CANCEL),
    ],
)
def test_order_is_cancelled_when_less_than_half_the_entry_edge_is_left(
    book_side: BookSide, price: str, p_yes: float, kept: Step
) -> None:
    assert step(resting(book_side, price), belief=Belief(p_yes, 0.01))[0] is kept


def test_switch_takes_orders_out_of_the_book() -> None:
    assert step(state=TradingState.HALTED, reduces=True) == (Step.CANCEL, ReasonCode.TRADING_HALTED)
    assert step(state=TradingState.REDUCING) == (Step.CANCEL, ReasonCode.TRADING_REDUCING)
    assert step(state=TradingState.REDUCING, reduces=True)[0] is Step.KEEP


def test_order_after_the_close_is_cancelled_by_its_clock() -> None:
    assert step(market=quoted(captured_at=CLOSE), after=CLOSE - NOW) == (
        Step.CANCEL,
        ReasonCode.MARKET_CLOSED,
    )


def test_order_without_an_expiration_is_never_renewed() -> None:
    order = resting().model_copy(update={"expires_at": None})

    assert step(order, after=timedelta(hours=1))[0] is Step.KEEP


def test_review_of_all_orders_takes_each_ones_market_belief_and_holding() -> None:
    view = make_view(board=make_board(quotes=CHEAP_QUOTES))
    batch = decide([view], make_account(), around())
    target = resting().model_copy(
        update={"market_ticker": BRACKETS[3].ticker, "limit_price": Decimal("0.20")}
    )
    stranger = resting().model_copy(update={"market_ticker": "KXHIGHNY-25MAY14-T50"})

    reviewed = review_all([target, stranger], [view], batch.signals, {}, around())

    assert [(order.market_ticker, found.step) for order, found in reviewed] == [
        (BRACKETS[3].ticker, Step.KEEP),
        ("KXHIGHNY-25MAY14-T50", Step.CANCEL),
    ]


def test_review_while_reducing_keeps_only_what_closes_a_holding() -> None:
    view = make_view(board=make_board(quotes=CHEAP_QUOTES))
    batch = decide([view], make_account(), around())
    exit_ = resting().model_copy(update={"market_ticker": BRACKETS[3].ticker, "limit_price": Decimal("0.20")})
    reducing = around(trading_state=TradingState.REDUCING)

    steps = [
        review_all([exit_], [view], batch.signals, {BRACKETS[3].ticker: Decimal(held)}, reducing)[0][1].step
        for held in (-10, -9, 0, 10)
    ]

    assert steps == [Step.KEEP, Step.CANCEL, Step.CANCEL, Step.CANCEL]


@pytest.mark.parametrize("side", Side)
def test_sale_is_cancelled_when_what_it_would_sell_is_no_longer_held(side: Side) -> None:
    sale = make_intent(side=side, action=Action.SELL)
    order = resting(sale.book_side).model_copy(update={"side": side, "action": sale.action})
    belief = Belief(0.40 if sale.book_side is BookSide.BID else 0.20, 0.01)

    assert step(order, belief=belief, reduces=True)[0] is Step.KEEP
    assert step(order, belief=belief, reduces=False) == (Step.CANCEL, ReasonCode.HOLDING_GONE)
