"""Four wishes, one book. Mistaking one of them buys the opposite of what was meant."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.domain.order_book import RawLevel, Takes, build_book, take
from markets.domain.sides import Action, BookSide, Side, book_side_of, in_words, on_yes_book

D = Decimal
prices = st.integers(1, 9999).map(lambda n: D(n) / 10_000)


@pytest.mark.story("3.3", 1)
@pytest.mark.parametrize(
    ("side", "action", "price", "book_side", "yes_price"),
    [
        (Side.YES, Action.BUY, "0.56", BookSide.BID, "0.56"),
        (Side.YES, Action.SELL, "0.56", BookSide.ASK, "0.56"),
        (Side.NO, Action.BUY, "0.30", BookSide.ASK, "0.70"),
        (Side.NO, Action.SELL, "0.30", BookSide.BID, "0.70"),
    ],
)
def test_wish_is_quoted_on_the_yes_book(
    side: Side, action: Action, price: str, book_side: BookSide, yes_price: str
) -> None:
    assert on_yes_book(side, action, D(price)) == (book_side, D(yes_price))


@given(side=st.sampled_from(Side), action=st.sampled_from(Action), price=prices)
def test_quoted_wish_reads_back_in_the_same_words(side: Side, action: Action, price: Decimal) -> None:
    quoted = on_yes_book(side, action, price)
    assert in_words(quoted.book_side, quoted.yes_price, side) == (action, price)


@given(side=st.sampled_from(Side), action=st.sampled_from(Action), price=prices)
def test_the_same_order_in_the_other_contract_is_the_opposite_action_at_the_complement(
    side: Side, action: Action, price: Decimal
) -> None:
    other_side = Side.NO if side is Side.YES else Side.YES
    other_action = Action.SELL if action is Action.BUY else Action.BUY
    assert on_yes_book(side, action, price) == on_yes_book(other_side, other_action, 1 - price)


@given(price=prices, step=st.integers(-5_000, 5_000).map(lambda n: D(n) / 10_000))
def test_buyer_of_no_meets_yes_bids_exactly_when_both_together_pay_a_dollar(
    price: Decimal, step: Decimal
) -> None:
    """Not by formula but by the book: buying NO at q meets a YES bid at p if and only if p + q >= 1."""
    resting = min(max(1 - price + step, D("0.0001")), D("0.9999"))
    level: RawLevel = (resting, D(1))
    book = build_book("T", [level], [])
    order = on_yes_book(Side.NO, Action.BUY, price)
    side: Takes = "bid" if order.book_side is BookSide.BID else "ask"
    assert bool(take(book, side, D(1), order.yes_price)) == (resting + price >= 1)


def test_book_side_follows_what_is_gained() -> None:
    assert {(side, action) for side in Side for action in Action if book_side_of(side, action) == "bid"} == {
        (Side.YES, Action.BUY),
        (Side.NO, Action.SELL),
    }
