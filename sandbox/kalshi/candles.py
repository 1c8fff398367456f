"""Candlesticks over recorded quotes.

A recorded row is the closing state of its minute, so the figures of a longer candle are those of its minutes' closes:
nothing between two rows is invented. The price part is filled only where contracts changed hands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import Final

from sandbox.feeds import MarketFeed, Quote
from sandbox.kalshi.errors import coded
from sandbox.kalshi.query import Query
from sandbox.kalshi.wire import JsonObject, ask_dollars, bid_dollars, count_fp, dollars

NO_BID_PRICE: Final = Decimal(0)
NO_ASK_PRICE: Final = Decimal(1)
PERIODS_MINUTES: Final = (1, 60, 1440)
BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CandleRequest:
    """Candles ending in [start_ts, end_ts] (Unix seconds), `minutes` long each."""

    start_ts: int
    end_ts: int
    minutes: int
    include_latest_before_start: bool

    @classmethod
    def from_query(cls, query: Query) -> "CandleRequest":
        """The documented parameters. Raises ApiError 400 for a period or a range that the exchange refuses."""
        wanted = cls(
            start_ts=query.required_whole("start_ts"),
            end_ts=query.required_whole("end_ts"),
            minutes=query.required_whole("period_interval"),
            include_latest_before_start=query.flag("include_latest_before_start"),
        )
        if wanted.minutes not in PERIODS_MINUTES or wanted.start_ts > wanted.end_ts:
            raise coded(400, "invalid_parameters", "invalid parameters")
        return wanted


def candlesticks(feed: MarketFeed, ticker: str, wanted: CandleRequest, at: datetime) -> list[JsonObject]:
    """Candles of one market at `at`, ascending; a period in which nothing changed has none."""
    seconds = wanted.minutes * 60
    known = feed.quotes(ticker, BEGINNING, at)
    candles: list[JsonObject] = []
    latest_before: tuple[int, Quote] | None = None
    previous: Quote | None = None
    for end_ts, group in groupby(known, key=lambda quote: _period_end(quote, seconds)):
        quotes = list(group)
        if end_ts < wanted.start_ts:
            latest_before = end_ts, quotes[-1]
        elif end_ts <= wanted.end_ts:
            candles.append(_candle(end_ts, previous, quotes))
        previous = quotes[-1]
    if wanted.include_latest_before_start and latest_before is not None:
        candles.insert(0, _projected(-(-wanted.start_ts // seconds) * seconds, latest_before[1]))
    return candles


def _period_end(quote: Quote, seconds: int) -> int:
    return -(-int(quote.at.timestamp()) // seconds) * seconds


def _candle(end_ts: int, previous: Quote | None, quotes: Sequence[Quote]) -> JsonObject:
    states = quotes if previous is None else [previous, *quotes]
    last = quotes[-1]
    traded_before = (previous.volume if previous else None) or Decimal(0)
    volume = (last.volume or Decimal(0)) - traded_before
    return {
        "end_period_ts": end_ts,
        "yes_bid": _distribution([NO_BID_PRICE if q.yes_bid is None else q.yes_bid for q in states]),
        "yes_ask": _distribution([NO_ASK_PRICE if q.yes_ask is None else q.yes_ask for q in states]),
        "price": _traded(previous, quotes) if volume > 0 else _untraded(previous),
        "volume_fp": count_fp(volume),
        "open_interest_fp": count_fp(last.open_interest),
    }


def _distribution(prices: list[Decimal]) -> JsonObject:
    return {
        "open_dollars": dollars(prices[0]),
        "low_dollars": dollars(min(prices)),
        "high_dollars": dollars(max(prices)),
        "close_dollars": dollars(prices[-1]),
    }


def _traded(previous: Quote | None, quotes: Sequence[Quote]) -> JsonObject:
    prices = [quote.last for quote in quotes if quote.last is not None]
    return (_distribution(prices) if prices else {}) | _untraded(previous)


def _untraded(previous: Quote | None) -> JsonObject:
    return {} if previous is None or previous.last is None else {"previous_dollars": dollars(previous.last)}


def _projected(end_ts: int, quote: Quote) -> JsonObject:
    """The state before the requested range, carried to its first boundary."""
    bid, ask = bid_dollars(quote.yes_bid), ask_dollars(quote.yes_ask)
    names = ("open_dollars", "low_dollars", "high_dollars", "close_dollars")
    return {
        "end_period_ts": end_ts,
        "yes_bid": dict.fromkeys(names, bid),
        "yes_ask": dict.fromkeys(names, ask),
        "price": _untraded(quote),
        "volume_fp": count_fp(None),
        "open_interest_fp": count_fp(quote.open_interest),
    }
