"""What is said over one connection: subscriptions, their messages, and what to ask when a book cannot be believed."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from markets.clients.kalshi.errors import SOURCE
from markets.clients.kalshi.stream.connection import Connection
from markets.clients.kalshi.stream.messages import (
    BY_MARKET,
    USE_YES_PRICE,
    WHOLE,
    AccountNews,
    BookFrame,
    Channel,
    LifecycleStep,
    MarketNews,
    News,
    Refusal,
    Subscribed,
    parse_frame,
    subscribe,
    update,
)
from markets.domain.live_book import BookMessage, BookNotice, Gap, LiveBooks
from milkbot.core import clock
from milkbot.core.errors import Malformed, Unreachable
from milkbot.logger import logger

TERMINAL_CODES: Final = frozenset({10, 17, 25})
"""The exchange has ended a subscription: channel error, internal error, our buffer overflowed."""
ASK_AGAIN_AFTER_S: Final = 1.0
"""Between two requests for the same book: the exchange limits commands, and an answer needs its time."""
PATIENCE_S: Final = 20.0
"""Without a word on any book for so long, though we asked, the connection is worth nothing."""
MOST_UNREADABLE: Final = 20
_SUSPENDING: Final = frozenset(
    {
        LifecycleStep.DEACTIVATED,
        LifecycleStep.DETERMINED,
        LifecycleStep.SETTLED,
        LifecycleStep.UNRECOGNIZED,
    }
)


class Conversation:
    """One connection's state. `now` stamps books; books quiet for longer than `refresh_after` are asked for anew."""

    def __init__(
        self,
        connection: Connection,
        on_news: Callable[[News], None],
        *,
        refresh_after: timedelta,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self.books = LiveBooks(USE_YES_PRICE)
        self.heard_a_book = False
        self._connection = connection
        self._on_news = on_news
        self._refresh_after = refresh_after
        self._now = now
        self._monotonic = monotonic
        self._commands = 0
        self._unreadable = 0
        self._sids: dict[Channel, int] = {}
        self._told: frozenset[str] = frozenset()
        self._held: set[str] = set()
        self._asked_s: dict[str, float] = {}
        self._last_book_s = monotonic()

    async def open(self) -> None:
        """Subscribe to what needs no markets, one command each: a channel that is refused takes no other with it."""
        for channel in WHOLE:
            await self._connection.send(subscribe(self._next(), channel))

    def take(self, frame: str | bytes) -> None:
        """Understand one frame. Raises Unreachable when the exchange ended a subscription, Malformed for a flood of
        frames that cannot be read."""
        try:
            message = parse_frame(frame)
        except Malformed as error:
            self._note_unreadable(error)
            return
        match message:
            case BookFrame():
                self._take_book(message)
            case Subscribed():
                self._open_channel(message)
            case Refusal():
                _weigh(message)
            case MarketNews() | AccountNews():
                self._take_news(message)

    async def tend(self, wanted: frozenset[str]) -> None:
        """Say which markets are wanted, and ask for books that are missing or quiet. Raises Unreachable when nothing
        has answered for too long."""
        await self._tell(wanted)
        if not self._told:
            self._last_book_s = self._monotonic()
        elif self._monotonic() - self._last_book_s > PATIENCE_S:
            raise Unreachable(SOURCE, f"the feed told of no book for {PATIENCE_S:.0f} s")
        due = [ticker for ticker in sorted(self._told) if self._is_due(ticker)]
        sid = self._sids.get(Channel.BOOKS)
        if due and sid is not None:
            self._note_asked(due)
            await self._connection.send(update(self._next(), sid, "get_snapshot", due))

    def give_up(self, tickers: Iterable[str]) -> None:
        """Forget books that turned out to be wrong; they are asked for anew."""
        self.books = self.books.without(tickers)

    def _take_book(self, frame: BookFrame) -> None:
        if frame.sid != self._sids.get(Channel.BOOKS):
            return
        result = self.books.apply(self._wanted(frame.message), self._now())
        if isinstance(result, Gap):
            logger.warning(
                "streamed books given up", extra={"why": result.reason, "books": len(result.tickers)}
            )
            self.books = result.rest
            return
        self.books = result
        self.heard_a_book = self.heard_a_book or bool(result.books)
        self._last_book_s = self._monotonic()

    def _wanted(self, message: BookMessage) -> BookMessage:
        """What is told of a market nobody asked for takes its number, and no more."""
        if isinstance(message, BookNotice) or message.ticker in self._told:
            return message
        return BookNotice(message.seq)

    def _open_channel(self, message: Subscribed) -> None:
        channel = next((channel for channel in Channel if channel.value == message.channel), None)
        if channel is None or self._sids.get(channel) == message.sid:
            return
        self._sids[channel] = message.sid
        if channel is Channel.BOOKS:
            self.books = LiveBooks(USE_YES_PRICE)

    def _take_news(self, news: News) -> None:
        if isinstance(news, MarketNews) and news.step in _SUSPENDING:
            # The listing, read by polling, says what became of it; a book of it would only look tradable.
            self._held.add(news.ticker)
            self.give_up([news.ticker])
        elif isinstance(news, MarketNews) and news.step is LifecycleStep.ACTIVATED:
            self._held.discard(news.ticker)
        self._on_news(news)

    def _note_unreadable(self, error: Malformed) -> None:
        self._unreadable += 1
        if self._unreadable > MOST_UNREADABLE:
            raise error
        # Had it been a book's message, the next one does not follow and the book is asked for anew.
        logger.warning("a frame of the feed could not be read", extra={"fault": str(error)})

    async def _tell(self, wanted: frozenset[str]) -> None:
        if wanted == self._told:
            return
        if not self._sids.keys() & set(BY_MARKET) and not self._told:
            for channel in BY_MARKET:
                await self._connection.send(subscribe(self._next(), channel, sorted(wanted)))
        elif set(BY_MARKET) <= self._sids.keys():
            for action, tickers in (
                ("add_markets", wanted - self._told),
                ("delete_markets", self._told - wanted),
            ):
                for channel in BY_MARKET if tickers else ():
                    command = update(self._next(), self._sids[channel], action, sorted(tickers))
                    await self._connection.send(command)
            self.give_up(self._told - wanted)
        else:
            return  # the subscriptions are not confirmed yet
        self._note_asked(wanted - self._told)
        self._told = wanted

    def _is_due(self, ticker: str) -> bool:
        if ticker in self._held or self._monotonic() - self._asked_s[ticker] < ASK_AGAIN_AFTER_S:
            return False
        book = self.books.books.get(ticker)
        return book is None or not book.is_fresh(self._now(), self._refresh_after)

    def _note_asked(self, tickers: Iterable[str]) -> None:
        self._asked_s.update(dict.fromkeys(tickers, self._monotonic()))

    def _next(self) -> int:
        self._commands += 1
        return self._commands


def _weigh(refusal: Refusal) -> None:
    if refusal.code in TERMINAL_CODES:
        raise Unreachable(SOURCE, f"the feed ended a subscription (error {refusal.code}: {refusal.text})")
    logger.warning("the feed refused a command", extra={"code": refusal.code, "why": refusal.text})
