"""From two lists of bids to one YES book, and what an order would meet in it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.domain.order_book import Takes, build_book, take
from milkbot.core.errors import BadMarketData
from tests.markets.makers import book

D = Decimal
BOOK = book("T", {"0.40": "10", "0.41": "5"}, {"0.45": "8", "0.43": "2.50", "0.50": "100"})


def test_book_from_bids_turns_no_bids_into_asks_best_first() -> None:
    made = build_book(
        "T", [(D("0.40"), D(10)), (D("0.41"), D(5))], [(D("0.55"), D(8)), (D("0.57"), D("2.50"))]
    )
    assert [(level.price, level.count) for level in made.bids] == [(D("0.41"), D(5)), (D("0.40"), D(10))]
    assert [(level.price, level.count) for level in made.asks] == [(D("0.43"), D("2.50")), (D("0.45"), D(8))]
    assert made.best_bid is not None
    assert made.best_bid.price == D("0.41")
    assert made.best_ask is not None
    assert made.best_ask.price == D("0.43")


def test_book_drops_levels_without_interest() -> None:
    made = build_book("T", [(D("0.40"), D(0)), (D("0.39"), D("-3"))], [])
    assert made.bids == ()
    assert made.best_bid is None


@pytest.mark.parametrize(
    ("yes", "no", "code"),
    [
        ([(D("0.40"), D(1)), (D("0.40"), D(2))], [], "BOOK_UNREADABLE"),
        ([(D("1.2"), D(1))], [], "BOOK_UNREADABLE"),
        ([(D(0), D(1))], [], "BOOK_UNREADABLE"),
        ([], [(D(1), D(1))], "BOOK_UNREADABLE"),
        ([(D("0.60"), D(1))], [(D("0.50"), D(1))], "BOOK_CROSSED"),
        ([(D("0.50"), D(1))], [(D("0.50"), D(1))], "BOOK_CROSSED"),
    ],
)
def test_book_that_cannot_be_is_refused(
    yes: list[tuple[Decimal, Decimal]], no: list[tuple[Decimal, Decimal]], code: str
) -> None:
    with pytest.raises(BadMarketData) as refusal:
        build_book("T", yes, no)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("side", "count", "limit", "expected"),
    [
        ("bid", "2", "0.43", [("0.43", "2")]),
        ("bid", "10", "0.45", [("0.43", "2.50"), ("0.45", "7.50")]),
        ("bid", "10", "0.44", [("0.43", "2.50")]),
        ("bid", "10", "0.42", []),
        ("bid", "500", "0.99", [("0.43", "2.50"), ("0.45", "8"), ("0.50", "100")]),
        ("ask", "6", "0.40", [("0.41", "5"), ("0.40", "1")]),
        ("ask", "6", "0.41", [("0.41", "5")]),
        ("ask", "6", "0.42", []),
        ("ask", "0", "0.01", []),
    ],
)
def test_take_walks_the_other_side_no_further_than_the_limit(
    side: Takes, count: str, limit: str, expected: list[tuple[str, str]]
) -> None:
    assert take(BOOK, side, D(count), D(limit)) == tuple((D(price), D(part)) for price, part in expected)


@given(
    count=st.integers(0, 20_000).map(lambda hundredths: D(hundredths) / 100),
    limit=st.integers(1, 99).map(lambda cents: D(cents) / 100),
    side=st.sampled_from(["bid", "ask"]),
)
def test_take_never_fills_more_than_wanted_or_displayed_nor_worse_than_the_limit(
    count: Decimal, limit: Decimal, side: Takes
) -> None:
    taken = take(BOOK, side, count, limit)
    offered = {level.price: level.count for level in (BOOK.asks if side == "bid" else BOOK.bids)}
    assert sum(part for _, part in taken) <= count
    for price, part in taken:
        assert 0 < part <= offered[price]
        assert price <= limit if side == "bid" else price >= limit
