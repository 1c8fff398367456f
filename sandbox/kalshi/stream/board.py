"""The public side of the feed at one instant: books, tickers and trades, worked out once for all subscribers."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from sandbox.feeds import Book, MarketFeed, Trade
from sandbox.kalshi.listing import Listing, shown_book
from sandbox.kalshi.stream.messages import Levels, ticker_msg
from sandbox.kalshi.wire import JsonObject

LAST_TRADE_WITHIN: Final = timedelta(hours=3)
JUST_BEFORE: Final = timedelta(microseconds=1)


class Board:
    """What can be read off at instant `at`; `listings` are the markets listed then."""

    def __init__(self, feed: MarketFeed, listings: list[Listing], at: datetime) -> None:
        self.at = at
        self._feed = feed
        self.listed = {listing.bracket.ticker: listing for listing in listings}
        self._books: dict[str, Book] = {}
        self._tickers: dict[str, JsonObject] = {}

    def trading(self) -> list[str]:
        """The markets that trade."""
        return [ticker for ticker, listing in self.listed.items() if listing.status == "active"]

    def levels(self, ticker: str) -> tuple[Levels, Levels]:
        """Contracts by price of the yes and the no bids; nothing for a market that does not trade or exist."""
        book = self._book(ticker)
        return (
            {level.price: level.count for level in book.yes_bids},
            {level.price: level.count for level in book.no_bids},
        )

    def ticker(self, ticker: str) -> JsonObject:
        """A `ticker` message without its times."""
        found = self._tickers.get(ticker)
        if found is None:
            book = self._book(ticker)
            trades = self._feed.trades(ticker, self.at - LAST_TRADE_WITHIN, self.at)
            found = ticker_msg(
                ticker,
                self._feed.quote(ticker, self.at),
                book.yes_bids[-1] if book.yes_bids else None,
                book.no_bids[-1] if book.no_bids else None,
                trades[-1].count if trades else Decimal(0),
            )
            self._tickers[ticker] = found
        return found

    def trades_since(self, ticker: str, since: datetime) -> list[Trade]:
        """Trades from `since`, itself included, until now, ascending."""
        return list(self._feed.trades(ticker, since - JUST_BEFORE, self.at))

    def _book(self, ticker: str) -> Book:
        found = self._books.get(ticker)
        if found is None:
            listing = self.listed.get(ticker)
            found = shown_book(self._feed, listing) if listing else Book()
            self._books[ticker] = found
        return found
