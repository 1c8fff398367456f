"""A sandbox on loopback whose world time is set by hand, and the application's own clients pointed at it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import requests
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.transport import Transport
from markets.services import read_boards, refresh_unsettled
from milkbot.core.config import TradingMode
from sandbox.accounts import open_accounts
from sandbox.assembly import Options, Setup, prepare, sandbox_app
from trading.cycle import Settings, run_cycle
from trading.cycle_report import CycleReport
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


class HandClock:
    """The pretended wall clock: the world runs SPEED times as fast from ANCHOR on."""

    def __init__(self) -> None:
        self.wall = ANCHOR

    def __call__(self) -> datetime:
        return self.wall


@dataclass
class World:
    """A running sandbox and the application beside it."""

    setup: Setup
    clock: HandClock
    base_url: str
    kalshi: KalshiMarketData
    sources: Sources
    asked: list[tuple[str, str]]
    """Method and path of every request the sandbox received."""

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

    def cycle(self) -> CycleReport:
        settings = Settings(mode=MODE, cities=("CHI",), capital=Decimal(10_000))
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
    setup = prepare(options, clock)
    asked: list[tuple[str, str]] = []
    app = _recorded(sandbox_app(setup.stage, open_accounts(state_dir), lambda: None), asked)
    with served(app) as base_url:
        yield _world(setup, clock, base_url, asked)


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


def _recorded(app: ASGIApp, asked: list[tuple[str, str]]) -> ASGIApp:
    """`app`, noting the method and path of every request."""

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append((scope["method"], scope["path"]))
        await app(scope, receive, send)

    return noting


def _world(setup: Setup, clock: HandClock, base_url: str, asked: list[tuple[str, str]]) -> World:
    kalshi, sources = sources_of(base_url, setup.stage.now)
    return World(setup, clock, base_url, kalshi, sources, asked)


def sources_of(base_url: str, now: Callable[[], datetime]) -> tuple[KalshiMarketData, Sources]:
    """The application's own clients on a sandbox, without waits between retries."""
    kalshi = KalshiMarketData(Transport(f"{base_url}/trade-api/v2", sleep=lambda _: None), now)
    policy = TransportPolicy(sleep=lambda _: None)
    nws = NwsClient(NwsTransport(f"{base_url}/nws", "(milkbot tests, none)", policy))
    return kalshi, Sources(
        weather=partial(refresh_weather, cache=WeatherCache(CityFetcher(nws))),
        boards=partial(read_boards, client=kalshi),
    )
