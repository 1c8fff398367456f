"""The weather service of ten simulated cities on loopback, and the application that lives on it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import requests

from markets.services import BoardRound, read_boards
from milkbot.core import clock
from milkbot.core.cities import load_cities
from milkbot.core.health import Component
from milkbot.health import read_all
from publicsite.regions import Reading, render_region
from publicsite.times import Times
from sandbox.assembly import sandbox_app
from sandbox.simulation import SimulatedOptions, prepare_simulated
from tests.e2e.serving import served
from tests.e2e.world import HOLDER, MODE, sources_of
from tests.sandbox.stages import Wall
from tests.trading.makers import ALONE
from trading.cycle import Settings, run_cycle
from trading.models import DecisionRow
from trading.reading import Sources
from weather.cache import WeatherCache
from weather.clients.nws.client import NwsClient
from weather.clients.nws.transport import NwsTransport, TransportPolicy
from weather.domain.types import CityWeather, WeatherSnapshot
from weather.repositories import WeatherRepository
from weather.services import CityFetcher, known_weather, refresh_weather

CITIES = tuple(load_cities())
PATIENT = TransportPolicy(sleep=lambda _: None)

ReadBoards = Callable[[Sequence[str], datetime], BoardRound]


@dataclass
class Service:
    """A simulated world on loopback whose time is set by hand. `boards` are read once for each time."""

    wall: Wall
    base_url: str
    boards: ReadBoards
    read: dict[tuple[str, datetime], CityWeather] = field(default_factory=dict)
    """What is read of a city at a time without any fault."""

    def order(self, do: str, **more: object) -> None:
        """Tell the control panel something."""
        answer = requests.post(f"{self.base_url}/control", json={"do": do} | more, timeout=5)
        assert answer.status_code == 200, answer.text

    def spoil(self, kind: str, path: str, **more: object) -> None:
        self.order("fault", kind=kind, match=f"GET /nws{path}", **more)

    def client(self, policy: TransportPolicy = PATIENT) -> NwsClient:
        """The application's own client, which does not wait between tries."""
        return NwsClient(NwsTransport(f"{self.base_url}/nws", "(milkbot tests, none)", policy))


@contextmanager
def weather_service(begins_at: datetime, folder: Path) -> Iterator[Service]:
    """A world whose time stands at `begins_at`, and what all its cities' weather is then."""
    wall = Wall(begins_at)
    setup = prepare_simulated(SimulatedOptions(7, 1.0, begins_at, 1, folder, wall_anchor=begins_at), wall)
    with served(sandbox_app(setup.stage, (), lambda: None)) as base_url:
        exchange, _ = sources_of(base_url, setup.stage.now)

        @cache
        def boards(codes: Sequence[str], now: datetime) -> BoardRound:
            return read_boards(codes, now, client=exchange)

        service = Service(wall, base_url, boards)
        fetch = CityFetcher(service.client())
        service.read = {(code, begins_at): fetch(code, begins_at) for code in CITIES}
        yield service


@dataclass(frozen=True)
class Tiles:
    """The cities' tiles as the public page shows them."""

    html: str

    @property
    def states(self) -> dict[str, str]:
        shown = re.findall(r'<article class="tile" id="tile-(\w+)"[^>]*data-state="(\w+)"', self.html)
        return {code.upper(): state for code, state in shown}

    @property
    def stale(self) -> set[str]:
        return {city for city, state in self.states.items() if state == "stale"}

    def words(self, city: str) -> str:
        found = re.search(rf'id="tile-{city.lower()}".*?</article>', self.html, re.DOTALL)
        assert found is not None
        return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


@dataclass
class Trader:
    """The application beside the service: the slow loop's refresh, then a cycle on what is stored."""

    service: Service
    cache: WeatherCache

    @property
    def now(self) -> datetime:
        return self.service.wall.now

    def refresh(self, now: datetime) -> Mapping[str, str]:
        """One turn of the slow loop; the cities' errors."""
        self.service.wall.now = now
        return refresh_weather(CITIES, now, cache=self.cache).errors

    def cycle(self) -> dict[str, set[str]]:
        """One turn of the fast loop; the codes that now stand on each city's markets."""
        settings = Settings(mode=MODE, cities=CITIES, capital=Decimal(10_000), weights=ALONE)
        sources = Sources(weather=known_weather, boards=self.service.boards)
        report = run_cycle(self.now, settings, sources=sources, holder=HOLDER)
        assert report.ok
        assert report.cities == len(CITIES)
        codes: dict[str, set[str]] = {city: set() for city in CITIES}
        covering = DecisionRow.objects.filter(seen_until__gte=self.now)
        for city, code in covering.values_list("market__city_code", "code"):
            codes[city].add(code)
        return codes

    def stored(self, city: str) -> WeatherSnapshot:
        snapshot = WeatherRepository().get_latest(city)
        assert snapshot is not None
        return snapshot

    def health(self) -> str:
        """What the weather component says, which is well as long as any city is."""
        status = read_all()[Component.NWS_API]
        assert status.ok
        return status.message

    def page(self, region: str) -> str:
        return render_region(region, Reading(Times(self.now, clock.wall_now()))).html

    def tiles(self) -> Tiles:
        return Tiles(self.page("tiles"))
