"""The simulated weather as the weather service asks for it."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from sandbox.cities import City
from sandbox.feeds import ClimateProduct, ClimateReport, Issuance, StationRecord
from sandbox.world.cli_text import report_text
from sandbox.world.climate_reports import ClimateReports
from sandbox.world.temperature import whole_f
from sandbox.world.weather import FORECAST_DAYS_AHEAD, WorldWeather

DAY: Final = timedelta(days=1)
HOURS_FORECAST: Final = 24 * FORECAST_DAYS_AHEAD
REPORTS_KEPT_DAYS: Final = 8


class SimulatedWeatherFeed:
    """The weather service's side of the simulated world."""

    def __init__(self, world: WorldWeather) -> None:
        self._world = world
        self._reports = ClimateReports(world)
        self._issued = lru_cache(maxsize=64)(self._written_issuance)
        self._products_of_day = lru_cache(maxsize=512)(self._written_products)

    def cities(self) -> Sequence[City]:
        """Every city of the world."""
        return self._world.cities

    def issuance(self, city: City, at: datetime) -> Issuance | None:
        """The forecast in force at `at`. Its highs are those of the daylight hours, as an office's grid has them."""
        return self._issued(city, self._world.issued_at(city, at))

    def reports(self, city: City, at: datetime) -> Sequence[ClimateReport]:
        """Final reports with a maximum published by `at`, newest first."""
        return [
            ClimateReport(report.climate_date, report.issued_at, report.high_f)
            for report in self._reports.published(city, at, REPORTS_KEPT_DAYS)
            if report.as_of is None and report.high_f is not None
        ]

    def reported_at(self, city: City, day: date) -> datetime:
        """When the first final report that gives the maximum of `day` is published: the moment it can be settled."""
        return min(
            report.issued_at
            for report in self._reports.of_day(city, day)
            if report.as_of is None and report.high_f is not None
        )

    def climate_products(self, city: City, at: datetime) -> Sequence[ClimateProduct]:
        """Preliminary, final and corrected reports published by `at`, newest first."""
        today = city.climate_day(at)
        every = (
            product
            for back in range(REPORTS_KEPT_DAYS + 1)
            for product in self._products_of_day(city, today - back * DAY)
            if product.issued_at <= at
        )
        return sorted(every, key=lambda product: product.issued_at, reverse=True)

    def observations(
        self, city: City, start: datetime, end: datetime, at: datetime, limit: int
    ) -> Sequence[StationRecord]:
        """METARs and five-minute records that are available at `at`, newest first."""
        found: list[StationRecord] = []
        until = min(end, at)
        while until >= start and len(found) < limit:
            after = max(until - DAY, start - timedelta(microseconds=1))
            records = [*self._world.metars(city, after, until), *self._world.five_minute(city, after, until)]
            known = (record for record in records if record.available_at <= at)
            found += sorted(known, key=lambda record: record.observed_at, reverse=True)
            until = after
        return found[:limit]

    def _written_issuance(self, city: City, issued_at: datetime) -> Issuance:
        first = city.climate_day(issued_at)
        days = (first + k * DAY for k in range(FORECAST_DAYS_AHEAD))
        return Issuance(
            issued_at=issued_at,
            highs_f=tuple(
                (day, whole_f(self._world.forecast_day_mu_f(city, day, issued_at))) for day in days
            ),
            hourly_f=tuple(self._world.hourly_forecast_f(city, issued_at, HOURS_FORECAST)),
        )

    def _written_products(self, city: City, day: date) -> tuple[ClimateProduct, ...]:
        return tuple(
            ClimateProduct(report.issued_at, report_text(city, report))
            for report in self._reports.of_day(city, day)
        )
