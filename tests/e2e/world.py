"""A sandbox on loopback whose world time is set by hand, and the application's own clients pointed at it."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import requests
import uvicorn
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.transport import Transport
from markets.services import read_boards, refresh_unsettled
from milkbot.core.cities import load_cities
from milkbot.core.config import TradingMode
from sandbox.accounts import open_accounts
from sandbox.assembly import Options, Setup, prepare, sandbox_app
from sandbox.simulation import SimulatedOptions, prepare_simulated
from tests.trading.makers import ALONE
from trading.cycle import Settings, run_cycle
from trading.cycle_report import CycleReport
from trading.domain.policy import Limits
from trading.reading import Sources
from trading.settlement import SettlementReport, settle_finalized
from weather.cache import WeatherCache
from weather.clients.nws.client import NwsClient
from weather.clients.nws.transport import NwsTransport, TransportPolicy
from weather.services import CityFetcher, refresh_weather

ANCHOR = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
"""The pretended wall time at which the sandbox starts: the recorded day has settled by then."""
SPEED = 60
HOLDER = "e2e/1/1.00"
MODE = TradingMode.SHADOW
MEETING_TAKES_AT_MOST_S = 5
"""Requests that are not in hand together by then never will be: the test fails instead of hanging."""


class HandClock:
    """The pretended wall clock: the world runs SPEED times as fast from ANCHOR on."""

    def __init__(self) -> None:
        self.wall = ANCHOR

    def __call__(self) -> datetime:
        return self.wall


class Edge:
    """Stands before the sandbox: notes every request; fails, spoils or holds chosen ones.

    The sandbox's own faults go by path; this one also sees the query, so that a single city can be struck.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._failing: dict[str, int] = {}
        self._spoiled: dict[str, Callable[[Any], None]] = {}
        self._meeting: asyncio.Barrier | None = None
        self._meeting_at = ""
        self.asked: list[tuple[str, str]] = []
        """Method and path of every request."""

    def fail(self, fragment: str, status: int = 500) -> None:
        """Answer `status` to every request whose path and query hold `fragment`, until `heal`."""
        self._failing[fragment] = status

    def spoil(self, fragment: str, change: Callable[[Any], None]) -> None:
        """Let `change` alter the JSON of every answer to such a request, until `heal`."""
        self._spoiled[fragment] = change

    def heal(self) -> None:
        """Fail, spoil and hold nothing any more."""
        self._failing.clear()
        self._spoiled.clear()
        self._meeting = None

    def meet(self, path: str, count: int) -> None:
        """From now on a request below `path` is answered only once `count` of them are in hand at the same time."""
        self._meeting, self._meeting_at = asyncio.Barrier(count), path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append((scope["method"], scope["path"]))
        url = f"{scope['path']}?{scope['query_string'].decode()}"
        for fragment, status in self._failing.items():
            if fragment in url:
                await PlainTextResponse("broken", status_code=status)(scope, receive, send)
                return
        if self._meeting is not None and scope["path"].startswith(self._meeting_at):
            await asyncio.wait_for(self._meeting.wait(), MEETING_TAKES_AT_MOST_S)
        changes = [change for fragment, change in self._spoiled.items() if fragment in url]
        if changes:
            await (await self._changed(changes, scope, receive))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _changed(
        self, changes: Sequence[Callable[[Any], None]], scope: Scope, receive: Receive
    ) -> Response:
        body = bytearray()

        async def collect(message: Message) -> None:
            body.extend(message.get("body", b""))

        await self._app(scope, receive, collect)
        payload = json.loads(body)
        for change in changes:
            change(payload)
        return JSONResponse(payload)


@dataclass
class World:
    """A running sandbox and the application beside it."""

    setup: Setup
    clock: HandClock
    base_url: str
    kalshi: KalshiMarketData
    sources: Sources
    edge: Edge
    cities: tuple[str, ...]

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Method and path of every request the sandbox received."""
        return self.edge.asked

    @property
    def now(self) -> datetime:
        return self.setup.stage.now()

    @property
    def opens_at(self) -> datetime:
        return self.setup.stage.clock.world_started_at

    def move_to(self, world_time: datetime) -> datetime:
        """Turn the wall clock so that the world stands at `world_time`."""
        self.clock.wall = ANCHOR + (world_time - self.opens_at) / SPEED
        assert abs(self.now - world_time) < timedelta(milliseconds=1)
        return self.now

    def cycle(self, limits: Limits | None = None) -> CycleReport:
        settings = Settings(
            mode=MODE,
            cities=self.cities,
            capital=Decimal(10_000),
            limits=limits or Limits(),
            weights=ALONE,
        )
        return run_cycle(self.now, settings, sources=self.sources, holder=HOLDER)

    def settle(self) -> SettlementReport:
        refresh_unsettled(self.now, client=self.kalshi)
        return settle_finalized(MODE, self.now)

    def control(self, **command: object) -> None:
        """Tell the control panel something, e.g. do="fault"."""
        answer = requests.post(f"{self.base_url}/control", json=command, timeout=5)
        assert answer.status_code == 200, answer.text

    def run(self, until: datetime, step: timedelta) -> list[CycleReport]:
        """Cycles and settlement rounds every `step` of world time."""
        reports = []
        while self.now + step <= until:
            self.move_to(self.now + step)
            reports.append(self.cycle())
            self.settle()
        return reports


@contextmanager
def running_world(folder: Path, day: date | None, state_dir: Path, *, depth: int = 10) -> Iterator[World]:
    """A sandbox over the recorded day, on a free port, until the block ends."""
    clock = HandClock()
    options = Options(folder, "KXHIGHCHI", day, SPEED, Decimal(depth), state_dir, wall_anchor=ANCHOR)
    with _serving(prepare(options, clock), clock, state_dir, cities=("CHI",)) as world:
        yield world


@contextmanager
def simulated_world(start: datetime, state_dir: Path, *, seed: int = 7) -> Iterator[World]:
    """A sandbox over the ten simulated cities, its time beginning at `start`, on a free port, until the block ends."""
    clock = HandClock()
    options = SimulatedOptions(seed, SPEED, start, history_days=2, state_dir=state_dir, wall_anchor=ANCHOR)
    with _serving(prepare_simulated(options, clock), clock, state_dir, cities=tuple(load_cities())) as world:
        yield world


@contextmanager
def _serving(setup: Setup, clock: HandClock, state_dir: Path, *, cities: tuple[str, ...]) -> Iterator[World]:
    edge = Edge(sandbox_app(setup.stage, open_accounts(state_dir), lambda: None))
    with served(edge) as base_url:
        kalshi, sources = sources_of(base_url, setup.stage.now)
        yield World(setup, clock, base_url, kalshi, sources, edge, cities)


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """`app` on a free port of loopback until the block ends; its address."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


def sources_of(base_url: str, now: Callable[[], datetime]) -> tuple[KalshiMarketData, Sources]:
    """The application's own clients on a sandbox, without waits between retries."""
    kalshi = KalshiMarketData(Transport(f"{base_url}/trade-api/v2", sleep=lambda _: None), now)
    policy = TransportPolicy(sleep=lambda _: None)
    nws = NwsClient(NwsTransport(f"{base_url}/nws", "(milkbot tests, none)", policy))
    return kalshi, Sources(
        weather=partial(refresh_weather, cache=WeatherCache(CityFetcher(nws))),
        boards=partial(read_boards, client=kalshi),
    )
