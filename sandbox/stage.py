"""The running sandbox: the world's two feeds, its clock, and what a person has done to it from outside."""

from collections.abc import Callable
from datetime import datetime

from sandbox.clock import WorldClock
from sandbox.faults import FaultBoard
from sandbox.feeds import MarketFeed, WeatherFeed
from sandbox.held import HeldFeed


class Stage:
    """Shared by the exchange, the weather service and the control panel. `wall` reads the machine's clock.

    `market` is the world's makers and takers, who can be frozen; the exchange's members are not in it.
    """

    def __init__(
        self, market: MarketFeed, weather: WeatherFeed, clock: WorldClock, wall: Callable[[], datetime]
    ) -> None:
        self.market = HeldFeed(market)
        self.weather = weather
        self.clock = clock
        self.wall = wall
        self.faults = FaultBoard()

    def now(self) -> datetime:
        """World time."""
        return self.at(self.wall())

    def at(self, wall: datetime) -> datetime:
        """World time when the machine's clock says `wall`."""
        return self.clock.at(wall)

    @property
    def frozen_at(self) -> datetime | None:
        """The instant at which the market's prices stand still; None while they move."""
        return self.market.held_at
