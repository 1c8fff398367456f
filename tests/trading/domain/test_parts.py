"""Strategy interface, gates, keys, shadow fills: each on its own."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from markets.domain.types import OrderBook, PriceLevel
from milkbot.core.config import TradingMode
from tests.trading.makers import (
    BRACKETS,
    DAY,
    NOW,
    make_board_market,
    make_intent,
)
from trading.domain.gates import (
    check_edge,
    check_liquidity,
    check_plausible,
    check_spread,
    check_tradable,
    check_uncertainty,
    edge_floor,
)
from trading.domain.keys import client_order_id, intent_key
from trading.domain.policy import Policy
from trading.domain.shadow_fill import walk
from trading.domain.strategies.base import Strategy
from trading.domain.types import (
    Action,
    BookSide,
    EnsembleOutput,
    ReasonCode,
    Side,
    book_side_of,
)

POLICY = Policy()
TICKER = BRACKETS[2].ticker


@pytest.mark.story("4.1", 1)
def test_strategy_base_class_cannot_be_used_without_an_opinion() -> None:
    with pytest.raises(TypeError, match="evaluate"):
        Strategy()  # type: ignore[abstract]


def test_ensemble_output_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(ValidationError, match="must be 1"):
        EnsembleOutput(p_yes=0.5, p_no=0.4, confidence=1, explain="", inputs=())


@pytest.mark.story("4.3", 1)
@pytest.mark.story("4.3", 4)
@pytest.mark.parametrize(
    ("bid", "ask", "code"),
    [
        ("0.40", "0.43", None),
        ("0.40", "0.4301", ReasonCode.SPREAD_WIDE),
        (None, "0.43", ReasonCode.PRICE_MISSING),
        ("0.40", None, ReasonCode.PRICE_MISSING),
    ],
)
def test_check_spread_passes_up_to_three_cents(
    bid: str | None, ask: str | None, code: ReasonCode | None
) -> None:
    gate = check_spread(make_board_market(BRACKETS[2], bid=bid, ask=ask).snapshot, POLICY)

    assert bool(gate) is (code is None)
    assert code is None or gate.code is code


@pytest.mark.story("4.3", 2)
@pytest.mark.story("4.3", 4)
def test_check_liquidity_asks_for_the_displayed_size_of_the_side_taken() -> None:
    snapshot = make_board_market(BRACKETS[2], bid="0.40", ask=None, size="10").snapshot

    assert check_liquidity(snapshot, BookSide.ASK, Decimal(10))
    assert not check_liquidity(snapshot, BookSide.ASK, Decimal(11))
    assert check_liquidity(snapshot, BookSide.BID, Decimal(1)).code is ReasonCode.LIQUIDITY_LOW


@pytest.mark.story("4.3", 3)
@pytest.mark.story("4.3", 4)
@pytest.mark.parametrize(
    ("cost", "error", "floor"),
    [("0.20", 0.02, "0.03"), ("0.20", 0.05, "0.05"), ("0.80", 0.02, "0.064")],
)
def test_check_edge_asks_for_the_largest_of_three_floors(cost: str, error: float, floor: str) -> None:
    assert edge_floor(Decimal(cost), error, POLICY) == Decimal(floor)
    assert check_edge(Decimal(floor), Decimal(cost), error, POLICY)
    assert not check_edge(Decimal(floor) - Decimal("0.0001"), Decimal(cost), error, POLICY)


@pytest.mark.story("4.3", 5)
def test_a_gate_that_fails_carries_the_figure_that_decided() -> None:
    gate = check_spread(make_board_market(BRACKETS[2], bid="0.40", ask="0.45").snapshot, POLICY)

    assert gate.detail == "spread 5.0¢ > 3.0¢"


def test_check_uncertainty_and_plausible_bound_our_own_trust() -> None:
    snapshot = make_board_market(BRACKETS[2], bid="0.40", ask="0.42").snapshot

    assert check_uncertainty(0.20, POLICY)
    assert not check_uncertainty(0.2001, POLICY)
    assert check_plausible(0.60, None, snapshot, POLICY, has_news=False)
    assert not check_plausible(0.62, None, snapshot, POLICY, has_news=False)
    assert check_plausible(
        0.62, 0.45, snapshot, POLICY, has_news=False
    ), "the market's own opinion goes first"
    assert not check_plausible(0.60, 0.39, snapshot, POLICY, has_news=False)
    assert check_plausible(0.90, 0.39, snapshot, POLICY, has_news=True)


def test_check_tradable_before_opening_then_closed() -> None:
    market = make_board_market(BRACKETS[2], bid="0.40", ask="0.42", open_at=NOW.replace(hour=2))

    assert check_tradable(market, NOW, POLICY).code is ReasonCode.MARKET_CLOSED


@pytest.mark.parametrize(
    ("side", "action", "book_side"),
    [
        (Side.YES, Action.BUY, BookSide.BID),
        (Side.YES, Action.SELL, BookSide.ASK),
        (Side.NO, Action.BUY, BookSide.ASK),
        (Side.NO, Action.SELL, BookSide.BID),
    ],
)
def test_book_side_of_the_four_wishes(side: Side, action: Action, book_side: BookSide) -> None:
    assert book_side_of(side, action) is book_side


def test_intent_key_is_deterministic_and_an_exit_is_not_its_entry() -> None:
    entry, exit_ = make_intent(), make_intent(action=Action.SELL)

    assert entry.intent_key == make_intent().intent_key == f"SHADOW:CHI:{TICKER}:bid:ensemble:{DAY}"
    assert exit_.intent_key != entry.intent_key
    assert make_intent(generation=1).intent_key == f"{entry.intent_key}:1"


def test_intent_key_with_a_colon_in_a_part_is_refused() -> None:
    with pytest.raises(ValueError, match="colon"):
        intent_key(
            mode=TradingMode.SHADOW,
            city_code="CHI",
            market_ticker="A:B",
            book_side=BookSide.BID,
            strategy="s",
            event_date=DAY,
        )


def test_client_order_id_follows_from_the_key_alone() -> None:
    key = make_intent().intent_key

    assert client_order_id(key) == client_order_id(key)
    assert client_order_id(key).version == 5
    assert client_order_id(key) == UUID(str(client_order_id(key)))
    assert client_order_id(key) != client_order_id(key + ":1")


LEVELS = st.lists(
    st.tuples(st.integers(1, 99), st.integers(1, 5_000)), max_size=8, unique_by=lambda level: level[0]
)


def book_of(levels: list[tuple[int, int]], side: BookSide) -> OrderBook:
    """The side an order would take from, best first."""
    ordered = sorted(levels, reverse=side is BookSide.ASK)
    shown = tuple(PriceLevel(price=Decimal(p) / 100, count=Decimal(c) / 100) for p, c in ordered)
    return (
        OrderBook(ticker=TICKER, asks=shown) if side is BookSide.BID else OrderBook(ticker=TICKER, bids=shown)
    )


@given(levels=LEVELS, side=st.sampled_from(BookSide), wanted=st.integers(1, 8_000), limit=st.integers(1, 99))
def test_walk_takes_only_what_is_shown_at_the_limit_or_better(
    levels: list[tuple[int, int]], side: BookSide, wanted: int, limit: int
) -> None:
    count, limit_price = Decimal(wanted) / 100, Decimal(limit) / 100

    executions = walk(book_of(levels, side), side, count, limit_price)

    reachable = [(p, c) for p, c in levels if (p <= limit if side is BookSide.BID else p >= limit)]
    assert sum((e.count for e in executions), Decimal(0)) == min(
        count, Decimal(sum(c for _, c in reachable)) / 100
    )
    shown = {Decimal(p) / 100: Decimal(c) / 100 for p, c in reachable}
    assert all(execution.count <= shown[execution.yes_price] for execution in executions)
    prices = [execution.yes_price for execution in executions]
    assert prices == sorted(prices, reverse=side is BookSide.ASK)


def test_walk_of_an_empty_book_fills_nothing() -> None:
    assert walk(OrderBook(ticker=TICKER), BookSide.BID, Decimal(5), Decimal("0.99")) == ()
