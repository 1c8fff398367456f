"""The feed against a real WebSocket server on loopback: what it keeps, what it asks again, and how it comes back."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.clients.kalshi.signing import DEMO_HOSTS, Signer
from markets.clients.kalshi.stream.connection import MAX_FRAME_BYTES
from markets.clients.kalshi.stream.feed import LONGEST_REDIAL_S, Feed, redial_delay_s
from markets.clients.kalshi.stream.messages import (
    BY_MARKET,
    WHOLE,
    AccountNews,
    Channel,
    LifecycleStep,
    MarketNews,
    News,
)
from milkbot.core.errors import ConfigError
from tests.markets.stream.local_feed import KEY_ID, LocalFeed, running, until

D = Decimal
NOW = datetime(2026, 10, 12, 15, tzinfo=UTC)
CHI = "KXHIGHCHI-26OCT12-B70.5"
NYC = "KXHIGHNY-26OCT12-T60"
LONG = timedelta(hours=1)


class Bench:
    """A feed at a local server, the news it gave, the pauses it wanted, and the hand clock it reads."""

    def __init__(self, server: LocalFeed, key: Path, refresh_after: timedelta) -> None:
        self.server = server
        self.news: list[News] = []
        self.naps: list[float] = []
        self.faults: list[str] = []
        self.now = NOW
        self.feed = Feed(
            server.url,
            Signer(KEY_ID, server.write_key(key), DEMO_HOSTS),
            on_news=self.news.append,
            refresh_after=refresh_after,
            now=lambda: self.now,
            sleep=self._nap,
        )

    def ask_of(self, ticker: str) -> Decimal | None:
        book = self.feed.books.get(ticker)
        return min(book.asks) if book and book.asks else None

    async def _nap(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.faults.append(self.feed.fault)
        await asyncio.sleep(0)


Scenario = Callable[[Bench], Awaitable[None]]
Play = Callable[..., None]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Runs a scenario beside a feed that wants both markets, of which the server has the books."""

    def run(
        scenario: Scenario, *, refresh_after: timedelta = LONG, wanted: tuple[str, ...] = (CHI, NYC)
    ) -> None:
        async def main() -> None:
            async with LocalFeed() as server:
                server.books = {
                    CHI: ([["0.4000", "10.00"]], [["0.4300", "5.50"]]),
                    NYC: ([], [["0.9700", "1.00"]]),
                }
                bench = Bench(server, tmp_path / "key.pem", refresh_after)
                bench.feed.want(wanted)
                async with running(bench.feed.run()):
                    await scenario(bench)

        asyncio.run(main())

    return run


def _has_both(bench: Bench) -> Callable[[], bool]:
    return lambda: set(bench.feed.books) == {CHI, NYC}


