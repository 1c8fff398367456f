"""What the simulated exchange asks of the simulated weather. `sandbox.world.weather.WorldWeather` answers it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from sandbox.cities import City


class Truth(Protocol):
    """Weather as it happens and as it is known. Temperatures in °F, times aware UTC, days are climate days."""

    def high_f(self, city: City, day: date) -> int:
        """The official high of the day, whether or not it is over."""
        ...

    def forecast_high_f(self, city: City, day: date, at: datetime) -> int | None:
        """The public forecast of the day's high in force at `at`; None before the first."""
        ...

    def revisions(self, city: City, day: date, until: datetime) -> Sequence[tuple[datetime, int]]:
        """Every public forecast of the day's high issued by `until`: (issued_at, high), ascending."""
        ...

    def best_mu_sigma(self, city: City, day: date, at: datetime) -> tuple[float, float]:
        """Mean and standard deviation of the settled whole degree for somebody who knows all that can be known at `at`."""
        ...

    def max_so_far_f(self, city: City, day: date, at: datetime) -> int | None:
        """The station's own running maximum at `at`; None while the day has not begun."""
        ...
