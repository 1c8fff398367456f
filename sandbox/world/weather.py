"""The weather of the simulated world: truth, forecasts and what can be known of both at any moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sandbox.cities import City


@dataclass(frozen=True, slots=True)
class StationRecord:
    """One record of a station: a METAR with its text, or a five-minute record whose `metar` is empty.

    `temp_c`: tenths of a degree in a METAR, whole degrees in a five-minute record, None when it is missing.
    Nobody outside the station knows of it before `available_at`.
    """

    observed_at: datetime
    available_at: datetime
    temp_c: Decimal | None
    metar: str


class WorldWeather:
    """Everything follows from `seed`; any city and day can be asked for without the ones before it."""

    def __init__(self, seed: int, cities: Sequence[City]) -> None:
        raise NotImplementedError

    @property
    def cities(self) -> tuple[City, ...]:
        """The cities of this world."""
        raise NotImplementedError

    def temperature_f(self, city: City, at: datetime) -> float:
        """The true air temperature."""
        raise NotImplementedError

    def high_f(self, city: City, day: date) -> int:
        """The official maximum of climate day `day`."""
        raise NotImplementedError

    def forecast_high_f(self, city: City, day: date, at: datetime) -> int | None:
        """The newest issued forecast of that day's high known at `at`; None before the first (7 days ahead)."""
        raise NotImplementedError

    def forecast_mu_f(self, city: City, day: date, at: datetime) -> float:
        """The same, unrounded. Raises ValueError when nothing has been issued yet."""
        raise NotImplementedError

    def issued_at(self, city: City, at: datetime) -> datetime:
        """When the forecast in force at `at` was issued."""
        raise NotImplementedError

    def revisions(self, city: City, day: date, until: datetime) -> Sequence[tuple[datetime, int]]:
        """(issued_at, high_f) of every issuance for `day` up to `until`, ascending."""
        raise NotImplementedError

    def best_mu_sigma(self, city: City, day: date, at: datetime) -> tuple[float, float]:
        """Mean and standard deviation of the settled high for a trader who knows all forecasts and observations."""
        raise NotImplementedError

    def max_so_far_f(self, city: City, day: date, at: datetime) -> int | None:
        """The station's own running maximum of `day` at `at`; None before the day begins."""
        raise NotImplementedError

    def metars(self, city: City, after: datetime, until: datetime) -> Sequence[StationRecord]:
        """Hourly METARs with after < observed_at <= until, ascending."""
        raise NotImplementedError

    def five_minute(self, city: City, after: datetime, until: datetime) -> Sequence[StationRecord]:
        """Five-minute records with after < observed_at <= until, ascending."""
        raise NotImplementedError
