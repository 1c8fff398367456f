"""A feed that opens and then says nothing: patience is measured by a hand clock, and ends."""

import asyncio
import json
from collections import deque
from datetime import UTC, datetime, timedelta

import pytest

from markets.clients.kalshi.stream.conversation import ASK_AGAIN_AFTER_S, PATIENCE_S, Conversation
from milkbot.core.errors import Unreachable

NOW = datetime(2026, 10, 12, 15, tzinfo=UTC)
CHI = "KXHIGHCHI-26OCT12-B70.5"
BOOKS_OPEN = '{"type":"subscribed","msg":{"channel":"orderbook_delta","sid":1}}'


class Wire:
    """A connection that keeps what was sent."""

    def __init__(self) -> None:
        self.sent: deque[str] = deque()

    async def send(self, text: str) -> None:
        self.sent.append(text)

    async def receive(self) -> str:
        raise Unreachable("kalshi", "nobody listens here")

    def asked(self) -> int:
        """How often books were asked for."""
        return sum(json.loads(text)["params"].get("action") == "get_snapshot" for text in self.sent)


class Silence:
    """A conversation to which nothing is said but what a test says, at the time the test sets."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.time_s = 100.0
        self.conversation = Conversation(
            self.wire,
            lambda news: None,
            refresh_after=timedelta(seconds=7),
            now=lambda: NOW,
            monotonic=lambda: self.time_s,
        )

    def tend(self, after_s: float, *wanted: str) -> None:
        self.time_s += after_s
        asyncio.run(self.conversation.tend(frozenset(wanted)))


def test_feed_that_tells_of_no_book_is_left_after_a_while() -> None:
    silence = Silence()
    silence.tend(0, CHI)
    silence.tend(PATIENCE_S, CHI)
    with pytest.raises(Unreachable, match="told of no book"):
        silence.tend(0.1, CHI)


def test_feed_of_which_nothing_is_wanted_may_be_silent() -> None:
    silence = Silence()
    silence.tend(10 * PATIENCE_S)
    silence.tend(10 * PATIENCE_S)
    assert list(silence.wire.sent) == []


def test_book_that_is_not_told_is_asked_for_at_a_bounded_rate() -> None:
    silence = Silence()
    silence.tend(0, CHI)
    silence.conversation.take(BOOKS_OPEN)
    for _ in range(20):
        silence.tend(ASK_AGAIN_AFTER_S / 4, CHI)
    assert silence.wire.asked() == 5


def told_book(ticker: str, seq: int) -> str:
    msg = {"market_ticker": ticker, "market_id": "x", "yes_dollars_fp": [["0.5000", "1.00"]]}
    return json.dumps({"type": "orderbook_snapshot", "sid": 1, "seq": seq, "msg": msg})


def test_book_nobody_asked_for_takes_its_number_and_is_not_kept() -> None:
    silence = Silence()
    silence.tend(0, CHI)
    silence.conversation.take(BOOKS_OPEN)
    for seq, ticker in enumerate([CHI, "KXEVIL-26OCT12-B1", CHI], start=1):
        silence.conversation.take(told_book(ticker, seq))
        assert set(silence.conversation.books.books) == {CHI}


@pytest.mark.parametrize("ticker", ["\ud800", "a\x00b"])
def test_book_of_a_ticker_that_cannot_be_sent_is_a_frame_nobody_can_read(ticker: str) -> None:
    silence = Silence()
    silence.tend(0, CHI, ticker)
    silence.conversation.take(BOOKS_OPEN)
    silence.conversation.take(told_book(ticker, 1))
    assert silence.conversation.books.books == {}
