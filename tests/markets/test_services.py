"""A reading of the exchange: boards for every city that answers, words for every one that does not."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from markets.clients.kalshi.market_data import KalshiMarketData
from markets.domain.types import FeeType
from markets.models import MarketRow
from markets.repositories import MarketRepository
from markets.services import SERIES_CACHED_FOR, read_boards, refresh_unsettled
from milkbot import health
from milkbot.core.errors import Unreachable
from milkbot.core.health import Component
from tests.markets.local_exchange import LocalExchange, Reply, Request, json_reply
from tests.markets.makers import DAY, NOW, wire_book, wire_event, wire_market, wire_series

pytestmark = pytest.mark.django_db
D = Decimal
OPEN = {"exchange_active": True, "trading_active": True}


def _books(request: Request) -> Reply:
    return json_reply({"orderbooks": [wire_book(ticker) for ticker in request.query["tickers"]]})


def _events(request: Request) -> Reply:
    return json_reply({"events": [wire_event(series=request.query["series_ticker"][0])], "cursor": ""})


@pytest.fixture
def open_exchange(exchange: LocalExchange) -> LocalExchange:
    exchange.on("/exchange/status", json_reply(OPEN))
    exchange.on("/events", _events)
    exchange.on("/markets/orderbooks", _books)
    for series in ("KXHIGHCHI", "KXHIGHNY", "KXHIGHLAX"):
        exchange.on(f"/series/{series}", json_reply(wire_series(series)))
    return exchange


def test_boards_of_several_cities_come_complete_with_one_call_for_all_books(
    open_exchange: LocalExchange, client: KalshiMarketData
) -> None:
    found = read_boards(["CHI", "NYC", "LAX"], NOW, client=client)
    assert found.errors == {}
    assert found.status is not None
    assert found.status.trading_active
    assert [board.city_code for board in found.boards] == ["CHI", "NYC", "LAX"]
    for board in found.boards:
        assert board.refusal is None, board.refusal_text
        assert board.fees is not None
        assert board.fees.fee_type is FeeType.QUADRATIC
        assert len(board.markets) == 6
        assert all(entry.snapshot.yes_ask == D("0.43") for entry in board.markets)
        assert all(entry.snapshot.captured_at == NOW for entry in board.markets)
    assert open_exchange.paths().count("/markets/orderbooks") == 1
    assert health.read_all()[Component.KALSHI_API].ok


def test_series_fees_are_read_once_an_hour(open_exchange: LocalExchange, client: KalshiMarketData) -> None:
    for at in (NOW, NOW + SERIES_CACHED_FOR - timedelta(seconds=1), NOW + SERIES_CACHED_FOR):
        read_boards(["CHI"], at, client=client)
    assert open_exchange.paths().count("/series/KXHIGHCHI") == 2


def test_city_that_fails_is_named_and_the_others_go_on(
    exchange: LocalExchange, client: KalshiMarketData
) -> None:
    exchange.on("/exchange/status", json_reply(OPEN))
    exchange.on("/series/KXHIGHNY", Reply(200, b"<html>odd</html>"))
    exchange.on("/series/KXHIGHCHI", json_reply(wire_series()))
    exchange.on("/events", _events)
    exchange.on("/markets/orderbooks", _books)
    found = read_boards(["CHI", "NYC"], NOW, client=client)
    assert [board.city_code for board in found.boards] == ["CHI"]
    assert list(found.errors) == ["NYC"]
    assert "not JSON" in found.errors["NYC"]
    beat = health.read_all()[Component.KALSHI_API]
    assert beat.ok
    assert "NYC" in beat.message


def test_boards_without_order_books_show_prices_but_are_refused(
    open_exchange: LocalExchange, client: KalshiMarketData
) -> None:
    open_exchange.replace("/markets/orderbooks")
    found = read_boards(["CHI"], NOW, client=client)
    (board,) = found.boards
    assert board.refusal == "BOOKS_UNAVAILABLE"
    assert list(found.errors) == ["order books"]
    assert board.markets[0].snapshot.yes_bid == D("0.41")
    assert board.markets[0].book.bids == ()


def test_exchange_that_is_down_gives_no_boards_and_a_failed_heartbeat(
    exchange: LocalExchange, client: KalshiMarketData, naps: list[float]
) -> None:
    for path in ("/exchange/status", "/series/KXHIGHCHI"):
        exchange.on(path, Reply(502, b"bad gateway"))
    found = read_boards(["CHI"], NOW, client=client)
    assert found.boards == ()
    assert found.status is None
    assert set(found.errors) == {"exchange", "CHI"}
    assert not health.read_all()[Component.KALSHI_API].ok
    assert len(naps) == 4


def test_bad_market_refuses_its_event_and_no_other(
    open_exchange: LocalExchange, client: KalshiMarketData
) -> None:
    def events(request: Request) -> Reply:
        wire = wire_event(series=request.query["series_ticker"][0])
        if wire["series_ticker"] == "KXHIGHCHI":
            wire["markets"][3]["yes_bid_dollars"] = "1.2000"
        return json_reply({"events": [wire], "cursor": ""})

    open_exchange.replace("/events", events)
    found = read_boards(["CHI", "NYC"], NOW, client=client)
    assert {board.city_code: board.refusal for board in found.boards} == {
        "CHI": "PRICE_OUT_OF_RANGE",
        "NYC": None,
    }
    MarketRepository().save_boards(found.boards, NOW)
    assert MarketRow.objects.count() == 11


AFTER_CLOSE = datetime(2026, 9, 16, 12, 10, tzinfo=UTC)
SETTLED: dict[str, Any] = {
    "status": "finalized",
    "result": "no",
    "expiration_value": "83.00",
    "settlement_ts": "2026-09-16T12:04:54.401029Z",
}


def test_refresh_follows_closed_markets_until_they_are_final(
    open_exchange: LocalExchange, client: KalshiMarketData
) -> None:
    MarketRepository().save_boards(read_boards(["CHI"], NOW, client=client).boards, NOW)
    assert refresh_unsettled(NOW, client=client) == ()
    assert "/markets" not in open_exchange.paths()

    determined = wire_market(status="determined", result="no")
    open_exchange.on("/markets", json_reply({"markets": [determined], "cursor": ""}))
    assert refresh_unsettled(AFTER_CLOSE, client=client) == ()
    open_exchange.replace("/markets", json_reply({"markets": [wire_market(**SETTLED)], "cursor": ""}))
    assert refresh_unsettled(AFTER_CLOSE, client=client) == ("KXHIGHCHI-26SEP15-B84.5",)
    assert refresh_unsettled(AFTER_CLOSE, client=client) == ()

    row = MarketRow.objects.get(ticker="KXHIGHCHI-26SEP15-B84.5")
    assert (row.status, row.result, row.expiration_value) == ("finalized", "no", "83.00")
    assert row.settled_at == datetime(2026, 9, 16, 12, 4, 54, 401029, tzinfo=UTC)
    assert row.event_date == DAY


def test_refresh_finds_a_market_that_is_listed_no_more_in_the_archive(
    open_exchange: LocalExchange, client: KalshiMarketData, caplog: pytest.LogCaptureFixture
) -> None:
    MarketRepository().save_boards(read_boards(["CHI"], NOW, client=client).boards, NOW)
    archived = wire_market(**SETTLED)
    open_exchange.on("/markets", json_reply({"markets": [], "cursor": ""}))
    open_exchange.on(f"/historical/markets/{archived['ticker']}", json_reply({"market": archived}))
    months_later = AFTER_CLOSE + timedelta(days=100)

    with caplog.at_level("WARNING", logger="milkbot"):
        assert refresh_unsettled(months_later, client=client) == (archived["ticker"],)

    row = MarketRow.objects.get(ticker=archived["ticker"])
    assert (row.status, row.result, row.settled_at) == (
        "finalized",
        "no",
        datetime(2026, 9, 16, 12, 4, 54, 401029, tzinfo=UTC),
    )
    # The other five are nowhere: they stay open, and each is named.
    assert MarketRow.objects.filter(status="active").count() == 5
    assert len([r for r in caplog.records if "neither listed nor archived" in r.message]) == 5


@pytest.mark.parametrize("reply", [Reply(500, b""), Reply(200, b"{}"), Reply(404, b"")])
def test_refresh_stores_what_is_listed_whatever_the_archive_answers(
    open_exchange: LocalExchange, client: KalshiMarketData, reply: Reply
) -> None:
    MarketRepository().save_boards(read_boards(["CHI"], NOW, client=client).boards, NOW)
    listed = wire_market(**SETTLED)
    open_exchange.on("/markets", json_reply({"markets": [listed], "cursor": ""}))
    for ticker in MarketRow.objects.exclude(ticker=listed["ticker"]).values_list("ticker", flat=True):
        open_exchange.on(f"/historical/markets/{ticker}", reply)

    assert refresh_unsettled(AFTER_CLOSE, client=client) == (listed["ticker"],)


def test_refresh_asks_again_about_settled_markets_that_are_named(
    open_exchange: LocalExchange, client: KalshiMarketData
) -> None:
    MarketRepository().save_boards(read_boards(["CHI"], NOW, client=client).boards, NOW)
    word = wire_market(**SETTLED)
    ticker = word["ticker"]

    def markets(request: Request) -> Reply:
        asked = request.query["tickers"][0].split(",")
        return json_reply({"markets": [word] if ticker in asked else [], "cursor": ""})

    open_exchange.on("/markets", markets)
    assert refresh_unsettled(AFTER_CLOSE, client=client) == (ticker,)
    word |= {"result": "yes", "expiration_value": "84.00"}

    assert refresh_unsettled(AFTER_CLOSE, client=client) == ()
    assert refresh_unsettled(AFTER_CLOSE, client=client, settled=[ticker]) == (ticker,)
    assert MarketRow.objects.get(ticker=ticker).result == "yes"


def test_refresh_without_an_answer_stores_nothing(
    open_exchange: LocalExchange, client: KalshiMarketData
) -> None:
    MarketRepository().save_boards(read_boards(["CHI"], NOW, client=client).boards, NOW)
    open_exchange.on("/markets", Reply(500, b""))
    with pytest.raises(Unreachable):
        refresh_unsettled(AFTER_CLOSE, client=client)
    assert not MarketRow.objects.exclude(status="active").exists()
