"""Our feed hears the sandbox: its books are those that REST shows, and every frame fits the contract."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from markets.clients.kalshi.signing import Signer
from markets.clients.kalshi.stream.connection import Connection, dial
from markets.clients.kalshi.stream.endpoint import PATH
from markets.clients.kalshi.stream.feed import Feed
from markets.clients.kalshi.stream.messages import AccountNews, Channel, LifecycleStep, MarketNews, News
from markets.domain.types import OrderBook
from sandbox.accounts import open_accounts
from sandbox.assembly import Options, prepare, sandbox_app
from sandbox.clock import wall_now
from tests.contract.contract import OurContract, TheirFeed
from tests.contract.our_walk import Visit, open_visit, trade
from tests.markets.stream.local_feed import running, until
from tests.sandbox.serving import served
from tests.sandbox.stages import SAMPLE

SPEED = 1200
"""Twenty minutes of the day each second: enough changes in a few of them."""
PRICES_APPEAR_AFTER = timedelta(hours=6)
SCHEMAS = {
    "subscribed": "subscribedResponsePayload",
    "ok": "okResponsePayload",
    "error": "errorResponsePayload",
    "orderbook_snapshot": "orderbookSnapshotPayload",
    "orderbook_delta": "orderbookDeltaPayload",
    "ticker": "tickerPayload",
    "trade": "tradePayload",
    "fill": "fillPayload",
    "market_position": "marketPositionPayload",
    "market_lifecycle_v2": "marketLifecycleV2Payload",
    "user_order": "userOrderPayload",
    "subscribe": "subscribeCommandPayload",
    "update_subscription": "updateSubscriptionCommandPayload",
}


class Heard(NamedTuple):
    """What went over the wire, and what the feed made of it."""

    sent: list[dict[str, Any]]
    received: list[dict[str, Any]]
    news: list[News]


class _Tapped:
    """A connection of which every text is kept."""

    def __init__(self, connection: Connection, heard: Heard) -> None:
        self._connection = connection
        self._heard = heard

    async def send(self, text: str) -> None:
        self._heard.sent.append(json.loads(text))
        await self._connection.send(text)

    async def receive(self) -> str | bytes:
        text = await self._connection.receive()
        self._heard.received.append(json.loads(text))
        return text


class Market:
    """A sandbox over the sample's day, some hours after its opening."""

    def __init__(self, origin: str, key_id: str, key_path: Path) -> None:
        self.origin = origin
        self.signer = Signer(key_id, key_path, frozenset())
        self.heard = Heard([], [], [])
        self.feed = Feed(
            origin.replace("http://", "ws://") + PATH,
            self.signer,
            on_news=self.heard.news.append,
            refresh_after=timedelta(hours=1),
            now=lambda: datetime.now(UTC),
            dial=self._dial,
        )

    @asynccontextmanager
    async def _dial(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[Connection]:
        async with dial(url, headers) as connection:
            yield _Tapped(connection, self.heard)

    def control(self, **order: object) -> None:
        answer = httpx.post(f"{self.origin}/control", json=order, timeout=10)
        assert answer.status_code == 200, answer.text

    def visit(self) -> Visit:
        return open_visit(f"{self.origin}/trade-api/v2", self.signer, self.control)

    def streamed(self) -> dict[str, OrderBook]:
        return {ticker: book.order_book() for ticker, book in self.feed.books.items()}


@contextmanager
def opened(folder: Path) -> Iterator[Market]:
    """The market while its sandbox is served."""
    setup = prepare(Options(SAMPLE, "KXHIGHCHI", None, 1.0, Decimal(10), folder), wall_now)
    accounts = open_accounts(folder / "keys")
    with served(sandbox_app(setup.stage, accounts, lambda: None, tier=None)) as origin:
        found = Market(origin, accounts[1].key_id, accounts[1].private_key_path)
        found.control(do="clock", to=(setup.stage.now() + PRICES_APPEAR_AFTER).isoformat())
        yield found


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """The market after all of it has been lived through."""
    with opened(tmp_path_factory.mktemp("sandbox")) as found:
        asyncio.run(_live_through(found))
        yield found


def _kinds(market: Market) -> dict[str, int]:
    kinds = [frame["type"] for frame in market.heard.received]
    return {kind: kinds.count(kind) for kind in set(kinds)}


async def _books_agree(market: Market, visit: Visit) -> None:
    """Hold the world still; then the books that were told are those that are shown."""
    await asyncio.to_thread(market.control, do="freeze")
    shown = await asyncio.to_thread(visit.data.get_orderbooks, sorted(market.feed.books))
    assert shown
    await until(lambda: market.streamed() == shown)
    await asyncio.to_thread(market.control, do="thaw")


async def _live_through(market: Market) -> None:
    visit = await asyncio.to_thread(market.visit)
    event = await asyncio.to_thread(visit.data.get_event, visit.ticker.rpartition("-")[0])
    tickers = {listing.market.ticker for listing in event.listings}
    market.feed.want(tickers)
    async with running(market.feed.run()):
        await until(lambda: set(market.feed.books) == tickers)
        await asyncio.to_thread(market.control, do="clock", speed=SPEED)
        await until(lambda: _kinds(market).get("orderbook_delta", 0) > 20, timeout_s=20)
        await asyncio.to_thread(market.control, do="clock", speed=1)
        await _books_agree(market, visit)
        await asyncio.to_thread(market.control, do="freeze")
        visit = await asyncio.to_thread(market.visit)
        await asyncio.to_thread(trade, visit)
        await until(lambda: AccountNews(Channel.FILLS, visit.ticker) in market.heard.news)
        await _books_agree(market, visit)
        assert len([each for each in market.heard.sent if each["cmd"] == "subscribe"]) == len(Channel)
        assert market.feed.fault == ""
        await asyncio.to_thread(market.control, do="close", ticker=visit.ticker)
        await asyncio.to_thread(market.control, do="determine", ticker=visit.ticker, result="yes")
        determined = MarketNews(Channel.LIFECYCLE, visit.ticker, LifecycleStep.DETERMINED)
        await until(lambda: determined in market.heard.news)
        assert visit.ticker not in market.feed.books
    visit.transport.close()


def test_feed_hears_the_market_and_the_account_over_one_connection(market: Market) -> None:
    """What is told of books is compared with REST while it happens; see `_live_through`."""
    kinds = _kinds(market)
    assert {"subscribed", "orderbook_snapshot", "orderbook_delta", "trade", "ticker"} <= kinds.keys()
    assert {"fill", "user_order", "market_position", "market_lifecycle_v2"} <= kinds.keys()
    assert kinds["subscribed"] == len(Channel), "it never had to dial or to subscribe again"


def test_commands_and_frames_fit_our_summary(market: Market) -> None:
    ours = OurContract()
    for command in market.heard.sent:
        assert ours.value_faults("stream.json#/$defs/command", command) == []
    for frame in market.heard.received:
        assert ours.value_faults(f"stream.json#/$defs/{frame['type']}", frame) == [], frame


def test_commands_and_frames_fit_the_contract(market: Market, feed_contract: dict[str, Any]) -> None:
    theirs = TheirFeed(feed_contract)
    for command in market.heard.sent:
        assert theirs.faults(SCHEMAS[command["cmd"]], command) == []
    for frame in market.heard.received:
        assert theirs.faults(SCHEMAS[frame["type"]], frame) == [], frame


async def _live_through_faults(market: Market, kind: str) -> None:
    visit = await asyncio.to_thread(market.visit)
    event = await asyncio.to_thread(visit.data.get_event, visit.ticker.rpartition("-")[0])
    tickers = {listing.market.ticker for listing in event.listings}
    market.feed.want(tickers)
    async with running(market.feed.run()):
        await until(lambda: set(market.feed.books) == tickers)
        await asyncio.to_thread(market.control, do="fault", match=f"GET {PATH}", kind=kind, count=3)
        await asyncio.to_thread(market.control, do="clock", speed=SPEED)
        await until(lambda: market.feed.books == {}, timeout_s=20)
        await asyncio.to_thread(market.control, do="clock", speed=1)
        await asyncio.to_thread(market.control, do="clear")
        await until(lambda: set(market.feed.books) == tickers, timeout_s=20)
        await _books_agree(market, visit)
    visit.transport.close()


@pytest.mark.parametrize("kind", ["feed_gap", "feed_drop"])
def test_feed_that_loses_messages_or_its_connection_finds_back_to_what_rest_shows(
    tmp_path: Path, kind: str
) -> None:
    with opened(tmp_path) as found:
        asyncio.run(_live_through_faults(found, kind))