def test_feed_signs_its_handshake_subscribes_and_keeps_books(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await until(_has_both(bench))
        await bench.server.tell_delta(CHI, "no", "0.4200", "3.00")
        await until(lambda: bench.ask_of(CHI) == D("0.42"))
        book = bench.feed.books[CHI].order_book()
        assert book.best_bid is not None
        assert (book.best_bid.price, book.best_bid.count) == (D("0.40"), D("10.00"))
        assert bench.feed.books[NYC].bids == {}
        assert bench.feed.books[CHI].as_of == NOW
        assert bench.feed.fault == ""
        handshake = bench.server.handshakes[0]
        assert handshake["KALSHI-ACCESS-KEY"] == KEY_ID

        subscribed = {params["channels"][0]: params for params in bench.server.asked("subscribe")}
        assert set(subscribed) == {channel.value for channel in (*BY_MARKET, *WHOLE)}
        assert subscribed["orderbook_delta"]["use_yes_price"] is True
        assert all(
            subscribed[channel].get("market_tickers") == ([CHI, NYC] if channel in BY_MARKET else None)
            for channel in (*BY_MARKET, *WHOLE)
        )
        numbers = [command["id"] for command in bench.server.commands]
        assert numbers == sorted(set(numbers))

    play(scenario)


def test_lost_message_makes_the_feed_ask_for_the_books_again(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await until(_has_both(bench))
        bench.server.next_seq()
        await bench.server.tell_delta(CHI, "no", "0.4200", "3.00")
        await until(lambda: bench.feed.books == {})
        bench.server.books[CHI] = ([["0.4000", "10.00"]], [["0.4100", "1.00"]])
        await until(lambda: bench.ask_of(CHI) == D("0.41"))
        (asked,) = bench.server.asked("get_snapshot")
        assert asked == {"sids": [1], "market_tickers": [CHI, NYC], "action": "get_snapshot"}
        assert len(bench.server.handshakes) == 1
        assert bench.naps == []

    play(scenario)


def test_impossible_change_makes_the_feed_ask_for_that_book_again(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await until(_has_both(bench))
        await bench.server.tell_delta(CHI, "yes", "0.4000", "-10.01")
        await until(lambda: set(bench.feed.books) == {NYC})
        await until(_has_both(bench))
        (asked,) = bench.server.asked("get_snapshot")
        assert asked["market_tickers"] == [CHI]

    play(scenario)


@pytest.mark.parametrize("code", [10, 17, 25])
def test_subscription_that_the_exchange_ended_is_opened_anew(play: Play, code: int) -> None:
    async def scenario(bench: Bench) -> None:
        await until(_has_both(bench))
        await bench.server.say(type="error", msg={"code": code, "msg": "buffer overflow"})
        await until(lambda: len(bench.server.handshakes) == 2)
        await until(_has_both(bench))
        assert len(bench.naps) == 1

    play(scenario)


def test_other_error_of_the_exchange_leaves_the_books_alone(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await until(_has_both(bench))
        await bench.server.say(type="error", id=4, msg={"code": 8, "msg": "Unknown channel name"})
        await bench.server.tell_delta(CHI, "no", "0.4200", "3.00")
        await until(lambda: bench.ask_of(CHI) == D("0.42"))
        assert len(bench.server.handshakes) == 1

    play(scenario)


def test_trap_19_cut_connection_and_502s_are_dialled_again_with_growing_pauses(play: Play) -> None:
    """kalshi-api.md 11: no close frame comes; then everything is subscribed and told anew."""

    async def scenario(bench: Bench) -> None:
        await until(_has_both(bench))
        bench.server.refusals = [(502, {}), (502, {}), (502, {}), (502, {})]
        assert bench.server.connection is not None
        bench.server.connection.transport.abort()
        await until(lambda: not bench.feed.books)
        await until(_has_both(bench))
        assert len(bench.naps) == 5
        for failures, nap in enumerate(bench.naps, start=1):
            assert redial_delay_s(failures, 1) <= nap <= redial_delay_s(failures, 0)
        assert bench.naps[4] > bench.naps[0] * 4
        assert len(bench.server.asked("subscribe")) == 2 * len((*BY_MARKET, *WHOLE))

    play(scenario)


@pytest.mark.parametrize(
    ("status", "headers"),
    [(401, {}), (403, {}), (302, {"Location": "ws://127.0.0.1:9/elsewhere"}), (429, {}), (503, {})],
)
def test_handshake_that_is_refused_is_named_and_tried_again(
    play: Play, status: int, headers: dict[str, str]
) -> None:
    async def scenario(bench: Bench) -> None:
        bench.server.refusals = [(status, headers)]
        await until(lambda: bench.naps != [])
        await until(_has_both(bench))
        assert len(bench.server.handshakes) == 2
        (fault,) = bench.faults
        assert str(status) in fault

    play(scenario)


@pytest.mark.parametrize(
    "frame",
    [
        "hello",
        b"\xff\xfe",
        "[]",
        "{}",
        '{"type": 7}',
        '{"type": "orderbook_delta"}',
        '{"type": "orderbook_delta", "sid": 1, "seq": 3, "msg": {"market_ticker": "X"}}',
        '{"type": "orderbook_snapshot", "sid": 1, "seq": 1e400, "msg": {}}',
        '{"type": "orderbook_snapshot", "sid": 1, "seq": 3.5, "msg": {"market_ticker": "X"}}',
        '{"type": "fill", "msg": {"market_ticker": NaN}}',
        '{"type": "orderbook_snapshot", "sid": 1, "seq": 9, "msg": {"market_ticker": "X", "yes_dollars_fp": [["a"]]}}',
        '{"a":' * 10_000,
        '{"type": "something_new", "sid": 9, "seq": 77, "msg": {"a": 1}}',
        '{"type": "orderbook_delta", "sid": 77, "seq": 900, "msg": {"market_ticker": "X", "price_dollars": "0.5",'
        ' "delta_fp": "1", "side": "yes"}}',
    ],
)
def test_frame_that_cannot_be_read_or_is_not_ours_changes_nothing(play: Play, frame: str | bytes) -> None:
    async def scenario(bench: Bench) -> None:
        await until(_has_both(bench))
        await bench.server.send(frame)
        await bench.server.tell_delta(CHI, "no", "0.4200", "3.00")
        await until(lambda: bench.ask_of(CHI) == D("0.42"))
        assert len(bench.server.handshakes) == 1

    play(scenario)


@pytest.mark.parametrize("flood", [["x" * (MAX_FRAME_BYTES + 1)], ["nonsense"] * 30])
def test_flood_ends_the_connection_and_a_new_one_is_dialled(play: Play, flood: list[str]) -> None:
    async def scenario(bench: Bench) -> None:
        await until(_has_both(bench))
        for frame in flood:
            await bench.server.send(frame)
        await until(lambda: len(bench.server.handshakes) == 2)
        await until(_has_both(bench))

    play(scenario)


def test_quiet_book_is_asked_for_anew_before_it_grows_old(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await until(_has_both(bench))
        bench.now = later = NOW + timedelta(seconds=8)
        await until(lambda: all(book.as_of == later for book in bench.feed.books.values()))
        assert bench.server.asked("get_snapshot")[0]["market_tickers"] == [CHI, NYC]

    play(scenario, refresh_after=timedelta(seconds=7))


def test_markets_come_and_go_without_a_new_connection(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await until(lambda: set(bench.feed.books) == {CHI})
        bench.feed.want([NYC])
        await until(lambda: set(bench.feed.books) == {NYC})
        for action, tickers in (("add_markets", [NYC]), ("delete_markets", [CHI])):
            asked = bench.server.asked(action)
            assert len(asked) == len(BY_MARKET)
            assert all(params["market_tickers"] == tickers for params in asked)
        assert len(bench.server.handshakes) == 1

    play(scenario, wanted=(CHI,))


def test_books_of_markets_never_asked_for_are_dropped_and_the_others_go_on(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await until(_has_both(bench))
        bench.server.books["KXEVIL-26OCT12-B1"] = ([["0.4000", "10.00"]], [])
        await bench.server.tell_book("KXEVIL-26OCT12-B1")
        await bench.server.tell_delta(CHI, "no", "0.4200", "3.00")
        await until(lambda: bench.ask_of(CHI) == D("0.42"))
        assert set(bench.feed.books) == {CHI, NYC}
        assert bench.server.asked("get_snapshot") == []

    play(scenario)


def test_news_are_handed_on_and_unknown_words_hold_the_market(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await until(_has_both(bench))
        at = {"market_ticker": CHI}
        await bench.server.say(type="fill", sid=13, msg=at)
        await bench.server.say(type="user_order", sid=14, msg={"ticker": CHI, "status": "renamed"})
        await bench.server.say(type="market_position", sid=15, msg=at)
        await bench.server.say(type="ticker", sid=11, msg=at)
        await bench.server.say(type="trade", sid=12, msg=at)
        await bench.server.say(type="market_lifecycle_v2", sid=16, msg=at | {"event_type": "teleported"})
        await until(lambda: len(bench.news) == 6)
        assert bench.news == [
            AccountNews(Channel.FILLS, CHI),
            AccountNews(Channel.ORDERS, CHI),
            AccountNews(Channel.POSITIONS, CHI),
            MarketNews(Channel.TICKER, CHI),
            MarketNews(Channel.TRADES, CHI),
            MarketNews(Channel.LIFECYCLE, CHI, LifecycleStep.UNRECOGNIZED),
        ]
        assert set(bench.feed.books) == {NYC}
        await bench.server.tell_delta(CHI, "no", "0.4200", "3.00")
        await bench.server.say(type="market_lifecycle_v2", sid=16, msg=at | {"event_type": "activated"})
        await until(_has_both(bench))

    play(scenario)


def test_ping_of_the_exchange_is_answered(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await until(_has_both(bench))
        assert bench.server.connection is not None
        async with asyncio.timeout(5):
            await (await bench.server.connection.ping(b"heartbeat"))

    play(scenario)


def test_book_that_was_given_up_comes_back_by_itself(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await until(_has_both(bench))
        bench.feed.give_up([CHI])
        assert set(bench.feed.books) == {NYC}
        await until(_has_both(bench))

    play(scenario)


def test_key_is_never_shown_to_another_host(tmp_path: Path) -> None:
    signer = Signer(KEY_ID, LocalFeed().write_key(tmp_path / "key.pem"), DEMO_HOSTS)
    with pytest.raises(ConfigError, match="must not be used at"):
        Feed(
            "wss://external-api-ws.kalshi.com/trade-api/ws/v2",
            signer,
            on_news=lambda news: None,
            refresh_after=LONG,
        )


def test_feed_in_clear_is_never_begun_with_another_machine(tmp_path: Path) -> None:
    host = "external-api-ws.demo.kalshi.co"
    signer = Signer(KEY_ID, LocalFeed().write_key(tmp_path / "key.pem"), frozenset({host}))
    for scheme in ("ws", "http", "https"):
        with pytest.raises(ConfigError, match="wss"):
            Feed(
                f"{scheme}://{host}/trade-api/ws/v2",
                signer,
                on_news=lambda news: None,
                refresh_after=LONG,
            )


@given(failures=st.integers(0, 10_000), chance=st.floats(0, 1))
def test_pause_before_redialling_grows_to_a_bound_and_is_never_nothing(failures: int, chance: float) -> None:
    pause = redial_delay_s(failures, chance)
    assert 0.25 <= pause <= LONGEST_REDIAL_S
    assert redial_delay_s(failures + 1, chance) >= pause
