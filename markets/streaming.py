"""Hears the exchange's feed and shows its books to the cycle. A convenience: without it everything is polled."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, NoReturn, TypeVar

from django.db import DatabaseError, connections

from markets.cache import BookCache, StreamedBook, cache_from_config
from markets.clients.kalshi.stream.endpoint import endpoint_from_config
from markets.clients.kalshi.stream.feed import Feed
from markets.clients.kalshi.stream.messages import AccountNews, News
from markets.domain.live_book import LiveBook
from markets.repositories import MarketRepository
from milkbot import health
from milkbot.core import clock
from milkbot.core.cities import load_cities
from milkbot.core.config import Config
from milkbot.core.errors import BadMarketData, ConfigError, MilkbotError
from milkbot.core.health import Component
from milkbot.logger import logger

SHOW_EVERY_S: Final = 0.25
FOLLOW_EVERY_S: Final = 15.0
BEAT_EVERY_S: Final = 10.0


class Showcase:
    """Carries what a feed knows to the cache: changed books, books taken back, and that our account had news."""

    def __init__(self, cache: BookCache) -> None:
        self._cache = cache
        self._shown: dict[str, LiveBook] = {}
        self._doubted: frozenset[str] = frozenset()
        self._news_at: datetime | None = None

    def note(self, news: News, at: datetime) -> None:
        """Remember that our account had news; what exactly, reconciliation reads from the exchange."""
        if isinstance(news, AccountNews):
            self._news_at = at

    def show(self, books: Mapping[str, LiveBook]) -> frozenset[str]:
        """Bring the cache up to date with `books`; one that contradicts itself is not shown.

        Returns the tickers that did so twice running: once may be the middle of a burst of changes. Raises Unreachable;
        the next call then shows everything anew.
        """
        good, doubted = _readable(
            book for ticker, book in books.items() if self._shown.get(ticker) is not book
        )
        wrong, self._doubted = doubted & self._doubted, doubted
        believed = books.keys() - doubted
        former, self._shown = self._shown, {}
        self._cache.drop(former.keys() - believed)
        self._cache.put(good)
        self._show_news()
        self._shown = {ticker: books[ticker] for ticker in believed}
        return wrong

    def _show_news(self) -> None:
        at = self._news_at
        if at is not None:
            self._cache.note_account_news(at)
            if self._news_at == at:  # otherwise there was more meanwhile
                self._news_at = None


async def keep_showing(
    feed: Feed,
    showcase: Showcase,
    *,
    followed: Callable[[], Iterable[str]],
    report: Callable[[str], None],
) -> NoReturn:
    """Hear and show until cancelled. `followed` names the markets, `report` is told why nothing is heard, or nothing.

    Both are called from a thread, again and again; what they cannot do is logged and tried again.
    """

    async def show() -> None:
        feed.give_up(await asyncio.to_thread(showcase.show, dict(feed.books)))

    async def follow() -> None:
        feed.want(await asyncio.to_thread(followed))

    async def tell() -> None:
        await asyncio.to_thread(report, feed.fault)

    steps = ((show, SHOW_EVERY_S), (follow, FOLLOW_EVERY_S), (tell, BEAT_EVERY_S))
    await asyncio.gather(feed.run(), *(_repeat(step, every_s) for step, every_s in steps))
    raise AssertionError("unreachable: none of these ends")


def stream(config: Config) -> NoReturn:
    """Hear the feed of the configured mode and show its books, until the process is stopped. Raises ConfigError."""
    endpoint = endpoint_from_config(config)
    if endpoint is None:
        raise ConfigError("The feed needs a Kalshi key, and none is configured for this mode.")
    if config.stream_max_age_s == 0:
        raise ConfigError("STREAM_MAX_AGE_S is 0: nobody would use a streamed book. Set it to some seconds.")
    showcase = Showcase(cache_from_config(config))
    feed = Feed(
        *endpoint,
        on_news=lambda news: showcase.note(news, clock.now()),
        # Half of it, so that a quiet book has been told anew before it is too old.
        refresh_after=timedelta(seconds=config.stream_max_age_s / 2),
    )
    cities = config.cities or tuple(load_cities())

    def followed() -> Iterable[str]:
        return _with_own_connection(lambda: MarketRepository().tradable(cities, clock.now()))

    def report(fault: str) -> None:
        _with_own_connection(lambda: health.beat(Component.KALSHI_STREAM, ok=not fault, message=fault))

    asyncio.run(keep_showing(feed, showcase, followed=followed, report=report))


async def _repeat(step: Callable[[], Awaitable[None]], every_s: float) -> NoReturn:
    while True:
        try:
            await step()
        except (MilkbotError, DatabaseError) as error:
            logger.warning("the feed's books could not be passed on", extra={"fault": str(error)[:300]})
        await asyncio.sleep(every_s)


T = TypeVar("T")


def _with_own_connection(ask: Callable[[], T]) -> T:
    """A database connection of this thread's own, closed afterwards: another thread may come next."""
    try:
        return ask()
    finally:
        connections.close_all()


def _readable(books: Iterable[LiveBook]) -> tuple[list[StreamedBook], frozenset[str]]:
    good, wrong = [], set()
    for book in books:
        try:
            good.append(StreamedBook(book.order_book(), book.as_of))
        except BadMarketData as error:
            logger.info("a streamed book contradicts itself", extra={"fault": str(error)})
            wrong.add(book.ticker)
    return good, frozenset(wrong)
