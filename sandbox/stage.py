"""The running sandbox: the world's two feeds, its clock, and what a person has done to it from outside."""

from collections.abc import Callable
from datetime import datetime

from sandbox.clock import WorldClock
from sandbox.faults import FaultBoard
from sandbox.feeds import MarketFeed, WeatherFeed


class Stage:
    """Shared by the exchange, the weather service and the control panel. `wall` reads the machine's clock."""

    def __init__(
        self, market: MarketFeed, weather: WeatherFeed, clock: WorldClock, wall: Callable[[], datetime]
    ) -> None:
        self.market = market
        self.weather = weather
        self.clock = clock
        self.wall = wall
        self.faults = FaultBoard()
        self._frozen_at: datetime | None = None

    def now(self) -> datetime:
        """World time."""
        return self.clock.at(self.wall())

    def exchange_now(self) -> datetime:
        """The instant the exchange shows: world time, or the moment it was frozen."""
        return self._frozen_at or self.now()

    @property
    def frozen_at(self) -> datetime | None:
        """The instant at which the exchange stands still; None while it moves."""
        return self._frozen_at

    def freeze(self) -> None:
        """Hold quotes and statuses still; the clock and the weather go on."""
        self._frozen_at = self.exchange_now()

    def thaw(self) -> None:
        """Let the exchange catch up with world time."""
        self._frozen_at = None
