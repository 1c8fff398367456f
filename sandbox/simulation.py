"""Puts the simulated world together: ten cities at the present, or in a past that runs faster until it is the present."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sandbox.assembly import Setup, UnusableOptions
from sandbox.cities import CITIES
from sandbox.clock import WorldClock
from sandbox.description import WorldIdentity, clock_to_resume
from sandbox.stage import Stage
from sandbox.world.feed_weather import SimulatedWeatherFeed
from sandbox.world.market import EVENTS_KEPT, SimulatedMarketFeed
from sandbox.world.weather import WorldWeather

SIMULATED: Final = "simulated"
DAY: Final = timedelta(days=1)
LIFE_SPEED: Final = 1.0
COMPRESSED_PAST: Final = DAY


@dataclass(frozen=True, slots=True)
class SimulatedOptions:
    """What a person asks for. Without `start` the world begins now, or a day ago when it is to run faster than life.

    `wall_anchor` replaces the start's wall time in tests.
    """

    seed: int
    speed: float
    start: datetime | None
    history_days: int
    state_dir: Path
    wall_anchor: datetime | None = None
    resume: bool = False


def prepare_simulated(options: SimulatedOptions, wall: Callable[[], datetime]) -> Setup:
    """The world of `options.seed` with its clock set and today's prices worked out. Raises UnusableOptions."""
    identity = WorldIdentity(world_path=SIMULATED, series=None, recorded_date=None, seed=options.seed)
    clock = _clock(options, identity, wall)
    truth = WorldWeather(options.seed, CITIES)
    first_day = clock.world_started_at.date() - options.history_days * DAY
    weather = SimulatedWeatherFeed(truth)
    market = SimulatedMarketFeed(truth, options.seed, CITIES, first_day, reported_at=weather.reported_at)
    stage = Stage(market, weather, clock, wall)
    _warm(market, stage.now())
    return Setup(
        stage,
        city=None,
        identity=identity,
        shift_days=0,
        invented=True,
        inefficiency=market.inefficiency,
    )


def _clock(options: SimulatedOptions, identity: WorldIdentity, wall: Callable[[], datetime]) -> WorldClock:
    started = options.wall_anchor or wall()
    if started > wall():
        raise UnusableOptions(f"--wall-anchor {started.isoformat()} lies in the future")
    former = clock_to_resume(options.state_dir, identity, options.speed, started) if options.resume else None
    if former is not None:
        return former[0]
    usual = started if options.speed == LIFE_SPEED else started - COMPRESSED_PAST
    begins = options.start or usual
    if begins > started:
        raise UnusableOptions(f"--start {begins.isoformat()} lies in the future")
    return WorldClock(started, begins, options.speed)


def _warm(market: SimulatedMarketFeed, at: datetime) -> None:
    """Work out the newest events, as many as are kept, so that the first caller need not wait for all of them."""
    for ladder in market.ladders(at)[-EVENTS_KEPT:]:
        if ladder.opens_at <= at:
            market.quote(ladder.brackets[0].ticker, at)
