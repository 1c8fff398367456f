"""decide(): every market is explained, and each reason stops exactly what it should."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.domain.types import Board, MarketStatus, OrderBook
from milkbot.core.cities import load_cities
from milkbot.core.config import TradingMode
from tests.trading.makers import (
    BRACKETS,
    CLOSE,
    DAY,
    EVENT,
    FAIR_QUOTES,
    NOW,
    around,
    make_account,
    make_board,
    make_outlook,
    make_view,
    make_weather,
)
from trading.domain.decide import decide
from trading.domain.inputs import EVERYWHERE, CityView, DecisionBatch
from trading.domain.policy import Limits, Policy
from trading.domain.risk import Exposure
from trading.domain.supersede import Standing
from trading.domain.types import (
    Action,
    BookSide,
    Decision,
    OrderState,
    ReasonCode,
    Side,
    TradingState,
)

CHEAP_QUOTES = (*FAIR_QUOTES[:3], ("0.20", "0.22"), *FAIR_QUOTES[4:])
"""75-76 is worth about 0.29 and offered at 0.22."""
DEAR_QUOTES = (*FAIR_QUOTES[:3], ("0.42", "0.44"), *FAIR_QUOTES[4:])
TARGET = BRACKETS[3].ticker


def code_of(batch: DecisionBatch, ticker: str = TARGET) -> ReasonCode:
    return next(decision.code for decision in batch.decisions if decision.market_ticker == ticker)


@pytest.mark.story("4.1", 2)
@pytest.mark.story("4.1", 4)
@pytest.mark.story("4.2", 1)
@pytest.mark.story("4.2", 5)
def test_decide_when_bracket_is_cheap_then_buys_yes() -> None:
    batch = decide([make_view(board=make_board(quotes=CHEAP_QUOTES))], make_account(), around())

    (intent,) = batch.intents
    assert (intent.side, intent.action, intent.book_side) == (Side.YES, Action.BUY, BookSide.BID)
    assert intent.limit_price == Decimal("0.22")
    assert intent.intent_key == f"SHADOW:CHI:{TARGET}:bid:ensemble:2025-05-14"
    signal = next(signal for signal in batch.signals if signal.market_ticker == TARGET)
    assert signal.decision is Decision.BUY
    assert signal.edge is not None
    assert float(signal.edge) == pytest.approx(signal.p_yes - 0.22 - 0.0121, abs=1e-4)


def test_decide_when_bracket_is_dear_then_buys_no_as_an_ask() -> None:
    batch = decide([make_view(board=make_board(quotes=DEAR_QUOTES))], make_account(), around())

    intent = next(intent for intent in batch.intents if intent.market_ticker == TARGET)
    assert (intent.side, intent.action, intent.book_side) == (Side.NO, Action.BUY, BookSide.ASK)
    assert intent.limit_price == Decimal("0.42")


def test_decide_when_yes_is_held_and_dear_then_sells_what_is_held_and_no_more() -> None:
    account = make_account(holdings={TARGET: Decimal(3)})

    batch = decide([make_view(board=make_board(quotes=DEAR_QUOTES))], account, around())

    intent = next(intent for intent in batch.intents if intent.market_ticker == TARGET)
    assert (intent.side, intent.action, intent.count) == (Side.YES, Action.SELL, Decimal(3))


def test_decide_when_fair_then_holds_everywhere_and_says_why() -> None:
    batch = decide([make_view()], make_account(), around())

    assert batch.intents == ()
    assert len(batch.decisions) == len(BRACKETS) == len(batch.signals)
    assert set(batch.codes) == {"EDGE_BELOW_FLOOR"}


@dataclass
class Case:
    """A circumstance that must stop the cheap bracket, and the code it must be stopped with."""

    code: ReasonCode
    view: Callable[[], CityView]
    changes: dict[str, object]


def cheap(**board: object) -> Callable[[], CityView]:
    return lambda: make_view(board=make_board(**{"quotes": CHEAP_QUOTES, **board}))  # type: ignore[arg-type]


def without_books(board: Board) -> Board:
    """The listing's quotes without a book that could be walked."""
    markets = (m.model_copy(update={"book": OrderBook(ticker=m.market.ticker)}) for m in board.markets)
    return board.model_copy(update={"markets": tuple(markets)})


