"""A recorded day as a world: what the exchange showed and what was known about the weather at any of its moments."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar

from sandbox.cities import City
from sandbox.feeds import (
    Book,
    ClimateProduct,
    ClimateReport,
    Issuance,
    Ladder,
    Level,
    Outcome,
    Pause,
    Quote,
    StationRecord,
    Trade,
)
from sandbox.nws.climate_report import report_text
from sandbox.recorded import Forecast, HourlyForecast, RecordedDay

K = TypeVar("K", date, datetime)
R = TypeVar("R", Forecast, HourlyForecast)

PREFERRED_SOURCE = "nbm_12z"


class Replay:
    """One recorded event of one city. Sizes were not recorded: `depth` contracts are assumed at each price shown."""

    def __init__(self, day: RecordedDay, city: City, depth: Decimal) -> None:
        self._day = day
        self._city = city
        self._depth = depth

    def ladders(self, _at: datetime) -> Sequence[Ladder]:
        """The one recorded event."""
        return (self._day.ladder,)

    def outcome(self, event_ticker: str) -> Outcome | None:
        """How the event ended; None when the recording does not tell."""
        return self._day.outcome if event_ticker == self._day.ladder.event_ticker else None

    def quote(self, ticker: str, at: datetime) -> Quote | None:
        """The newest recorded quote not later than `at`."""
        quotes = self._day.quotes.get(ticker, ())
        index = bisect_right(quotes, at, key=_quoted_at)
        return quotes[index - 1] if index else None

    def quotes(self, ticker: str, after: datetime, until: datetime) -> Sequence[Quote]:
        """Recorded quotes with after < at <= until."""
        quotes = self._day.quotes.get(ticker, ())
        return quotes[
            bisect_right(quotes, after, key=_quoted_at) : bisect_right(quotes, until, key=_quoted_at)
        ]

    def book(self, ticker: str, at: datetime) -> Book:
        """The recorded touch, with the assumed depth on each side that has a price."""
        quote = self.quote(ticker, at)
        if quote is None:
            return Book()
        return Book(
            yes_bids=() if quote.yes_bid is None else (Level(quote.yes_bid, self._depth),),
            no_bids=() if quote.yes_ask is None else (Level(1 - quote.yes_ask, self._depth),),
        )

    def trades(self, _ticker: str, _after: datetime, _until: datetime) -> Sequence[Trade]:
        """None: single trades were not recorded, and volume alone does not tell them."""
        return ()

    def pauses(self, _after: datetime, _until: datetime) -> Sequence[Pause]:
        """None: a recorded day knows no pauses."""
        return ()

    def cities(self) -> Sequence[City]:
        """The event's city."""
        return (self._city,)

    def issuance(self, city: City, at: datetime) -> Issuance | None:
        """For every day and hour the newest recorded forecast available at `at`; None when there is none."""
        known = [row for row in self._day.forecasts if row.available_at <= at]
        known_hourly = [row for row in self._day.hourly if row.available_at <= at]
        if city != self._city or not (known or known_hourly):
            return None
        highs = _newest((row.target_date, row) for row in known)
        hourly = _newest((row.target_at, row) for row in known_hourly)
        return Issuance(
            issued_at=max([row.available_at for row in known] + [row.available_at for row in known_hourly]),
            highs_f=tuple((day, whole_degrees(row.high_f)) for day, row in sorted(highs.items())),
            hourly_f=tuple((hour, whole_degrees(row.temp_f)) for hour, row in sorted(hourly.items())),
        )

    def reports(self, city: City, at: datetime) -> Sequence[ClimateReport]:
        """Final reports with the recorded highs, each at the office's usual hour."""
        if city != self._city:
            return ()
        every = (
            ClimateReport(day, city.final_report_at(day), high) for day, high in self._day.highs_f.items()
        )
        published = [report for report in every if report.issued_at <= at]
        return sorted(published, key=lambda report: report.issued_at, reverse=True)

    def climate_products(self, city: City, at: datetime) -> Sequence[ClimateProduct]:
        """The final reports as text; preliminary ones were not recorded."""
        return [
            ClimateProduct(report.issued_at, report_text(city, report)) for report in self.reports(city, at)
        ]

    def observations(
        self, _city: City, _start: datetime, _end: datetime, _at: datetime, _limit: int
    ) -> Sequence[StationRecord]:
        """None were recorded: the station is silent."""
        return ()


def whole_degrees(value: Decimal) -> int:
    """Degrees as the weather service gives them: whole, halves away from zero."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _quoted_at(quote: Quote) -> datetime:
    return quote.at


def _newest(rows: Iterable[tuple[K, R]]) -> dict[K, R]:
    """By key the row that became available last; of several at one moment the preferred source, then the last by name."""
    newest: dict[K, R] = {}
    for key, row in rows:
        held = newest.get(key)
        if held is None or _rank(row) > _rank(held):
            newest[key] = row
    return newest


def _rank(row: Forecast | HourlyForecast) -> tuple[datetime, bool, str]:
    return row.available_at, row.source == PREFERRED_SOURCE, row.source
