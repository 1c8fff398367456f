"""From the feed to the cache: changed books are shown, doubtful ones taken back, and our own news leaves a hint."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pydantic import SecretStr

from markets.cache import BookCache
from markets.clients.kalshi.signing import DEMO_HOSTS, Signer
from markets.clients.kalshi.stream.endpoint import DEMO_FEED_URL, LIVE_FEED_URL, endpoint_from_config
from markets.clients.kalshi.stream.feed import Feed
from markets.clients.kalshi.stream.messages import AccountNews, Channel, MarketNews
from markets.domain.live_book import LiveBook
from markets.repositories import MarketRepository
from markets.streaming import Showcase, keep_showing
from milkbot.core.config import TradingMode
from milkbot.core.errors import Unreachable
from tests.factories import make_ladder
from tests.markets.stream.conftest import config_with
from tests.markets.stream.local_feed import KEY_ID, LocalFeed, running, until

D = Decimal
NOW = datetime(2026, 10, 12, 15, tzinfo=UTC)
CHI = "KXHIGHCHI-26OCT12-B70.5"
NYC = "KXHIGHNY-26OCT12-T60"
MAX_AGE = timedelta(seconds=15)


def book(ticker: str = CHI, *, bid: str = "0.40", ask: str = "0.43", at: datetime = NOW) -> LiveBook:
    return LiveBook(ticker, {D(bid): D(10)}, {D(ask): D("5.50")}, at)


def shown(cache: BookCache) -> dict[str, Decimal]:
    found = cache.fresh_books([CHI, NYC], NOW, MAX_AGE)
    return {ticker: seen.best_ask.price for ticker, seen in found.items() if seen.best_ask}


def test_books_are_shown_changed_and_taken_back(cache: BookCache) -> None:
    showcase = Showcase(cache)
    assert showcase.show({CHI: book(), NYC: book(NYC)}) == frozenset()
    assert shown(cache) == {CHI: D("0.43"), NYC: D("0.43")}
    showcase.show({CHI: book(ask="0.42"), NYC: book(NYC)})
    assert shown(cache) == {CHI: D("0.42"), NYC: D("0.43")}
    showcase.show({NYC: book(NYC)})
    assert shown(cache) == {NYC: D("0.43")}
    showcase.show({})
    assert shown(cache) == {}


def test_book_that_contradicts_itself_is_taken_back_at_once_and_named_if_it_stays_so(
    cache: BookCache,
) -> None:
    showcase = Showcase(cache)
    showcase.show({CHI: book(), NYC: book(NYC)})
    assert showcase.show({CHI: book(bid="0.43"), NYC: book(NYC)}) == frozenset()
    assert shown(cache) == {NYC: D("0.43")}
    assert showcase.show({CHI: book(bid="0.43", ask="0.42"), NYC: book(NYC)}) == {CHI}
    assert showcase.show({CHI: book(), NYC: book(NYC)}) == frozenset()
    assert shown(cache) == {CHI: D("0.43"), NYC: D("0.43")}


def test_book_crossed_amid_a_burst_of_changes_is_not_named(cache: BookCache) -> None:
    showcase = Showcase(cache)
    for bid, ask in (
        ("0.40", "0.43"),
        ("0.45", "0.43"),
        ("0.45", "0.47"),
        ("0.48", "0.47"),
        ("0.40", "0.47"),
    ):
        assert showcase.show({CHI: book(bid=bid, ask=ask)}) == frozenset()


def test_only_our_own_news_leave_a_hint(cache: BookCache) -> None:
    showcase = Showcase(cache)
    showcase.note(MarketNews(Channel.TRADES, CHI), NOW)
    showcase.show({})
    assert cache.account_news_at() is None
    showcase.note(AccountNews(Channel.FILLS, CHI), NOW)
    showcase.show({})
    assert cache.account_news_at() == NOW


def test_books_that_could_not_be_stored_are_shown_again_later(cache_out_of_reach: BookCache) -> None:
    showcase = Showcase(cache_out_of_reach)
    books = {CHI: book()}
    for _ in range(2):
        with pytest.raises(Unreachable, match="could not be stored"):
            showcase.show(books)


def test_feed_is_shown_while_it_is_heard_and_taken_back_when_it_ends(
    cache: BookCache, tmp_path: Path
) -> None:
    reports: list[str] = []
    asked: list[int] = []

    def followed() -> Iterable[str]:
        asked.append(1)
        return [CHI]

    async def main() -> None:
        async with LocalFeed() as server:
            server.books = {CHI: ([["0.4000", "10.00"]], [["0.4300", "5.50"]])}
            showcase = Showcase(cache)
            feed = Feed(
                server.url,
                Signer(KEY_ID, server.write_key(tmp_path / "key.pem"), DEMO_HOSTS),
                on_news=lambda news: showcase.note(news, NOW),
                refresh_after=MAX_AGE,
                now=lambda: NOW,
            )
            showing = keep_showing(feed, showcase, followed=followed, report=reports.append)
            async with running(showing):
                await until(lambda: shown(cache) == {CHI: D("0.43")})
                await server.tell_delta(CHI, "no", "0.4200", "3.00")
                await server.say(type="fill", sid=13, msg={"market_ticker": CHI})
                await until(lambda: shown(cache) == {CHI: D("0.42")})
                await until(lambda: cache.account_news_at() == NOW)
                await server.tell_delta(CHI, "yes", "0.4200", "1.00")
                await until(lambda: shown(cache) == {})
                await until(lambda: shown(cache) == {CHI: D("0.43")})
                server.refusals = [(502, {})] * 20
                assert server.connection is not None
                server.connection.transport.abort()
                await until(lambda: shown(cache) == {})
                assert "502" in feed.fault or "without a word" in feed.fault

    asyncio.run(main())
    assert asked
    assert reports[0] == "not connected yet"


def key_file(tmp_path: Path) -> Path:
    return LocalFeed().write_key(tmp_path / "key.pem")


def test_feed_of_each_mode_is_heard_with_its_own_key(tmp_path: Path) -> None:
    demo = {"kalshi_demo_key_id": SecretStr(KEY_ID), "kalshi_demo_private_key_path": key_file(tmp_path)}
    live = {"kalshi_live_key_id": SecretStr(KEY_ID), "kalshi_live_private_key_path": key_file(tmp_path)}
    yes = {"live_confirm": "I accept real orders with real money"}
    sandbox = {"kalshi_base_url": "http://127.0.0.1:8002/trade-api/v2"}

    def url(mode: TradingMode, **settings: object) -> str | None:
        found = endpoint_from_config(config_with(trading_mode=mode, **settings))
        return found.url if found else None

    assert url(TradingMode.DEMO, **demo) == DEMO_FEED_URL
    assert url(TradingMode.LIVE, **live, **yes) == LIVE_FEED_URL
    assert url(TradingMode.SHADOW) is None
    assert url(TradingMode.SHADOW, **demo, **live) is None, "SHADOW shows no key to the exchange"
    assert url(TradingMode.SHADOW, **sandbox) is None
    assert url(TradingMode.SHADOW, **demo, **sandbox) == "ws://127.0.0.1:8002/trade-api/ws/v2"


@pytest.mark.parametrize(
    ("settings", "words"), [({}, "needs a Kalshi key"), ({"STREAM_MAX_AGE_S": "0"}, "nobody would use")]
)
def test_command_says_in_a_sentence_why_it_hears_nothing(
    fresh_config: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    settings: dict[str, str],
    words: str,
) -> None:
    if settings:
        monkeypatch.setenv("KALSHI_BASE_URL", "http://127.0.0.1:9/trade-api/v2")
        monkeypatch.setenv("KALSHI_DEMO_KEY_ID", KEY_ID)
        monkeypatch.setenv("KALSHI_DEMO_PRIVATE_KEY_PATH", str(key_file(tmp_path)))
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CommandError, match=words):
        call_command("stream")


@pytest.mark.django_db
def test_followed_markets_are_the_active_ones_before_their_close() -> None:
    markets = make_ladder(close_at=NOW + timedelta(hours=1))
    type(markets[0]).objects.filter(pk=markets[0].pk).update(status="inactive")
    tickers = tuple(sorted(market.ticker for market in markets[1:]))
    city = markets[0].city_code
    assert MarketRepository().tradable([city], NOW) == tickers
    assert MarketRepository().tradable([city], NOW + timedelta(hours=1)) == ()
    assert MarketRepository().tradable(["XXX"], NOW) == ()
