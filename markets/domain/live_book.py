"""Order books as a feed tells them: a snapshot of each market, then its changes, numbered without a hole. Pure.

The exchange numbers the messages of a subscription, not of a market: after a lost message any of its books may be the
wrong one, so all of them are given up. A book that was given up stays unknown until its next snapshot.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from markets.domain.order_book import RawLevel, build_book
from markets.domain.types import OrderBook
from milkbot.core.errors import BadMarketData
from milkbot.core.money import ONE, ZERO

Levels = Mapping[Decimal, Decimal]
"""Contracts resting at each price; no level is empty."""
Outcome = Literal["yes", "no"]


@dataclass(frozen=True, slots=True)
class BookSnapshot:
    """All bids of a market, as message `seq` of the subscription listed them."""

    seq: int
    ticker: str
    yes: tuple[RawLevel, ...]
    no: tuple[RawLevel, ...]


@dataclass(frozen=True, slots=True)
class BookDelta:
    """Bids of one outcome grew or, below zero, shrank by `delta` contracts at `price`."""

    seq: int
    ticker: str
    outcome: Outcome
    price: Decimal
    delta: Decimal


@dataclass(frozen=True, slots=True)
class BookNotice:
    """A numbered message of the subscription that changes no book, such as the answer to a command."""

    seq: int


BookMessage = BookSnapshot | BookDelta | BookNotice


@dataclass(frozen=True, slots=True)
class LiveBook:
    """One market's YES book. `as_of` is when its last message was received."""

    ticker: str
    bids: Levels
    asks: Levels
    as_of: datetime

    def order_book(self) -> OrderBook:
        """The book as everything else reads it. Raises BadMarketData when it is crossed or holds an impossible level."""
        no_bids = ((ONE - price, count) for price, count in self.asks.items())
        return build_book(self.ticker, self.bids.items(), no_bids)

    def is_fresh(self, now: datetime, max_age: timedelta) -> bool:
        """Whether the last message lies at most `max_age` from `now`, which may be a little earlier than the message."""
        return abs(now - self.as_of) <= max_age


@dataclass(frozen=True, slots=True)
class Gap:
    """Books that can no longer be believed, and why. `rest` is what still can: go on from there."""

    reason: str
    tickers: frozenset[str]
    rest: "LiveBooks"


@dataclass(frozen=True, slots=True)
class LiveBooks:
    """The books of one subscription after its message `seq`; the first message is number 1.

    `use_yes_price` says on which scale the subscription prices NO bids: as the YES price they are an ask at, or as NO
    prices. The exchange will change its default, so it has to be asked for and stated.
    """

    use_yes_price: bool
    seq: int = 0
    books: Mapping[str, LiveBook] = field(default_factory=lambda: MappingProxyType({}))

    def apply(self, message: BookMessage, at: datetime) -> "LiveBooks | Gap":
        """The state after `message`, received at `at`; a Gap when it does not follow or makes a book impossible."""
        if not self._follows(message):
            rest = replace(self, seq=max(self.seq, message.seq), books=MappingProxyType({}))
            reason = f"message {message.seq} came after {self.seq}"
            return Gap(reason, frozenset(self.books) | _tickers(message), rest)
        if isinstance(message, BookNotice):
            return replace(self, seq=message.seq)
        try:
            book = (
                self._listed(message, at) if isinstance(message, BookSnapshot) else self._changed(message, at)
            )
        except BadMarketData as error:
            rest = replace(self.without([message.ticker]), seq=message.seq)
            return Gap(str(error), frozenset([message.ticker]), rest)
        return self._with(message.seq, book)

    def without(self, tickers: Iterable[str]) -> "LiveBooks":
        """The same subscription with some books given up."""
        gone = frozenset(tickers)
        kept = {ticker: book for ticker, book in self.books.items() if ticker not in gone}
        return replace(self, books=MappingProxyType(kept))

    def _follows(self, message: BookMessage) -> bool:
        # Whether the answer to a command takes a number of its own is not written down: both readings pass.
        expected = {self.seq + 1} | ({self.seq} if isinstance(message, BookNotice) else set())
        return message.seq in expected

    def _with(self, seq: int, book: LiveBook | None) -> "LiveBooks":
        books = self.books if book is None else MappingProxyType({**self.books, book.ticker: book})
        return replace(self, seq=seq, books=books)

    def _listed(self, snapshot: BookSnapshot, at: datetime) -> LiveBook:
        asks = ((self._yes_price("no", price), count) for price, count in snapshot.no)
        book = LiveBook(
            snapshot.ticker, _levels(snapshot.ticker, snapshot.yes), _levels(snapshot.ticker, asks), at
        )
        book.order_book()  # a snapshot is one instant: it can never be crossed
        return book

    def _changed(self, delta: BookDelta, at: datetime) -> LiveBook | None:
        book = self.books.get(delta.ticker)
        if book is None:
            return None  # given up or withdrawn: nothing is known of it until its next snapshot
        price = self._yes_price(delta.outcome, delta.price)
        if delta.outcome == "yes":
            return replace(book, bids=_after(book.bids, delta, price), as_of=at)
        return replace(book, asks=_after(book.asks, delta, price), as_of=at)

    def _yes_price(self, outcome: Outcome, price: Decimal) -> Decimal:
        return price if outcome == "yes" or self.use_yes_price else ONE - price


def _levels(ticker: str, raw: Iterable[RawLevel]) -> Levels:
    levels: dict[Decimal, Decimal] = {}
    for price, count in raw:
        if price in levels or not ZERO < price < ONE or count < ZERO:
            raise BadMarketData("BOOK_UNREADABLE", f"{ticker}: {count} at {price} is no level of a book")
        if count:
            levels[price] = count
    return MappingProxyType(levels)


def _after(levels: Levels, delta: BookDelta, price: Decimal) -> Levels:
    count = levels.get(price, ZERO) + delta.delta
    if count < ZERO or not ZERO < price < ONE:
        raise BadMarketData("BOOK_UNREADABLE", f"{delta.ticker}: {delta.delta} at {price} leaves {count}")
    changed = {**levels, price: count}
    if not count:
        del changed[price]
    return MappingProxyType(changed)


def _tickers(message: BookMessage) -> frozenset[str]:
    return frozenset() if isinstance(message, BookNotice) else frozenset([message.ticker])
