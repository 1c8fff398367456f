"""A round of prices and the turn that follows: alike with the feed absent, fresh, stale, lying, or out of reach."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
import redis
from pydantic import SecretStr

from markets.cache import BookCache, StreamedBook
from markets.clients.kalshi.market_data import KalshiMarketData
from markets.domain.types import OrderBook, PriceLevel
from markets.services import StreamedBooks, read_boards
from milkbot.core.config import TradingMode
from tests.markets.local_exchange import LocalExchange, Reply, Request, json_reply
from tests.markets.makers import DAY, NOW, wire_book, wire_event, wire_series
from tests.markets.stream.conftest import config_with
from tests.trading.makers import make_weather
from trading.cycle import Settings, run_cycle
from trading.reading import Sources
from weather.services import WeatherRound

pytestmark = pytest.mark.django_db

D = Decimal
MAX_AGE = timedelta(seconds=15)
TICKER = "KXHIGHCHI-26SEP15-B84.5"
TICKERS = [listed["ticker"] for listed in wire_event()["markets"]]


@pytest.fixture(autouse=True)
def polled(exchange: LocalExchange) -> None:
    """Every order book that is asked for offers 43 cents."""

    def books(request: Request) -> Reply:
        return json_reply({"orderbooks": [wire_book(ticker) for ticker in request.query["tickers"]]})

    exchange.on("/exchange/status", json_reply({"exchange_active": True, "trading_active": True}))
    exchange.on("/series/KXHIGHCHI", json_reply(wire_series()))
    exchange.on("/events", json_reply({"events": [wire_event()], "cursor": ""}))
    exchange.on("/markets/orderbooks", books)


def told(ticker: str = TICKER, *, age_s: float = 1, bid: str = "0.41", ask: str = "0.42") -> StreamedBook:
    """What the feed told of a market, `age_s` seconds before NOW."""
    levels = [(PriceLevel(price=D(price), count=D(5)),) for price in (bid, ask)]
    book = OrderBook(ticker=ticker, bids=levels[0], asks=levels[1])
    return StreamedBook(book, NOW - timedelta(seconds=age_s))


def books_of(cache: BookCache) -> StreamedBooks:
    return partial(cache.fresh_books, max_age=MAX_AGE)


def asks(client: KalshiMarketData, streamed: StreamedBooks) -> dict[str, Decimal]:
    """The best offers of a round, complete and without a fault."""
    found = read_boards(["CHI"], NOW, client=client, streamed=streamed)
    assert found.errors == {}
    (board,) = found.boards
    assert board.refusal is None
    assert all(market.book.best_ask and market.snapshot.captured_at == NOW for market in board.markets)
    offers = {m.market.ticker: m.snapshot.yes_ask for m in board.markets}
    assert {m.market.ticker: m.book.best_ask.price for m in board.markets if m.book.best_ask} == offers
    return {ticker: offer for ticker, offer in offers.items() if offer is not None}


def asked_for(exchange: LocalExchange) -> list[str]:
    """Tickers whose order books were asked for."""
    return [
        ticker
        for request in exchange.requests
        if request.path == "/markets/orderbooks"
        for ticker in request.query["tickers"]
    ]


def test_fresh_streamed_book_is_used_and_only_the_others_are_asked_for(
    exchange: LocalExchange, client: KalshiMarketData, cache: BookCache
) -> None:
    cache.put([told()])
    offers = asks(client, books_of(cache))
    assert offers.pop(TICKER) == D("0.42")
    assert set(offers.values()) == {D("0.43")}
    assert sorted(asked_for(exchange)) == sorted(set(TICKERS) - {TICKER})


def test_round_with_every_book_streamed_asks_for_none(
    exchange: LocalExchange, client: KalshiMarketData, cache: BookCache
) -> None:
    cache.put(told(ticker) for ticker in TICKERS)
    assert set(asks(client, books_of(cache)).values()) == {D("0.42")}
    assert asked_for(exchange) == []


@pytest.mark.parametrize("age_s", [15.5, 3600, -16])
def test_stale_streamed_book_is_asked_for_instead(
    exchange: LocalExchange, client: KalshiMarketData, cache: BookCache, age_s: float
) -> None:
    cache.put([told(age_s=age_s)])
    assert asks(client, books_of(cache))[TICKER] == D("0.43")
    assert TICKER in asked_for(exchange)


LIES = {
    "crossed": told(bid="0.60", ask="0.40"),
    "locked": told(bid="0.40", ask="0.40"),
}
GARBAGE = (
    b"",
    b"[]",
    b"null",
    b"{}",
    b"\xff",
    b'{"captured_at": "2026-09-15T15:00:00", "bids": [], "asks": []}',
    b'{"captured_at": "2026-09-15T15:00:00Z", "bids": [["NaN", "1"]], "asks": []}',
    b'{"captured_at": "2026-09-15T15:00:00Z", "bids": [["0.4"]], "asks": []}',
    b'{"captured_at": "2026-09-15T15:00:00Z", "bids": [["1.40", "1"]], "asks": []}',
    b'{"captured_at": "2026-09-15T15:00:00Z", "bids": 7, "asks": []}',
)


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_streamed_book_that_contradicts_itself_is_asked_for_instead(
    exchange: LocalExchange, client: KalshiMarketData, cache: BookCache, lie: StreamedBook
) -> None:
    cache.put([lie])
    assert asks(client, books_of(cache))[TICKER] == D("0.43")
    assert TICKER in asked_for(exchange)


@pytest.mark.parametrize("raw", GARBAGE)
def test_streamed_book_that_cannot_be_read_is_asked_for_instead(
    client: KalshiMarketData, cache: BookCache, redis_url: str, raw: bytes
) -> None:
    with redis.Redis(unix_socket_path=redis_url.removeprefix("redis+socket://")) as server:
        server.set(f"milkbot:test:book:{TICKER}", raw)
    assert asks(client, books_of(cache))[TICKER] == D("0.43")


def test_cache_out_of_reach_costs_nothing_but_the_polling(
    client: KalshiMarketData, cache_out_of_reach: BookCache
) -> None:
    assert set(asks(client, books_of(cache_out_of_reach)).values()) == {D("0.43")}
    assert cache_out_of_reach.account_news_at() is None


def test_books_of_another_profile_are_not_seen(cache: BookCache, redis_url: str) -> None:
    cache.put([told()])
    with redis.Redis(unix_socket_path=redis_url.removeprefix("redis+socket://")) as server:
        other = BookCache(server, "live")
        assert other.fresh_books([TICKER], NOW, MAX_AGE) == {}
        assert set(server.scan_iter()) == {f"milkbot:test:book:{TICKER}".encode()}
        assert 0 < server.ttl(f"milkbot:test:book:{TICKER}") <= 90
    cache.drop([TICKER])
    assert cache.fresh_books([TICKER], NOW, MAX_AGE) == {}


def test_feed_that_is_not_configured_is_not_asked(client: KalshiMarketData, fresh_config: None) -> None:
    config = config_with(redis_url=SecretStr("redis://127.0.0.1:1/0"))
    assert config.stream_max_age_s == 0
    found = read_boards(["CHI"], NOW, client=client)
    assert found.errors == {}


def _weather(codes: Sequence[str], now: datetime) -> WeatherRound:
    known = make_weather(day=DAY, captured_at=now, issued_at=now, high_f=84)
    return WeatherRound(snapshots={"CHI": known}, errors={})


STATES: dict[str, Callable[[BookCache], object]] = {
    "absent": lambda cache: None,
    "fresh": lambda cache: cache.put(told(ticker, ask="0.43") for ticker in TICKERS),
    "stale": lambda cache: cache.put(told(ticker, age_s=60, ask="0.01", bid="0.005") for ticker in TICKERS),
    "lying": lambda cache: cache.put(told(ticker, bid="0.60", ask="0.40") for ticker in TICKERS),
}


@pytest.mark.parametrize("state", STATES)
def test_turn_is_the_same_whatever_becomes_of_the_feed(
    client: KalshiMarketData, cache: BookCache, state: str
) -> None:
    settings = Settings(mode=TradingMode.SHADOW, cities=("CHI",), capital=D(10_000))

    def turn(streamed: StreamedBooks, now: datetime) -> tuple[object, ...]:
        boards = partial(read_boards, client=client, streamed=streamed)
        report = run_cycle(now, settings, sources=Sources(weather=_weather, boards=boards), dry_run=True)
        return report.markets, report.signals, report.intents, report.codes, report.errors

    STATES[state](cache)
    polled = turn(lambda tickers, now: {}, NOW)
    assert polled[0] == len(TICKERS)
    assert turn(books_of(cache), NOW) == polled
