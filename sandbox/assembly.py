"""Puts a world, a clock and the two services together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount, WebSocketRoute
from starlette.types import ASGIApp

from sandbox.accounts import Account
from sandbox.cities import City, city_of_series
from sandbox.clock import WorldClock, whole_day_shift
from sandbox.control import ControlPanel
from sandbox.description import WorldIdentity, clock_to_resume, world_in_words
from sandbox.fault_middleware import FaultMiddleware
from sandbox.kalshi import app as kalshi
from sandbox.kalshi.auth import Gatekeeper
from sandbox.kalshi.costs import USUAL_TIER, Budgets, Tier
from sandbox.kalshi.lifecycle import finalization_time
from sandbox.kalshi.state_file import StateFile
from sandbox.kalshi.stream.commands import PATH as FEED_PATH
from sandbox.kalshi.stream.endpoint import feed_endpoint
from sandbox.kalshi.venue import Venue
from sandbox.nbm import app as nbm
from sandbox.nws import app as nws
from sandbox.recorded import RecordedDataError, read_recorded_day, recorded_dates
from sandbox.replay import Replay
from sandbox.stage import Stage


@dataclass(frozen=True, slots=True)
class Options:
    """What a person asks for. `wall_anchor` replaces the start's wall time in tests."""

    world: Path
    series: str
    event_date: date | None
    speed: float
    depth: Decimal
    state_dir: Path
    wall_anchor: datetime | None = None
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Setup:
    """A world ready to run. `city` is that of a recorded world; `inefficiency` what a simulated one admits of itself."""

    stage: Stage
    city: City | None
    identity: WorldIdentity
    shift_days: int
    invented: bool
    inefficiency: str | None = None

    @property
    def world_json(self) -> dict[str, Any]:
        """Which world it is and where it was moved to: what an account's past belongs to."""
        return self.identity.model_dump(mode="json") | {"shift_days": self.shift_days}

    @property
    def words(self) -> str:
        """What runs, for a person."""
        if self.city is None:
            return f"simulated world, seed {self.identity.seed}"
        return world_in_words(self.identity, self.city, self.shift_days, invented=self.invented)


class UnusableOptions(ValueError):
    """The options name nothing that can run; the message is one sentence for the person who typed them."""


def prepare(options: Options, wall: Callable[[], datetime]) -> Setup:
    """Read the recorded day, move it, and set its clock. Raises UnusableOptions or RecordedDataError."""
    city = _city(options.series)
    event_date = _event_date(options)
    day = read_recorded_day(options.world, city, event_date)
    identity = WorldIdentity(
        world_path=str(options.world.resolve()), series=options.series, recorded_date=event_date
    )
    started = options.wall_anchor or wall()
    if started > wall():
        raise UnusableOptions(f"--wall-anchor {started.isoformat()} lies in the future")
    former = clock_to_resume(options.state_dir, identity, options.speed, started) if options.resume else None
    if former is None:
        shift_days = whole_day_shift(finalization_time(day.ladder), started)
        moved = day.moved(shift_days)
        clock = WorldClock(started, moved.ladder.opens_at, options.speed)
    else:
        clock, shift_days = former
        moved = day.moved(shift_days)
    replay = Replay(moved, city, options.depth)
    return Setup(Stage(replay, replay, clock, wall), city, identity, shift_days, day.invented)


def sandbox_app(
    stage: Stage,
    accounts: tuple[Account, ...],
    publish: Callable[[], object],
    *,
    state: StateFile | None = None,
    tier: Tier | None = USUAL_TIER,
) -> ASGIApp:
    """Exchange with its feed, weather services and control panel behind the fault layer.

    The accounts' state is kept in `state`; the token buckets of `tier` refuse who asks too much, None refuses nobody.
    """
    return app_around(Venue(stage, accounts, state), accounts, publish, tier=tier)


def app_around(
    venue: Venue,
    accounts: tuple[Account, ...],
    publish: Callable[[], object],
    *,
    tier: Tier | None = USUAL_TIER,
) -> ASGIApp:
    """The same around an exchange that the caller keeps hold of."""
    stage, gatekeeper = venue.stage, Gatekeeper(accounts)
    services = Starlette(
        routes=[
            WebSocketRoute(FEED_PATH, feed_endpoint(venue, gatekeeper)),
            Mount(kalshi.ROOT, app=kalshi.exchange_app(venue, gatekeeper, Budgets(tier))),
            Mount(nws.ROOT, app=nws.weather_app(stage)),
            Mount(nbm.ROOT, app=nbm.blend_app(stage)),
            *ControlPanel(venue, publish).routes(),
        ],
    )
    return FaultMiddleware(services, stage)


def _city(series: str) -> City:
    try:
        return city_of_series(series)
    except KeyError:
        raise UnusableOptions(f"--series {series} is not a series this sandbox knows") from None


def _event_date(options: Options) -> date:
    try:
        dates = recorded_dates(options.world, options.series)
    except RecordedDataError as error:
        raise UnusableOptions(f"--world cannot be used: {error}") from error
    listed = ", ".join(str(day) for day in dates) or "none"
    if options.event_date is None:
        if len(dates) != 1:
            raise UnusableOptions(f"--date is needed; recorded dates of {options.series}: {listed}")
        return dates[0]
    if options.event_date not in dates:
        raise UnusableOptions(
            f"--date {options.event_date} is not recorded; recorded dates of {options.series}: {listed}"
        )
    return options.event_date