BOARD = make_board(quotes=CHEAP_QUOTES)
MORNING = datetime(2025, 5, 14, 16, 0, tzinfo=UTC)  # 10:00 CST of the day itself
CASES = [
    Case(ReasonCode.EVENT_NOT_PARTITION, cheap(refusal="EVENT_NOT_PARTITION"), {}),
    Case(ReasonCode.STATION_MISMATCH, cheap(refusal="STATION_MISMATCH"), {}),
    Case(ReasonCode.BAD_MARKET_DATA, cheap(refusal="SOMETHING_NEW"), {}),
    Case(ReasonCode.FEES_UNKNOWN, cheap(fees=None), {}),
    Case(ReasonCode.EXCHANGE_PAUSED, cheap(), {"exchange_trading": False}),
    Case(ReasonCode.LOCKED, cheap(), {"locked_scopes": frozenset({"CHI"})}),
    Case(ReasonCode.LOCKED, cheap(), {"locked_scopes": frozenset({EVENT})}),
    Case(ReasonCode.LOCKED, cheap(), {"locked_scopes": frozenset({EVERYWHERE})}),
    Case(ReasonCode.FORECAST_MISSING, lambda: make_view(board=BOARD, no_weather=True), {}),
    Case(ReasonCode.FORECAST_MISSING, lambda: make_view(board=BOARD, no_outlook=True), {}),
    Case(
        ReasonCode.WEATHER_STALE,
        lambda: make_view(board=BOARD, weather=make_weather(captured_at=NOW - timedelta(minutes=16))),
        {},
    ),
    Case(
        ReasonCode.ISSUANCE_OLD,
        lambda: make_view(board=BOARD, weather=make_weather(issued_at=NOW - timedelta(hours=18, minutes=1))),
        {},
    ),
    Case(ReasonCode.ISSUANCE_OLD, lambda: make_view(board=BOARD, weather=make_weather(issued_at=None)), {}),
    Case(ReasonCode.LEAD_TOO_LONG, lambda: make_view(board=BOARD, outlook=make_outlook(lead_hours=61)), {}),
    Case(
        ReasonCode.DAY_UNDER_WAY,
        lambda: make_view(
            board=make_board(quotes=CHEAP_QUOTES, captured_at=MORNING),
            weather=make_weather(captured_at=MORNING, issued_at=MORNING),
        ),
        {"now": MORNING},
    ),
    Case(
        ReasonCode.FORECAST_INCOMPLETE,
        lambda: make_view(board=BOARD, weather=make_weather(knows_night=False)),
        {},
    ),
    Case(ReasonCode.MARKET_NOT_ACTIVE, cheap(status=MarketStatus.INACTIVE), {}),
    Case(ReasonCode.MARKET_NOT_ACTIVE, cheap(status=MarketStatus.UNRECOGNIZED), {}),
    Case(ReasonCode.MARKET_CLOSED, cheap(close_at=NOW), {}),
    Case(ReasonCode.CLOSE_NEAR, cheap(close_at=NOW + timedelta(minutes=14)), {}),
    Case(ReasonCode.PRICES_STALE, cheap(captured_at=NOW - timedelta(seconds=121)), {}),
    Case(ReasonCode.PRICE_MISSING, cheap(quotes=(*FAIR_QUOTES[:3], (None, "0.22"), *FAIR_QUOTES[4:])), {}),
    Case(ReasonCode.BOOKS_UNAVAILABLE, lambda: make_view(board=without_books(BOARD)), {}),
    Case(ReasonCode.PRICE_MISSING, cheap(quotes=(*FAIR_QUOTES[:3], (None, None), *FAIR_QUOTES[4:])), {}),
    Case(ReasonCode.SPREAD_WIDE, cheap(quotes=(*FAIR_QUOTES[:3], ("0.18", "0.22"), *FAIR_QUOTES[4:])), {}),
    Case(ReasonCode.LIQUIDITY_LOW, cheap(size="3"), {}),
    Case(ReasonCode.UNCERTAINTY_HIGH, cheap(), {"policy": Policy(max_uncertainty=0.01)}),
    Case(
        ReasonCode.EDGE_IMPLAUSIBLE,
        lambda: make_view(board=make_board(quotes=(*FAIR_QUOTES[:3], ("0.03", "0.05"), *FAIR_QUOTES[4:]))),
        {},
    ),
    Case(ReasonCode.STAKE_TOO_SMALL, cheap(), {"policy": Policy(kelly_fraction=Decimal("0.0001"))}),
    Case(ReasonCode.CAP_DEPTH, cheap(size="4"), {"policy": Policy(max_share_of_displayed=Decimal("0.2"))}),
    Case(ReasonCode.CAP_TRADE, cheap(), {"limits": Limits(per_trade=Decimal("0.10"))}),
    Case(ReasonCode.CAP_EVENT, cheap(), {"limits": Limits(per_event=Decimal("0.10"))}),
    Case(ReasonCode.CAP_CITY, cheap(), {"limits": Limits(per_city=Decimal("0.10"))}),
    Case(ReasonCode.CAP_CLUSTER, cheap(), {"limits": Limits(per_cluster=Decimal("0.10"))}),
    Case(ReasonCode.CAP_TOTAL, cheap(), {"limits": Limits(total=Decimal("0.10"))}),
    Case(ReasonCode.TRADING_HALTED, cheap(), {"trading_state": TradingState.HALTED}),
    Case(ReasonCode.TRADING_REDUCING, cheap(), {"trading_state": TradingState.REDUCING}),
]


@pytest.mark.story("4.1", 5)
@pytest.mark.story("4.2", 3)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code.value)
def test_decide_when_something_forbids_it_then_holds_with_its_code(case: Case) -> None:
    batch = decide([case.view()], make_account(), around(**case.changes))  # type: ignore[arg-type]

    assert TARGET not in {intent.market_ticker for intent in batch.intents}
    assert code_of(batch) is case.code
    assert all(signal.decision is Decision.HOLD for signal in batch.signals if signal.market_ticker == TARGET)


