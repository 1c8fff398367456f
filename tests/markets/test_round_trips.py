"""A reading of ten cities is bounded by the slowest round trip, not by their number."""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import pytest

from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.transport import Transport
from markets.services import read_boards
from milkbot.core.cities import CityConfig, load_cities
from tests.markets.local_exchange import LocalExchange, Reply, Request, json_reply
from tests.markets.makers import NOW, wire_book, wire_event, wire_series

pytestmark = pytest.mark.django_db

ANSWER_TAKES_S = 0.2
OPEN = {"exchange_active": True, "trading_active": True}
TEN = tuple(load_cities())


class Served(NamedTuple):
    """When the server had a request in hand, in seconds of a steady clock."""

    arrived: float
    answered: float


class SlowExchange:
    """Answers each request after 200 ms and notes which requests it had in hand at the same time."""

    def __init__(self, exchange: LocalExchange) -> None:
        self._served: list[Served] = []
        self._lock = threading.Lock()
        exchange.on("/exchange/status", self._slow(_constant(json_reply(OPEN))))
        exchange.on("/events", self._slow(_events))
        exchange.on("/markets/orderbooks", self._slow(_books))
        for city in load_cities().values():
            exchange.on(f"/series/{city.kalshi_series}", self._slow(_series))

    def rounds(self) -> int:
        """The longest chain of requests of which each arrived only after the one before was answered; then forget."""
        with self._lock:
            served, self._served = sorted(self._served, key=lambda request: request.answered), []
        chain: list[Served] = []
        for request in served:
            if not chain or request.arrived >= chain[-1].answered:
                chain.append(request)
        return len(chain)

    def _slow(self, script: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
        def answer(request: Request) -> Reply:
            arrived = time.monotonic()
            time.sleep(ANSWER_TAKES_S)
            reply = script(request)
            with self._lock:
                self._served.append(Served(arrived, time.monotonic()))
            return reply

        return answer


def _constant(reply: Reply) -> Callable[[Request], Reply]:
    return lambda _: reply


def _city(request: Request) -> CityConfig:
    series = request.query["series_ticker"][0]
    return next(city for city in load_cities().values() if city.kalshi_series == series)


def _series(request: Request) -> Reply:
    return json_reply(wire_series(request.path.rpartition("/")[2]))


def _events(request: Request) -> Reply:
    """Two events of six markets, as every city has them most of the day."""
    today = wire_event(series=_city(request).kalshi_series)
    tomorrow = wire_event(series=_city(request).kalshi_series, day=NOW.date().replace(day=16))
    return json_reply({"events": [today, tomorrow], "cursor": ""})


def _books(request: Request) -> Reply:
    return json_reply({"orderbooks": [wire_book(ticker) for ticker in request.query["tickers"]]})


@pytest.fixture
def slow(exchange: LocalExchange) -> SlowExchange:
    return SlowExchange(exchange)


@pytest.fixture
def patient(exchange: LocalExchange) -> Iterator[KalshiMarketData]:
    data = KalshiMarketData(Transport(exchange.base_url), now=lambda: NOW)
    yield data
    data.close()


def test_ten_cities_of_120_markets_take_two_round_trips_once_series_are_known(
    slow: SlowExchange, patient: KalshiMarketData, exchange: LocalExchange
) -> None:
    read_boards(TEN, NOW, client=patient)
    assert slow.rounds() <= 3

    asked = len(exchange.requests)
    found = read_boards(TEN, NOW, client=patient)

    assert found.errors == {}
    assert sum(len(board.markets) for board in found.boards) == 120
    assert slow.rounds() <= 2
    asked_for_books = [request for request in exchange.requests[asked:] if "orderbooks" in request.path]
    assert sorted(len(request.query["tickers"]) for request in asked_for_books) == [20, 100]


def test_books_that_fail_refuse_only_the_boards_they_belong_to(
    slow: SlowExchange, patient: KalshiMarketData, exchange: LocalExchange
) -> None:
    def books(request: Request) -> Reply:
        return Reply(400, b"{}") if len(request.query["tickers"]) < 100 else _books(request)

    exchange.replace("/markets/orderbooks", books)
    found = read_boards(TEN, NOW, client=patient)

    refusals = [board.refusal for board in found.boards]
    assert list(found.errors) == ["order books"]
    assert set(refusals) == {None, "BOOKS_UNAVAILABLE"}
    assert refusals.count("BOOKS_UNAVAILABLE") == 4, "the last twenty markets belong to four events"
    assert all(earlier is None or later is not None for earlier, later in pairwise(refusals))
