"""The world with the members in it, as a world: listing, books, trades and candles need not know the difference.

Ask about the present only after `Exchange.advance`, or members' orders that the world has already hit still show.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from sandbox.exchange.book import NOTHING, Mark, Market
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.shown import shown_book
from sandbox.feeds import Book, Ladder, Outcome, Pause, Quote, Trade

ORDERED_PAUSE_EXPECTED: Final = timedelta(hours=1)


class ExchangeFeed:
    """A MarketFeed. Volume, open interest, last prices and touches of the past include what members did then; a book
    is always that of the members' orders as they rest now."""

    def __init__(self, exchange: Exchange) -> None:
        self._world = exchange.world
        self._exchange = exchange

    def ladders(self, at: datetime) -> Sequence[Ladder]:
        """The world's events."""
        return self._world.ladders(at)

    def outcome(self, event_ticker: str) -> Outcome | None:
        """The market that a control let win, with a high that leads there, else the world's word.

        `Exchange.life` has each market's own result.
        """
        for market in self._exchange.markets.values():
            if market.event_ticker == event_ticker and market.set_result == "yes":
                return Outcome(market.ticker, self._high_within(market.ticker))
        return self._world.outcome(event_ticker)

    def quote(self, ticker: str, at: datetime) -> Quote | None:
        """What is shown at `at`, members' orders and trades included."""
        quote = self._world.quote(ticker, self._exchange.world_at(at))
        mark = _newest(self._market(ticker), at)
        return quote if mark is None else self._combined(ticker, quote, mark, at)

    def quotes(self, ticker: str, after: datetime, until: datetime) -> Sequence[Quote]:
        """Every change of what is shown with after < at <= until; the world's in an ordered pause show at its end."""
        market = self._market(ticker)
        known = self._world.quotes(ticker, after, until)
        if market is None and not self._exchange.ordered_pauses:
            return known
        moments = {quote.at for quote in known if self._exchange.world_at(quote.at) == quote.at}
        moments |= {mark.at for mark in (market.marks if market else ()) if after < mark.at <= until}
        shown = [(moment, self.quote(ticker, moment)) for moment in sorted(moments)]
        return [replace(quote, at=moment) for moment, quote in shown if quote is not None]

    def book(self, ticker: str, at: datetime) -> Book:
        """The world's book at `at` less what members took, with their orders."""
        return shown_book(self._world.book(ticker, self._exchange.world_at(at)), self._market(ticker))

    def trades(self, ticker: str, after: datetime, until: datetime) -> Sequence[Trade]:
        """The world's trades less what members got of them, and members' own; those in an ordered pause never were."""
        trades = [
            trade
            for trade in self._world.trades(ticker, after, until)
            if self._exchange.world_at(trade.at) == trade.at
        ]
        market = self._market(ticker)
        if market is None:
            return trades
        left = [
            replace(one, count=one.count - market.intercepted.get(one.trade_id, NOTHING)) for one in trades
        ]
        first, end = (bisect_right(market.prints, at, key=_traded_at) for at in (after, until))
        return sorted([one for one in left if one.count] + market.prints[first:end], key=_traded_at)

    def pauses(self, after: datetime, until: datetime) -> Sequence[Pause]:
        """The world's pauses and those the controls ordered; one that still lasts is expected to take an hour more."""
        ordered = [
            Pause(one.starts_at, one.ends_at or until + ORDERED_PAUSE_EXPECTED)
            for one in self._exchange.ordered_pauses
            if one.starts_at <= until and (one.ends_at is None or one.ends_at > after)
        ]
        return sorted([*self._world.pauses(after, until), *ordered], key=lambda pause: pause.starts_at)

    def _high_within(self, ticker: str) -> int | None:
        for ladder in self._world.ladders(self._exchange.now):
            for bracket in ladder.brackets:
                if bracket.ticker == ticker:
                    return bracket.winning_f
        return None

    def _market(self, ticker: str) -> Market | None:
        return self._exchange.markets.get(ticker)

    def _combined(self, ticker: str, quote: Quote | None, mark: Mark, at: datetime) -> Quote:
        if quote is None:
            return Quote(mark.at, mark.bid, mark.ask, mark.last, mark.volume, mark.open_interest)
        is_newer = mark.last_at is not None and not self._world.trades(ticker, mark.last_at, at)
        return Quote(
            at=max(quote.at, mark.at),
            yes_bid=max((one for one in (quote.yes_bid, mark.bid) if one is not None), default=None),
            yes_ask=min((one for one in (quote.yes_ask, mark.ask) if one is not None), default=None),
            last=mark.last if is_newer else quote.last,
            volume=_sum(quote.volume, mark.volume),
            open_interest=_sum(quote.open_interest, mark.open_interest),
        )


def _newest(market: Market | None, at: datetime) -> Mark | None:
    if market is None:
        return None
    index = bisect_right(market.marks, at, key=lambda mark: mark.at)
    return market.marks[index - 1] if index else None


def _sum(world: Decimal | None, members: Decimal) -> Decimal:
    return (world or NOTHING) + members


def _traded_at(trade: Trade) -> datetime:
    return trade.at
