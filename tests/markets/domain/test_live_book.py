"""Books folded from a feed: equal to the books computed directly, and given up as soon as a message does not follow."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from markets.domain.live_book import (
    BookDelta,
    BookMessage,
    BookNotice,
    BookSnapshot,
    Gap,
    LiveBook,
    LiveBooks,
    Outcome,
)
from milkbot.core.errors import BadMarketData

D = Decimal
AT = datetime(2026, 10, 12, 15, tzinfo=UTC)
TICKER = "KXHIGHCHI-26OCT12-B70.5"
TICKERS = (TICKER, "KXHIGHNY-26OCT12-T60")
BIDS = [D(cents) / 100 for cents in range(1, 50)]
"""Both outcomes are bid below half a dollar here, so that no step of a test crosses the book."""


class Story(NamedTuple):
    """Messages as sent, and the count at every (ticker, outcome, price as bid) after them."""

    messages: Sequence[BookMessage]
    counts: dict[tuple[str, str, Decimal], Decimal]


@st.composite
def stories(draw: st.DrawFn, use_yes_price: bool, min_size: int = 1) -> Story:
    """Snapshots of both markets, then changes, notices and further snapshots, all truthful."""
    counts: dict[tuple[str, str, Decimal], Decimal] = {}
    messages: list[BookMessage] = []

    def shown(outcome: str, price: Decimal) -> Decimal:
        return 1 - price if outcome == "no" and use_yes_price else price

    def snapshot(ticker: str) -> BookSnapshot:
        sides = {
            outcome: tuple(
                (shown(outcome, price), count)
                for (of, side, price), count in counts.items()
                if (of, side) == (ticker, outcome) and count
            )
            for outcome in ("yes", "no")
        }
        return BookSnapshot(len(messages) + 1, ticker, sides["yes"], sides["no"])

    for ticker in TICKERS:
        for outcome in ("yes", "no"):
            for price in draw(st.lists(st.sampled_from(BIDS), unique=True, max_size=4)):
                counts[ticker, outcome, price] = D(draw(st.integers(1, 9_999))) / 100
        messages.append(snapshot(ticker))
    for _ in range(draw(st.integers(min_size, 25))):
        ticker = draw(st.sampled_from(TICKERS))
        kind = draw(st.sampled_from(["delta", "delta", "delta", "snapshot", "notice"]))
        if kind == "snapshot":
            messages.append(snapshot(ticker))
        elif kind == "notice":
            messages.append(BookNotice(len(messages) + 1))
        else:
            side: Outcome = draw(st.sampled_from(["yes", "no"]))
            price = draw(st.sampled_from(BIDS))
            before = counts.get((ticker, side, price), D(0))
            after = D(draw(st.integers(0, 9_999))) / 100
            counts[ticker, side, price] = after
            messages.append(BookDelta(len(messages) + 1, ticker, side, shown(side, price), after - before))
    return Story(messages, counts)


def fold(messages: Sequence[BookMessage], *, use_yes_price: bool = True) -> LiveBooks | Gap:
    """The state after the messages, or the first gap."""
    books = LiveBooks(use_yes_price)
    for message in messages:
        result = books.apply(message, AT)
        if isinstance(result, Gap):
            return result
        books = result
    return books


def book_after(*messages: BookMessage, use_yes_price: bool = True) -> LiveBook:
    folded = fold(messages, use_yes_price=use_yes_price)
    assert isinstance(folded, LiveBooks), folded
    return folded.books[TICKER]


def snapshot(seq: int = 1, yes: str = "0.40", no: str = "0.43") -> BookSnapshot:
    return BookSnapshot(seq, TICKER, ((D(yes), D("10.00")),), ((D(no), D("5.50")),))


@given(data=st.data(), use_yes_price=st.booleans())
def test_folded_books_equal_the_books_computed_directly(data: st.DataObject, use_yes_price: bool) -> None:
    story = data.draw(stories(use_yes_price))
    folded = fold(story.messages, use_yes_price=use_yes_price)
    assert isinstance(folded, LiveBooks)
    for ticker in TICKERS:
        left = {
            (side, price): count
            for (of, side, price), count in story.counts.items()
            if of == ticker and count
        }
        book = folded.books[ticker]
        assert book.bids == {price: count for (side, price), count in left.items() if side == "yes"}
        assert book.asks == {1 - price: count for (side, price), count in left.items() if side == "no"}
        shown = book.order_book()
        assert [level.price for level in shown.bids] == sorted(book.bids, reverse=True)
        assert [level.price for level in shown.asks] == sorted(book.asks)


@given(data=st.data())
def test_message_that_is_dropped_is_noticed_by_the_next(data: st.DataObject) -> None:
    messages = list(data.draw(stories(use_yes_price=True, min_size=2)).messages)
    lost = data.draw(st.integers(0, len(messages) - 2))
    assert isinstance(fold(messages[:lost] + messages[lost + 1 :]), Gap)


@given(data=st.data())
def test_message_that_comes_twice_is_noticed(data: st.DataObject) -> None:
    messages = list(data.draw(stories(use_yes_price=True)).messages)
    twice = data.draw(st.integers(0, len(messages) - 1))
    later = data.draw(st.integers(twice + 1, len(messages)))
    assume(not (isinstance(messages[twice], BookNotice) and later == twice + 1))
    assert isinstance(fold([*messages[:later], messages[twice], *messages[later:]]), Gap)


@given(data=st.data())
def test_messages_out_of_order_are_noticed(data: st.DataObject) -> None:
    messages = list(data.draw(stories(use_yes_price=True)).messages)
    first = data.draw(st.integers(0, len(messages) - 2))
    second = data.draw(st.integers(first + 1, len(messages) - 1))
    messages[first], messages[second] = messages[second], messages[first]
    assert isinstance(fold(messages), Gap)


@pytest.mark.parametrize(("use_yes_price", "no"), [(True, "0.43"), (False, "0.57")])
def test_no_bids_become_asks_on_the_scale_that_was_asked_for(use_yes_price: bool, no: str) -> None:
    smaller = BookDelta(2, TICKER, "no", D(no), D("-1.50"))
    book = book_after(snapshot(no=no), smaller, use_yes_price=use_yes_price).order_book()
    assert book.best_bid is not None
    assert book.best_ask is not None
    assert (book.best_bid.price, book.best_bid.count) == (D("0.40"), D("10.00"))
    assert (book.best_ask.price, book.best_ask.count) == (D("0.43"), D("4.00"))


@pytest.mark.parametrize(
    "impossible",
    [
        BookDelta(2, TICKER, "yes", D("0.40"), D("-10.01")),
        BookDelta(2, TICKER, "no", D("0.50"), D("-1")),
        BookDelta(2, TICKER, "yes", D(0), D(1)),
        BookDelta(2, TICKER, "no", D(1), D(1)),
        BookSnapshot(2, TICKER, ((D("0.50"), D(1)),), ((D("0.50"), D(1)),)),
        BookSnapshot(2, TICKER, ((D("0.40"), D(1)), (D("0.40"), D(2))), ()),
        BookSnapshot(2, TICKER, ((D("0.40"), D(-1)),), ()),
    ],
)
def test_impossible_book_is_given_up_and_the_others_are_kept(impossible: BookSnapshot | BookDelta) -> None:
    other = BookSnapshot(2, TICKERS[1], (), ())
    books = fold([snapshot(), other])
    assert isinstance(books, LiveBooks)
    gap = books.apply(replace(impossible, seq=3), AT)
    assert isinstance(gap, Gap)
    assert gap.tickers == {TICKER}
    assert set(gap.rest.books) == {TICKERS[1]}


def test_lost_message_gives_up_every_book_until_its_next_snapshot() -> None:
    books = fold([snapshot(), BookSnapshot(2, TICKERS[1], (), ())])
    assert isinstance(books, LiveBooks)
    gap = books.apply(BookDelta(4, TICKER, "yes", D("0.40"), D(1)), AT)
    assert isinstance(gap, Gap)
    assert gap.tickers == set(TICKERS)
    ignored = gap.rest.apply(BookDelta(5, TICKER, "yes", D("0.40"), D(1)), AT)
    assert isinstance(ignored, LiveBooks)
    assert ignored.books == {}
    again = ignored.apply(snapshot(6), AT)
    assert isinstance(again, LiveBooks)
    assert again.books[TICKER].order_book().best_bid is not None


def test_book_crossed_by_changes_is_no_order_book() -> None:
    crossed = book_after(snapshot(), BookDelta(2, TICKER, "yes", D("0.43"), D(1)))
    with pytest.raises(BadMarketData, match="BOOK_CROSSED"):
        crossed.order_book()


@pytest.mark.parametrize(
    ("age_s", "fresh"), [(0, True), (15, True), (15.001, False), (-15, True), (-16, False)]
)
def test_book_is_fresh_by_its_own_last_message(age_s: float, fresh: bool) -> None:
    book = book_after(snapshot())
    assert book.is_fresh(AT + timedelta(seconds=age_s), timedelta(seconds=15)) is fresh


def test_notice_passes_with_a_number_of_its_own_and_with_the_last_one() -> None:
    for number in (1, 2):
        books = fold([snapshot(), BookNotice(number)])
        assert isinstance(books, LiveBooks)
        assert books.seq == number
    assert isinstance(fold([snapshot(), BookNotice(3)]), Gap)
