"""A world whose makers and takers can be told to stand still while time goes on."""

from collections.abc import Sequence
from datetime import datetime

from sandbox.feeds import Book, Ladder, MarketFeed, Outcome, Pause, Quote, Trade


class HeldFeed:
    """A market feed that shows `held_at` to whoever asks about a later instant; None lets it go on.

    Only prices stand still: events open, close and settle when their hour has come.
    """

    def __init__(self, feed: MarketFeed) -> None:
        self._feed = feed
        self.held_at: datetime | None = None

    def ladders(self, at: datetime) -> Sequence[Ladder]:
        """As the world has them."""
        return self._feed.ladders(at)

    def outcome(self, event_ticker: str) -> Outcome | None:
        """As the world has it."""
        return self._feed.outcome(event_ticker)

    def quote(self, ticker: str, at: datetime) -> Quote | None:
        """The newest quote, none of them younger than the hold."""
        return self._feed.quote(ticker, self._shown(at))

    def quotes(self, ticker: str, after: datetime, until: datetime) -> Sequence[Quote]:
        """Quotes with after < at <= until, none of them younger than the hold."""
        shown = self._shown(until)
        return self._feed.quotes(ticker, after, shown) if after < shown else ()

    def book(self, ticker: str, at: datetime) -> Book:
        """The book, or that of the hold."""
        return self._feed.book(ticker, self._shown(at))

    def trades(self, ticker: str, after: datetime, until: datetime) -> Sequence[Trade]:
        """Trades with after < at <= until, none of them younger than the hold."""
        shown = self._shown(until)
        return self._feed.trades(ticker, after, shown) if after < shown else ()

    def pauses(self, after: datetime, until: datetime) -> Sequence[Pause]:
        """As the world has them."""
        return self._feed.pauses(after, until)

    def _shown(self, at: datetime) -> datetime:
        return at if self.held_at is None else min(at, self.held_at)
