"""Candlesticks over recorded quotes.

A recorded row is the closing state of its minute, so the figures of a longer candle are those of its minutes' closes:
nothing between two rows is invented. The price part is filled only where contracts changed hands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Final

from sandbox.feeds import MarketFeed, Quote
from sandbox.kalshi.errors import coded
from sandbox.kalshi.query import Query
from sandbox.kalshi.wire import JsonObject, ask_dollars, bid_dollars, count_fp, dollars

NOTHING: Final = Decimal(0)
NO_BID_PRICE: Final = Decimal(0)
NO_ASK_PRICE: Final = Decimal(1)
PERIODS_MINUTES: Final = (1, 60, 1440)
FOUR_PRICES: Final = ("open_dollars", "low_dollars", "high_dollars", "close_dollars")
BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


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
    latest_before: Quote | None = None
    previous: Quote | None = None
    for end_ts, group in groupby(known, key=lambda quote: _period_end(quote, seconds)):
        quotes = list(group)
        if end_ts < wanted.start_ts:
            latest_before = quotes[-1]
        elif end_ts <= wanted.end_ts:
            candles.append(_candle(end_ts, previous, quotes))
        previous = quotes[-1]
    boundary = (wanted.start_ts // seconds + 1) * seconds
    # A real candle up to there tells the state before it itself; two that end at one instant would contradict each other.
    is_told = bool(candles) and candles[0]["end_period_ts"] <= boundary
    if wanted.include_latest_before_start and latest_before is not None and not is_told:
        candles.insert(0, _projected(boundary, latest_before))
    return candles


def _period_end(quote: Quote, seconds: int) -> int:
    """Half a second past a boundary belongs to the next period: a candle never knows what came after its end."""
    return -((EPOCH - quote.at) // timedelta(seconds=seconds)) * seconds


def _candle(end_ts: int, previous: Quote | None, quotes: Sequence[Quote]) -> JsonObject:
    states = quotes if previous is None else [previous, *quotes]
    last = quotes[-1]
    return {
        "end_period_ts": end_ts,
        "yes_bid": _distribution([NO_BID_PRICE if q.yes_bid is None else q.yes_bid for q in states]),
        "yes_ask": _distribution([NO_ASK_PRICE if q.yes_ask is None else q.yes_ask for q in states]),
        "price": _traded(previous, quotes) | _previous(previous),
        "volume_fp": count_fp(_volume(last) - _volume(previous)),
        "open_interest_fp": count_fp(last.open_interest),
    }


def _volume(quote: Quote | None) -> Decimal:
    return (quote.volume if quote else None) or NOTHING


def _distribution(prices: list[Decimal]) -> JsonObject:
    return {
        "open_dollars": dollars(prices[0]),
        "low_dollars": dollars(min(prices)),
        "high_dollars": dollars(max(prices)),
        "close_dollars": dollars(prices[-1]),
    }


def _traded(previous: Quote | None, quotes: Sequence[Quote]) -> JsonObject:
    """What the rows tell whose volume grew; nothing when none did. The mean is weighted by that growth."""
    steps = pairwise([previous, *quotes])
    trades = [
        (quote.last, count)
        for before, quote in steps
        if quote is not None and quote.last is not None and (count := _volume(quote) - _volume(before)) > 0
    ]
    if not trades:
        return {}
    prices = [price for price, _ in trades]
    paid = sum((price * count for price, count in trades), NOTHING)
    bought = sum((count for _, count in trades), NOTHING)
    return _distribution(prices) | {
        "mean_dollars": dollars(paid / bought),
        "min_dollars": dollars(min(prices)),
        "max_dollars": dollars(max(prices)),
    }


def _previous(quote: Quote | None) -> JsonObject:
    return {} if quote is None or quote.last is None else {"previous_dollars": dollars(quote.last)}


def _projected(end_ts: int, quote: Quote) -> JsonObject:
    """The state before the requested range, carried to the first boundary after its start; offers cannot be null."""
    bid, ask = bid_dollars(quote.yes_bid), ask_dollars(quote.yes_ask)
    return {
        "end_period_ts": end_ts,
        "yes_bid": dict.fromkeys(FOUR_PRICES, bid),
        "yes_ask": dict.fromkeys(FOUR_PRICES, ask),
        "price": dict.fromkeys(FOUR_PRICES) | _previous(quote),
        "volume_fp": count_fp(None),
        "open_interest_fp": count_fp(quote.open_interest),
    }
