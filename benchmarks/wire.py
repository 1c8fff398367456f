"""Whole turns of the fast loop against the simulated exchange, over real sockets: ten cities, read as in life.

The weather is read as the live profiles do, from what the slow loop stored. Four series of turns: one open event per
city, two, and two again while every answer of the exchange takes half a second, at last also with fees to be read.
"""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

from django.db import connection

from benchmarks.compare import DELAYED, FEES_ANEW, ONE_DAY, TWO_DAYS, Turns
from benchmarks.simulated import SimulatedWorld, simulated_world
from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.transport import Transport
from markets.services import read_boards
from milkbot.core.cities import load_cities
from milkbot.core.config import TradingMode
from trading.cycle import Settings, run_cycle
from trading.cycle_report import CycleReport
from trading.reading import Sources
from weather.cache import WeatherCache
from weather.clients.nws.client import NwsClient
from weather.clients.nws.transport import NwsTransport
from weather.services import CityFetcher, known_weather, refresh_weather

ONE_EVENT_AT: Final = datetime(2025, 5, 13, 12, tzinfo=UTC)
"""Early morning in the United States: today's event trades, tomorrow's is not listed yet."""
TWO_EVENTS_AT: Final = ONE_EVENT_AT + timedelta(hours=6)
DELAY_S: Final = 0.5
_PERIOD: Final = timedelta(minutes=1)
_FEES_PERIOD: Final = timedelta(hours=1)
"""As long as fees are remembered."""
_WARM_UP: Final = 2
_PLAIN_TURNS: Final = 20
_DELAYED_TURNS: Final = 10
_FEES_ANEW_TURNS: Final = 3


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """One read of the exchange, in seconds of the performance counter."""

    begun_s: float
    ended_s: float


class TimedTransport(Transport):
    """Notes when each read began and ended; several threads may read."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url)
        self.trips: list[RoundTrip] = []

    def get_json(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        begun_s = time.perf_counter()
        try:
            return super().get_json(*arguments, **options)
        finally:
            self.trips.append(RoundTrip(begun_s, time.perf_counter()))


@dataclass(frozen=True, slots=True)
class Turn:
    """One timed turn."""

    elapsed_ms: float
    trips: Sequence[RoundTrip]
    statements: int
    report: CycleReport

    @property
    def slowest_ms(self) -> float:
        return max(trip.ended_s - trip.begun_s for trip in self.trips) * 1000


@dataclass
class Trader:
    """The application beside a simulated world."""

    world: SimulatedWorld
    now: datetime
    transport: TimedTransport = field(init=False)
    sources: Sources = field(init=False)
    cache: WeatherCache = field(init=False)

    def __post_init__(self) -> None:
        self.transport = TimedTransport(self.world.kalshi_url)
        client = KalshiMarketData(self.transport, lambda: self.now)
        self.sources = Sources(weather=known_weather, boards=partial(read_boards, client=client))
        nws = NwsClient(NwsTransport(self.world.nws_url, "(milkbot benchmarks, none)"))
        self.cache = WeatherCache(CityFetcher(nws))

    def turns(self, count: int, period: timedelta = _PERIOD) -> list[Turn]:
        """That many timed turns, a `period` of world time apart, after some that are not counted."""
        return [self._turn(period) for _ in range(_WARM_UP + count)][_WARM_UP:]

    def move_to(self, world_time: datetime) -> None:
        """Set the world's time and bring the stored weather up to it."""
        self.now = world_time
        self.world.move_to(world_time)
        refresh_weather(tuple(load_cities()), world_time, cache=self.cache)

    def _turn(self, period: timedelta) -> Turn:
        self.move_to(self.now + period)
        settings = Settings(mode=TradingMode.SHADOW, cities=tuple(load_cities()), capital=Decimal(10_000))
        self.transport.trips.clear()
        with _counted_statements() as statements:
            begun_s = time.perf_counter()
            report = run_cycle(self.now, settings, sources=self.sources, holder="bench/1/1.00")
            elapsed_ms = (time.perf_counter() - begun_s) * 1000
        return Turn(elapsed_ms, tuple(self.transport.trips), len(statements), report)


def measure_turns() -> Mapping[str, Turns]:
    """The four series of turns, by name."""
    with simulated_world(ONE_EVENT_AT) as world:
        trader = Trader(world, ONE_EVENT_AT)
        trader.move_to(ONE_EVENT_AT + _PERIOD)
        one_day = trader.turns(_PLAIN_TURNS)
        trader.move_to(TWO_EVENTS_AT)
        two_days = trader.turns(_PLAIN_TURNS)
        with world.answering_after(DELAY_S):
            delayed = trader.turns(_DELAYED_TURNS)
            fees_anew = trader.turns(_FEES_ANEW_TURNS, _FEES_PERIOD)
    series = {ONE_DAY: one_day, TWO_DAYS: two_days, DELAYED: delayed, FEES_ANEW: fees_anew}
    return {name: summary(turns) for name, turns in series.items()}


def summary(turns: Sequence[Turn]) -> Turns:
    """Medians of the times, the most of the counts. Orders are committed and sent one by one: they are left out."""
    times_ms = [turn.elapsed_ms for turn in turns]
    statements = [turn.statements for turn in turns if not turn.report.intents]
    return Turns(
        turns=len(turns),
        markets=max(turn.report.markets for turn in turns),
        median_ms=round(statistics.median(times_ms), 1),
        p95_ms=round(statistics.quantiles(times_ms, n=20, method="inclusive")[-1], 1),
        requests=max(len(turn.trips) for turn in turns),
        slowest_ms=round(statistics.median(turn.slowest_ms for turn in turns), 1),
        ratio=round(statistics.median(turn.elapsed_ms / turn.slowest_ms for turn in turns), 2),
        hops=max(longest_chain(turn.trips) for turn in turns),
        statements=min(statements, default=0),
        statements_most=max(statements, default=0),
        faults=sum(len(turn.report.errors) for turn in turns),
    )


def longest_chain(trips: Sequence[RoundTrip]) -> int:
    """How many of the reads came one after the other: the most that do not overlap."""
    chain, free_at_s = 0, float("-inf")
    for trip in sorted(trips, key=lambda trip: trip.ended_s):
        if trip.begun_s >= free_at_s:
            chain, free_at_s = chain + 1, trip.ended_s
    return chain


@contextmanager
def _counted_statements() -> Iterator[list[str]]:
    executed: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        executed.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield executed
