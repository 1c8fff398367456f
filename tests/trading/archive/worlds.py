"""Simulated worlds behind a real server on loopback, as an import meets them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from threading import Lock

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from markets.clients.kalshi.transport import Transport
from sandbox.assembly import sandbox_app
from sandbox.cities import City, city_of_series
from sandbox.clock import WorldClock
from sandbox.stage import Stage
from sandbox.world.feed_weather import SimulatedWeatherFeed
from sandbox.world.market import SimulatedMarketFeed
from sandbox.world.weather import WorldWeather
from tests.sandbox.serving import served
from tests.sandbox.stages import Wall
from trading.archive.exchange_parts import ExchangeParts
from trading.archive.importing import Fetcher, ImportReport, Wanted, import_archive
from trading.archive.patience import Patience
from trading.archive.weather_parts import WeatherParts
from weather.clients.iem.client import IemClient
from weather.clients.iem.transport import IemTransport

SEED = 7
FIRST, LAST = date(2026, 10, 30), date(2026, 11, 1)
CITIES = (city_of_series("KXHIGHNY"), city_of_series("KXHIGHTSFO"))
CODES = ("NYC", "SFO")

Interference = Callable[[int, str], Response | None]
"""Given the number of a request and its URL: what to answer in place of the sandbox, or None."""


@dataclass
class Door:
    """Counts requests, and answers itself where a test wants it to."""

    app: ASGIApp
    interfere: Interference = lambda _number, _url: None
    asked: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        url = f"{scope['path']}?{scope['query_string'].decode()}"
        with self._lock:
            self.asked.append(url)
            number = len(self.asked)
        answer = self.interfere(number, url)
        await (answer or self.app)(scope, receive, send)


@dataclass(frozen=True)
class Exchange:
    """A served world at the moment `at`."""

    url: str
    at: datetime
    door: Door
    feed: SimulatedMarketFeed


@contextmanager
def exchange_at(at: datetime, cities: Sequence[City] = CITIES, first: date = FIRST) -> Iterator[Exchange]:
    """The simulated exchange with events from `first` on, standing still at `at`."""
    truth = WorldWeather(SEED, cities)
    weather = SimulatedWeatherFeed(truth)
    feed = SimulatedMarketFeed(truth, SEED, cities, first, reported_at=weather.reported_at)
    stage = Stage(feed, weather, WorldClock(at, at, 60.0), Wall(at))
    door = Door(sandbox_app(stage, (), lambda: None, tier=None))
    with served(door) as origin:
        yield Exchange(f"{origin}/trade-api/v2", at, door, feed)


def fetch_from(
    out: Path,
    at: datetime,
    *,
    exchange_url: str = "http://127.0.0.1:9/none",
    iem_url: str = "http://127.0.0.1:9",
    kinds: Sequence[str] = ("ladders",),
    days: tuple[date, date] = (FIRST, LAST),
    cities: Sequence[str] = CODES,
    naps: list[float] | None = None,
    again: bool = False,
) -> ImportReport:
    """One run of an import; waits are noted, not waited."""
    slept: list[float] = [] if naps is None else naps
    patience = Patience(sleep=slept.append)
    exchange = Transport(exchange_url, attempts=1)
    weather = IemTransport(iem_url, "milkbot tests", between_s=0)
    fetcher = Fetcher(ExchangeParts(exchange, patience, at), WeatherParts(IemClient(weather), patience, at))
    try:
        wanted = Wanted(*days, cities, kinds, ask_empty_again=again)
        return import_archive(out, wanted, fetcher, {"exchange": "127.0.0.1"}, lambda _line: None)
    finally:
        exchange.close()
        weather.close()


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
