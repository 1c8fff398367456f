"""Streamed order books, shared between the process that hears the feed and those that decide: in Redis, briefly.

What lies here is a convenience and hostile until parsed: whatever is missing, old, crossed or unreadable is asked for.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import redis

from markets.domain.order_book import RawLevel, build_book
from markets.domain.types import OrderBook
from milkbot.core.config import Config
from milkbot.core.errors import BadMarketData, Unreachable
from milkbot.core.money import ONE, parse_decimal
from milkbot.logger import logger

KEPT_FOR: Final = timedelta(seconds=90)
"""Longer than any age at which a book may still be used; a feed that died leaves nothing behind."""
NEWS_KEPT_FOR: Final = timedelta(hours=1)
_TIMEOUT_S: Final = 0.25
"""A cycle waits for Redis no longer than this before it asks the exchange."""


class StreamedBook(NamedTuple):
    """A book and when its last message was received."""

    book: OrderBook
    captured_at: datetime


class BookCache:
    """The books of one profile. Thread-safe."""

    def __init__(self, client: "redis.Redis", profile: str) -> None:
        self._redis = client
        self._prefix = f"milkbot:{profile}:"

    def put(self, books: Iterable[StreamedBook]) -> None:
        """Show books to the readers. Raises Unreachable."""
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                for streamed in books:
                    pipeline.set(self._key(streamed.book.ticker), _encode(streamed), ex=KEPT_FOR)
                pipeline.execute()
        except redis.RedisError as error:
            raise _unreachable(error) from None

    def drop(self, tickers: Iterable[str]) -> None:
        """Take books back that can no longer be believed. Raises Unreachable."""
        keys = [self._key(ticker) for ticker in tickers]
        try:
            if keys:
                self._redis.delete(*keys)
        except redis.RedisError as error:
            raise _unreachable(error) from None

    def fresh_books(self, tickers: Sequence[str], now: datetime, max_age: timedelta) -> dict[str, OrderBook]:
        """The books captured at most `max_age` from `now`. Empty when Redis cannot be asked: nothing depends on it."""
        if not tickers:
            return {}
        try:
            found = self._redis.mget([self._key(ticker) for ticker in tickers])
        except redis.RedisError as error:
            logger.info("streamed books are out of reach", extra={"fault": type(error).__name__})
            return {}
        books = {}
        for ticker, raw in zip(tickers, found, strict=True):
            streamed = _decode(ticker, raw)
            if streamed is not None and abs(now - streamed.captured_at) <= max_age:
                books[ticker] = streamed.book
        return books

    def note_account_news(self, at: datetime) -> None:
        """Something of our own happened at the exchange: a hint to look, never a fact. Raises Unreachable."""
        try:
            self._redis.set(f"{self._prefix}account-news", at.isoformat(), ex=NEWS_KEPT_FOR)
        except redis.RedisError as error:
            raise _unreachable(error) from None

    def account_news_at(self) -> datetime | None:
        """When the feed last told of our own fills, orders or positions; None when nothing is known."""
        try:
            raw = self._redis.get(f"{self._prefix}account-news")
            at = datetime.fromisoformat(raw.decode()) if isinstance(raw, bytes) else None
        except (redis.RedisError, ValueError):
            return None
        return at if at is not None and at.tzinfo else None

    def _key(self, ticker: str) -> str:
        return f"{self._prefix}book:{ticker}"


def cache_from_config(config: Config) -> BookCache:
    """The cache in the broker's Redis; nothing is connected to yet."""
    url = config.redis_url.get_secret_value().replace("redis+socket://", "unix://", 1)
    client = redis.Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
    return BookCache(client, config.milkbot_profile)


def _encode(streamed: StreamedBook) -> bytes:
    book = streamed.book
    sides = {
        name: [[str(level.price), str(level.count)] for level in levels]
        for name, levels in (("bids", book.bids), ("asks", book.asks))
    }
    return json.dumps({"captured_at": streamed.captured_at.isoformat(), **sides}).encode()


def _decode(ticker: str, raw: object) -> StreamedBook | None:
    if not isinstance(raw, bytes):
        return None
    try:
        entry = json.loads(raw)
        captured_at = datetime.fromisoformat(entry["captured_at"])
        no_bids = [(ONE - price, count) for price, count in _levels(entry, "asks")]
        book = build_book(ticker, _levels(entry, "bids"), no_bids)
    except (ValueError, KeyError, TypeError, BadMarketData) as error:
        logger.warning("a streamed book cannot be used", extra={"ticker": ticker, "fault": str(error)[:200]})
        return None
    return StreamedBook(book, captured_at) if captured_at.tzinfo else None


def _levels(entry: Mapping[str, Sequence[Sequence[object]]], name: str) -> list[RawLevel]:
    return [(parse_decimal(price), parse_decimal(count)) for price, count in entry[name]]


def _unreachable(error: redis.RedisError) -> Unreachable:
    return Unreachable("redis", f"streamed books could not be stored ({type(error).__name__})")
