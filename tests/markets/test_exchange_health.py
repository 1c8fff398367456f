"""What the exchange's sign of life says: known rest is no alarm, everything else that keeps us from trading is one."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.transport import Transport
from markets.services import read_boards
from milkbot import health
from milkbot.core.health import Component, HealthStatus
from tests.markets.local_exchange import LocalExchange, Reply, Request, json_reply
from tests.markets.makers import NOW, wire_book, wire_event, wire_series

pytestmark = pytest.mark.django_db

OPEN = {"exchange_active": True, "trading_active": True}
PAUSED = {
    "exchange_active": True,
    "trading_active": False,
    "exchange_estimated_resume_time": "2026-09-15T16:30:00Z",
}
THURSDAY_AT_FOUR = datetime(2026, 9, 17, 8, 0, tzinfo=UTC)
"""04:00 in New York."""
SERIES = ("KXHIGHCHI", "KXHIGHNY")


def _events(request: Request) -> Reply:
    return json_reply({"events": [wire_event(series=request.query["series_ticker"][0])], "cursor": ""})


def _no_events(_: Request) -> Reply:
    return json_reply({"events": [], "cursor": ""})


def _books(request: Request) -> Reply:
    return json_reply({"orderbooks": [wire_book(ticker) for ticker in request.query["tickers"]]})


def serve(exchange: LocalExchange, status: dict[str, Any]) -> None:
    exchange.replace("/exchange/status", json_reply(status))
    exchange.replace("/events", _events)
    exchange.replace("/markets/orderbooks", _books)
    for series in SERIES:
        exchange.replace(f"/series/{series}", json_reply(wire_series(series)))


def said() -> HealthStatus:
    return health.read_all()[Component.KALSHI_API]


def test_pause_in_the_scheduled_maintenance_is_told_and_is_no_alarm(
    exchange: LocalExchange, client: KalshiMarketData
) -> None:
    serve(exchange, PAUSED)

    found = read_boards(["CHI"], THURSDAY_AT_FOUR, client=client)

    assert found.status is not None
    assert not found.status.trading_active
    assert (said().ok, said().message) == (True, "scheduled maintenance until 09:00Z")


def test_exchange_out_of_reach_in_the_scheduled_maintenance_is_no_alarm_but_named(
    exchange: LocalExchange, client: KalshiMarketData, naps: list[float]
) -> None:
    for path in ("/exchange/status", *(f"/series/{series}" for series in SERIES)):
        exchange.on(path, Reply(502, b"bad gateway"))

    found = read_boards(["CHI"], THURSDAY_AT_FOUR, client=client)

    assert (found.boards, found.status) == ((), None)
    assert said().ok
    assert said().message.startswith("scheduled maintenance until 09:00Z; ")
    assert "exchange: kalshi: GET /exchange/status answered HTTP 502" in said().message


def test_pause_outside_the_maintenance_is_an_alarm_that_ends_by_itself(
    exchange: LocalExchange, client: KalshiMarketData
) -> None:
    serve(exchange, PAUSED)
    read_boards(["CHI"], NOW, client=client)
    assert (said().ok, said().message) == (False, "trading is paused, to resume about 15 Sep 16:30Z")

    serve(exchange, OPEN)
    read_boards(["CHI"], NOW, client=client)
    assert (said().ok, said().message) == (True, "")


def test_hour_without_open_markets_is_known_and_no_alarm(
    exchange: LocalExchange, client: KalshiMarketData
) -> None:
    serve(exchange, OPEN)
    exchange.replace("/events", _no_events)

    found = read_boards(["CHI", "NYC"], NOW, client=client)

    assert (found.boards, found.errors) == ((), {})
    assert (said().ok, said().message) == (True, "no market is open")


class TrippingTransport(Transport):
    """Fails for New York in a way nobody foresaw."""

    def get_json(self, path: str, query: Sequence[tuple[str, str]] = (), **rest: Any) -> dict[str, Any]:
        if ("series_ticker", "KXHIGHNY") in query:
            raise ZeroDivisionError(path)
        return super().get_json(path, query, **rest)


@pytest.fixture
def tripping(exchange: LocalExchange) -> Iterator[KalshiMarketData]:
    data = KalshiMarketData(TrippingTransport(exchange.base_url), now=lambda: NOW)
    yield data
    data.close()


@pytest.mark.story("4.8", 5)
def test_fault_of_our_own_in_one_city_stops_no_other(
    exchange: LocalExchange, tripping: KalshiMarketData, caplog: pytest.LogCaptureFixture
) -> None:
    serve(exchange, OPEN)

    found = read_boards(["NYC", "CHI"], NOW, client=tripping)

    assert [board.city_code for board in found.boards] == ["CHI"]
    assert found.errors == {"NYC": "failed: ZeroDivisionError"}
    assert any(
        record.exc_info for record in caplog.records
    ), "a fault of ours is logged with where it happened"
