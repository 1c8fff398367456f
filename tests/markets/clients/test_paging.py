"""Lists without end: bounded in pages, in rows and in time, whatever each page looks like."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from markets.clients.kalshi import market_data as market_data_module
from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.paging import LIST_TIMEOUT_S, PAGE_TIMEOUT_S, PageOf, pages
from markets.clients.kalshi.portfolio import ROWS_PER_PAGE, KalshiPortfolio
from markets.clients.kalshi.signing import Signer
from markets.clients.kalshi.transport import Transport
from milkbot.core.errors import Malformed, Unreachable
from tests.markets.clients.test_portfolio import wire_fill, wire_order
from tests.markets.local_exchange import LocalExchange, Request, json_reply
from tests.markets.makers import NOW, wire_market


@pytest.fixture
def transport(exchange: LocalExchange, signer: Signer) -> Iterator[Transport]:
    made = Transport(exchange.base_url, signer, now=lambda: NOW, sleep=lambda _: None)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("path", "key", "row"),
    [("/portfolio/orders", "orders", wire_order()), ("/portfolio/fills", "fills", wire_fill())],
)
def test_page_with_more_rows_than_asked_for_ends_the_list(
    exchange: LocalExchange, transport: Transport, path: str, key: str, row: dict[str, Any]
) -> None:
    """Ninety thousand short rows fit below the cap on a body: only the number asked for bounds memory."""
    portfolio = KalshiPortfolio(transport)
    read = portfolio.get_orders if key == "orders" else portfolio.get_fills
    cursors = itertools.count()

    def page(request: Request) -> Any:
        return json_reply({key: [row] * (ROWS_PER_PAGE + 1), "cursor": str(next(cursors))})

    exchange.on(path, page)
    with pytest.raises(Malformed, match=r"gave 1001 \w+, asked for 1000"):
        read()
    assert len(exchange.requests) == 1


def test_page_with_exactly_the_rows_asked_for_is_read(exchange: LocalExchange, transport: Transport) -> None:
    rows = [wire_order(f"o{number}") for number in range(ROWS_PER_PAGE)]
    exchange.on("/portfolio/orders", json_reply({"orders": rows, "cursor": ""}))
    assert len(KalshiPortfolio(transport).get_orders().rows) == ROWS_PER_PAGE


@pytest.mark.parametrize("path", ["/markets", "/events"])
def test_listing_with_more_rows_than_asked_for_is_refused(
    exchange: LocalExchange, transport: Transport, path: str
) -> None:
    key = path.removeprefix("/")
    exchange.on(path, json_reply({key: [{}] * 1001, "cursor": ""}))
    client = KalshiMarketData(transport, now=lambda: NOW)
    with pytest.raises(Malformed, match="gave 1001"):
        client.list_markets("KXHIGHCHI") if key == "markets" else client.list_events("KXHIGHCHI")


def test_event_with_markets_beyond_reason_is_left_out(exchange: LocalExchange, transport: Transport) -> None:
    market = wire_market()
    event = {"event_ticker": market["event_ticker"], "title": "x", "markets": [market] * 201}
    exchange.on("/events", json_reply({"events": [event], "cursor": ""}))
    assert KalshiMarketData(transport, now=lambda: NOW).list_events("KXHIGHCHI") == []


def test_events_without_end_are_given_up(exchange: LocalExchange, transport: Transport) -> None:
    cursors = itertools.count()
    exchange.on("/events", lambda request: json_reply({"events": [], "cursor": str(next(cursors))}))
    with pytest.raises(Malformed, match="more than 10 pages"):
        KalshiMarketData(transport, now=lambda: NOW).list_events("KXHIGHCHI")
    assert len(exchange.requests) == market_data_module.EVENT_PAGES


def test_list_that_takes_too_long_in_all_is_given_up(exchange: LocalExchange, transport: Transport) -> None:
    """Each page comes within its own time; together they must not keep a turn waiting."""
    cursors, clock_s = itertools.count(), itertools.count(0.0, PAGE_TIMEOUT_S - 1)
    exchange.on("/x", lambda request: json_reply({"rows": [], "cursor": str(next(cursors))}))
    listed = pages(transport, "/x", [], PageOf("rows", 10), monotonic=lambda: next(clock_s))
    with pytest.raises(Unreachable, match="took more than 60 s"):
        list(listed)
    assert len(exchange.requests) == LIST_TIMEOUT_S // (PAGE_TIMEOUT_S - 1) + 1


def test_time_its_reader_takes_is_not_held_against_a_list(
    exchange: LocalExchange, transport: Transport
) -> None:
    hand = [0.0]
    exchange.on("/x", *(json_reply({"rows": [], "cursor": cursor}) for cursor in ("a", "b", "")))
    read = 0
    for _ in pages(transport, "/x", [], PageOf("rows", 10), monotonic=lambda: hand[0]):
        hand[0] += 10 * LIST_TIMEOUT_S
        read += 1
    assert read == 3
