"""The exchange's live feed: dialled again whenever it breaks. What it tells may be used, but is never needed."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Final, NoReturn
from urllib.parse import urlsplit

from markets.clients.kalshi.signing import Signer
from markets.clients.kalshi.stream.connection import Connection, Dial, dial
from markets.clients.kalshi.stream.conversation import Conversation
from markets.clients.kalshi.stream.messages import News
from markets.domain.live_book import LiveBook
from milkbot.core import clock
from milkbot.core.config import LOOPBACK_HOSTS
from milkbot.core.errors import ConfigError, OutsideError
from milkbot.logger import logger

FIRST_REDIAL_S: Final = 0.5
LONGEST_REDIAL_S: Final = 30.0
TEND_EVERY_S: Final = 0.25
_chance = SystemRandom().random


def redial_delay_s(failures: int, chance: float) -> float:
    """Seconds before the next attempt after `failures` in a row: doubling to 30, of which `chance` (0-1) takes up to
    half away, so that clients cut off together do not come back together."""
    doubled = math.ldexp(FIRST_REDIAL_S, min(max(failures - 1, 0), 10))
    return min(doubled, LONGEST_REDIAL_S) * (1 - chance / 2)


class Feed:
    """Keeps the books of the wanted markets. For one event loop; `run` ends only by cancellation.

    `url` ends in /trade-api/ws/v2. `now` stamps books with the application's time, `wall_now` signs. Raises ConfigError
    when the key must not be shown to the host of `url`, or that is not this machine and would be spoken to in clear.
    """

    def __init__(
        self,
        url: str,
        signer: Signer,
        *,
        on_news: Callable[[News], None],
        refresh_after: timedelta,
        now: Callable[[], datetime] = clock.now,
        wall_now: Callable[[], datetime] = clock.wall_now,
        dial: Dial = dial,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.hostname not in LOOPBACK_HOSTS and parts.scheme != "wss":
            raise ConfigError(f"{url} must begin with wss: only this machine is spoken to in clear.")
        if not signer.may_sign_for(parts.hostname):
            raise ConfigError(f"This Kalshi key must not be used at {parts.hostname}.")
        self._url, self._path = url, parts.path
        self._signer = signer
        self._on_news = on_news
        self._refresh_after = refresh_after
        self._now, self._wall_now = now, wall_now
        self._dial = dial
        self._sleep = sleep
        self._wanted: frozenset[str] = frozenset()
        self._conversation: Conversation | None = None
        self._fault = "not connected yet"

    @property
    def fault(self) -> str:
        """Why nothing is heard; empty while connected."""
        return "" if self._conversation is not None else self._fault

    @property
    def books(self) -> Mapping[str, LiveBook]:
        """The books as they stand, by ticker; none while not connected."""
        return self._conversation.books.books if self._conversation is not None else {}

    def want(self, tickers: Iterable[str]) -> None:
        """Follow exactly these markets from now on."""
        self._wanted = frozenset(tickers)

    def give_up(self, tickers: Iterable[str]) -> None:
        """Forget books that turned out to be wrong; they are asked for anew."""
        if self._conversation is not None:
            self._conversation.give_up(tickers)

    async def run(self) -> NoReturn:
        """Dial, converse, and dial again after every end, for as long as the task lives."""
        failures = 0
        while True:
            try:
                async with self._dial(self._url, self._headers()) as connection:
                    await self._converse(connection)
            except OutsideError as error:
                failures = 1 if self._was_good() else failures + 1
                self._fault = str(error)
            finally:
                self._conversation = None
            delay_s = redial_delay_s(failures, _chance())
            logger.warning("the feed is dialled again", extra={"why": self._fault, "in_s": round(delay_s, 1)})
            await self._sleep(delay_s)

    async def _converse(self, connection: Connection) -> NoReturn:
        conversation = Conversation(
            connection, self._on_news, refresh_after=self._refresh_after, now=self._now
        )
        await conversation.open()
        self._conversation = conversation
        tended_s = float("-inf")
        while True:
            if clock.monotonic() - tended_s >= TEND_EVERY_S:
                await conversation.tend(self._wanted)
                tended_s = clock.monotonic()
            try:
                async with asyncio.timeout(TEND_EVERY_S):
                    frame = await connection.receive()
            except TimeoutError:
                continue
            conversation.take(frame)

    def _was_good(self) -> bool:
        return self._conversation is not None and self._conversation.heard_a_book

    def _headers(self) -> Mapping[str, str]:
        return self._signer.headers("GET", self._path, int(self._wall_now().timestamp() * 1000))
