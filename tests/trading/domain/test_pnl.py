"""Positions and cash from fills, against bookkeeping that knows only dollars in, dollars out and the payout."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milkbot.core.config import TradingMode
from tests.trading.makers import BRACKETS, NOW, make_fill
from trading.domain.pnl import apply_fill, settle, unrealized
from trading.domain.types import BookSide, Fill, Position

EMPTY = Position(mode=TradingMode.SHADOW, market_ticker=BRACKETS[2].ticker)


def book(fills: list[Fill]) -> tuple[Position, Decimal]:
    position, cash = EMPTY, Decimal(0)
    for fill in fills:
        booking = apply_fill(position, fill)
        position, cash = booking.position, cash + booking.cash
    return position, cash


def test_apply_fill_when_buying_yes_then_pays_the_price() -> None:
    position, cash = book([make_fill(count="10", yes_price="0.40", fee="0.1680")])

    assert (position.count, position.cost, cash) == (Decimal(10), Decimal("4.00"), Decimal("-4.00"))
    assert position.fees == Decimal("0.1680")
    assert position.opened_at == NOW


def test_apply_fill_when_selling_on_an_empty_book_then_buys_no_at_one_minus_price() -> None:
    position, cash = book([make_fill(book_side=BookSide.ASK, count="10", yes_price="0.40")])

    assert (position.count, position.cost, cash) == (Decimal(-10), Decimal("6.00"), Decimal("-6.00"))


def test_apply_fill_when_closing_then_realizes_at_average_cost() -> None:
    position, cash = book(
        [
            make_fill(number=1, count="10", yes_price="0.40"),
            make_fill(number=2, count="10", yes_price="0.50"),
            make_fill(number=3, book_side=BookSide.ASK, count="5", yes_price="0.60"),
        ]
    )

    assert (position.count, position.cost) == (Decimal(15), Decimal("6.75"))
    assert position.realized_pnl == Decimal("0.75")
    assert cash == Decimal("-6.00")


def test_apply_fill_when_larger_than_the_position_then_flips_and_costs_add_up() -> None:
    position, cash = book(
        [
            make_fill(number=1, count="4", yes_price="0.30"),
            make_fill(number=2, book_side=BookSide.ASK, count="10", yes_price="0.50"),
        ]
    )

    assert (position.count, position.cost, position.realized_pnl) == (
        Decimal(-6),
        Decimal("3.00"),
        Decimal("0.80"),
    )
    assert cash == Decimal("-1.20") + Decimal("2.00") - Decimal("3.00")


def test_apply_fill_of_another_market_then_refuses() -> None:
    with pytest.raises(ValueError, match="belongs to"):
        apply_fill(EMPTY, make_fill(ticker=BRACKETS[0].ticker))


@pytest.mark.parametrize(
    ("side", "result_is_yes", "payout"),
    [
        (BookSide.BID, True, Decimal(10)),
        (BookSide.BID, False, Decimal(0)),
        (BookSide.ASK, True, Decimal(0)),
        (BookSide.ASK, False, Decimal(10)),
    ],
)
def test_settle_pays_a_dollar_for_each_winning_contract(
    side: BookSide, result_is_yes: bool, payout: Decimal
) -> None:
    position, _ = book([make_fill(book_side=side, count="10", yes_price="0.40")])

    paid = settle(position, result_is_yes, NOW)

    assert paid.payout == payout
    assert paid.pnl == payout - position.cost
    assert not paid.position.is_open
    assert paid.position.cost == 0


def test_unrealized_when_nobody_bids_then_yes_is_worth_nothing() -> None:
    position, _ = book([make_fill(count="10", yes_price="0.40")])

    assert unrealized(position, None, Decimal("0.5")) == Decimal("-4.00")
    assert unrealized(position, Decimal("0.45"), None) == Decimal("0.50")


FILLS = st.lists(
    st.builds(
        make_fill,
        book_side=st.sampled_from(BookSide),
        count=st.integers(1, 10_000).map(lambda n: str(Decimal(n) / 100)),
        yes_price=st.integers(1, 99).map(lambda n: str(Decimal(n) / 100)),
    ),
    max_size=30,
)


@given(fills=FILLS, result_is_yes=st.booleans())
def test_books_for_any_fills_then_money_is_conserved(fills: list[Fill], result_is_yes: bool) -> None:
    """All cash ever moved equals realized P&L: nothing is made or lost between the books."""
    position, cash = book(fills)
    signed = sum((f.count if f.book_side is BookSide.BID else -f.count for f in fills), Decimal(0))
    paid = settle(position, result_is_yes, NOW)

    assert position.count == signed
    # What remains at cost is exactly the cash not yet accounted for by realized profit.
    assert abs(cash - (position.realized_pnl - position.cost)) < Decimal("1e-20")
    assert abs(cash + paid.payout - paid.position.realized_pnl) < Decimal("1e-20")


@given(fills=FILLS, result_is_yes=st.booleans())
def test_books_for_any_fills_then_profit_equals_the_value_of_net_contracts(
    fills: list[Fill], result_is_yes: bool
) -> None:
    """Independent of positions: each bid gains V - p per contract and each ask p - V, where V is 1 or 0."""
    value = Decimal(1 if result_is_yes else 0)
    expected = sum(
        ((value - f.yes_price) * f.count * (1 if f.book_side is BookSide.BID else -1) for f in fills),
        Decimal(0),
    )
    position, _ = book(fills)

    assert abs(settle(position, result_is_yes, NOW).position.realized_pnl - expected) < Decimal("1e-20")