def test_decide_when_intent_exists_then_does_not_repeat_it() -> None:
    view = make_view(board=make_board(quotes=CHEAP_QUOTES))
    first = decide([view], make_account(), around())
    sent = {first.intents[0].wish: Standing(0, OrderState.FILLED, Decimal(1), Decimal("0.13"), NOW)}
    again = decide([view], make_account(standings=sent), around(now=NOW + timedelta(minutes=1)))

    assert again.intents == ()
    assert code_of(again) is ReasonCode.INTENT_EXISTS


def test_decide_when_mode_differs_then_the_key_does_too() -> None:
    view = make_view(board=make_board(quotes=CHEAP_QUOTES))
    sent = {
        intent.wish: Standing(0, OrderState.FILLED, intent.count, intent.limit_price, NOW)
        for intent in decide([view], make_account(), around()).intents
    }

    demo = decide([view], make_account(standings=sent), around(mode=TradingMode.DEMO))

    assert demo.intents[0].intent_key.startswith("DEMO:")


@pytest.mark.story("4.2", 3)
def test_decide_when_uncertainty_is_at_the_limit_then_it_passes_that_gate() -> None:
    batch = decide([make_view(board=BOARD)], make_account(), around(policy=Policy(max_uncertainty=0.04)))
    uncertain = decide([make_view(board=BOARD)], make_account(), around(policy=Policy(max_uncertainty=0.01)))

    assert code_of(batch) is ReasonCode.TRADE
    assert code_of(uncertain) is ReasonCode.UNCERTAINTY_HIGH


def test_decide_when_reducing_then_still_lets_a_position_go() -> None:
    account = make_account(holdings={TARGET: Decimal(3)})

    batch = decide(
        [make_view(board=make_board(quotes=DEAR_QUOTES))],
        account,
        around(trading_state=TradingState.REDUCING),
    )

    assert [intent.market_ticker for intent in batch.intents] == [TARGET]


def test_decide_when_every_cap_is_full_then_still_lets_a_position_go() -> None:
    full = Exposure(by_event={EVENT: Decimal(250)}, total=Decimal(800), markets=frozenset({TARGET}))
    account = make_account(cash="0.01", holdings={TARGET: Decimal(3)}).model_copy(
        update={"exposure": full, "bankroll": Decimal(10_000)}
    )

    batch = decide([make_view(board=make_board(quotes=DEAR_QUOTES))], account, around())

    (intent,) = batch.intents
    assert (intent.market_ticker, intent.count) == (TARGET, Decimal(3))
    assert intent.max_cost < Decimal("0.10"), "a sale can cost its fee and no more"


def test_decide_when_three_cities_share_a_cluster_then_its_cap_holds_over_all_of_them() -> None:
    northeast = [load_cities()[code] for code in ("NYC", "PHL", "BOS")]
    views = [
        make_view(
            city=city,
            board=make_board(quotes=CHEAP_QUOTES, city=city, event_ticker=f"{city.kalshi_series}-25MAY14"),
        )
        for city in northeast
    ]
    limits = Limits(per_cluster=Decimal(10))

    batch = decide(views, make_account(), around(limits=limits))

    assert sum(intent.max_cost for intent in batch.intents) <= Decimal(10)
    assert ReasonCode.CAP_CLUSTER in {decision.code for decision in batch.decisions}


@given(
    mids=st.lists(st.integers(2, 97), min_size=6, max_size=6),
    size=st.integers(1, 500),
    cash=st.integers(0, 20_000),
    mu=st.floats(60, 90),
)
def test_decide_for_any_prices_then_caps_hold_and_every_market_is_explained_once(
    mids: list[int], size: int, cash: int, mu: float
) -> None:
    quotes = tuple((f"{mid - 1}e-2", f"{mid + 1}e-2") for mid in mids)
    limits = Limits()

    batch = decide(
        [make_view(board=make_board(quotes=quotes, size=str(size)), outlook=make_outlook(mu=mu))],
        make_account(cash=str(cash)),
        around(limits=limits),
    )

    tickers = [decision.market_ticker for decision in batch.decisions]
    assert sorted(tickers) == sorted(bracket.ticker for bracket in BRACKETS)
    spent = sum((intent.max_cost for intent in batch.intents), Decimal(0))
    assert spent <= min(limits.per_event, Decimal(cash))
    assert all(intent.max_cost <= limits.per_trade for intent in batch.intents)
    assert all(intent.count <= Decimal(size) / 4 for intent in batch.intents)
    assert {i.market_ticker for i in batch.intents} == {
        d.market_ticker for d in batch.decisions if d.code is ReasonCode.TRADE
    }


def test_decide_given_the_same_values_then_gives_the_same_bytes() -> None:
    view = make_view(board=make_board(quotes=CHEAP_QUOTES))

    assert (
        decide([view], make_account(), around()).model_dump_json()
        == decide([view], make_account(), around()).model_dump_json()
    )


def test_circumstances_of_the_tests_lie_before_the_day() -> None:
    assert NOW < CLOSE
    assert NOW.date() == DAY  # UTC date; 19:00 CST of the day before
