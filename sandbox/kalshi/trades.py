"""Public trades, newest first, page by page."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sandbox.feeds import MarketFeed, Trade
from sandbox.kalshi.listing import Listing
from sandbox.kalshi.newest_first import Key, cursor_of, key_of
from sandbox.kalshi.query import Query
from sandbox.kalshi.wire import JsonObject, count_fp, dollars, instant, timestamp

STRIDE: Final = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class TradesRequest:
    """Trades of `ticker` (empty: all markets) with after < at <= until, older than `before`, at most `limit`."""

    ticker: str
    after: datetime
    until: datetime
    before: Key | None
    limit: int
    block_trades: bool

    @classmethod
    def from_query(cls, query: Query, earliest: datetime, now: datetime) -> "TradesRequest":
        """The documented parameters; nothing earlier than `earliest` and nothing later than `now` is asked for."""
        limit = query.bounded("limit", low=0, high=1000, default=100) or 100
        low, high = query.whole("min_ts"), query.whole("max_ts")
        # Both bounds include their own second; a trade's time is finer than that.
        asked_from = instant(low) - timedelta(milliseconds=1) if low is not None else earliest
        asked_until = instant(high) if high is not None else now
        return cls(
            ticker=query.text("ticker"),
            after=max(asked_from, earliest),
            until=min(asked_until, now),
            before=key_of(query.text("cursor")),
            limit=limit,
            block_trades=query.text("is_block_trade") != "" and query.flag("is_block_trade"),
        )


def trades_page(
    feed: MarketFeed, listed: Iterable[Listing], wanted: TradesRequest
) -> tuple[list[JsonObject], str]:
    """One page of records, newest first, and the cursor of the next, empty on the last."""
    if wanted.block_trades:  # Nobody negotiates off the book in these worlds.
        return [], ""
    chosen = [listing for listing in listed if wanted.ticker in ("", listing.bracket.ticker)]
    shown: list[Trade] = []
    for trade in _newest_first(feed, chosen, wanted):
        if len(shown) == wanted.limit:
            return [trade_json(one) for one in shown], cursor_of(_order(shown[-1]))
        shown.append(trade)
    return [trade_json(one) for one in shown], ""


def trade_json(trade: Trade) -> JsonObject:
    """A trade record as specification 3.32 has it."""
    return {
        "trade_id": trade.trade_id,
        "ticker": trade.ticker,
        "count_fp": count_fp(trade.count),
        "yes_price_dollars": dollars(trade.yes_price),
        "no_price_dollars": dollars(1 - trade.yes_price),
        "taker_outcome_side": trade.taker_side,
        "taker_book_side": "bid" if trade.taker_side == "yes" else "ask",
        "created_time": timestamp(trade.at),
        "is_block_trade": False,
    }


def _newest_first(feed: MarketFeed, listed: list[Listing], wanted: TradesRequest) -> Iterator[Trade]:
    """Backwards in strides, so that a first page does not need the trades of weeks."""
    first_open = min((listing.ladder.opens_at for listing in listed), default=wanted.until)
    earliest = max(wanted.after, first_open)
    until = wanted.until if wanted.before is None else min(wanted.until, wanted.before[0])
    while until > earliest:
        after = max(until - STRIDE, earliest)
        found = [
            trade
            for listing in listed
            if listing.ladder.opens_at < until and listing.ladder.closes_at > after
            for trade in feed.trades(listing.bracket.ticker, after, until)
        ]
        for trade in sorted(found, key=_order, reverse=True):
            if wanted.before is None or _order(trade) < wanted.before:
                yield trade
        until = after


def _order(trade: Trade) -> Key:
    return trade.at, trade.trade_id
