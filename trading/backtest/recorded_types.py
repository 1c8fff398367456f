"""What a recording holds, as frozen values, and what was wrong with its rows."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from markets.domain.types import Market
from trading.backtest.quote_history import Quote, QuoteHistory, micros_of


class Forecast(NamedTuple):
    """A forecast of one climate day's high in °F. Nobody could use it before `available_at`."""

    city_code: str
    target_date: date
    issued_at: datetime
    available_at: datetime
    source: str
    kind: str
    high_f: Decimal


class DailyHigh(NamedTuple):
    """An observed high in whole °F; None where the source had none."""

    city_code: str
    day: date
    source: str
    high_f: int | None


class RecordedMarket(NamedTuple):
    """A bracket as it was listed while it traded, and how it ended: yes, no, or empty when the record does not tell.

    `market.rules_primary` is empty: recordings hold no contract texts.
    """

    market: Market
    result: str


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One city-day. Its brackets hold every whole degree exactly once, its results agree with `settle_f`."""

    city_code: str
    series_ticker: str
    event_ticker: str
    event_date: date
    open_at: datetime
    close_at: datetime
    markets: tuple[RecordedMarket, ...]
    settle_f: int | None
    settle_source: str

    @property
    def is_decided(self) -> bool:
        """Whether the record tells how every bracket ended."""
        return all(market.result for market in self.markets)


QUIET_AT_MOST: Final = timedelta(hours=6)
"""Without a change of any of an event's prices for longer, nobody was recording: the longest night seen was quiet for
six hours. What stood before is no price to trade on."""


class Fault(StrEnum):
    """What can be wrong with a row. The first group is refused, the second used and flagged."""

    FIELD_COUNT = "FIELD_COUNT"
    UNREADABLE = "UNREADABLE"
    NOT_UTC = "NOT_UTC"
    FUTURE_STAMPED = "FUTURE_STAMPED"
    DUPLICATE = "DUPLICATE"
    PRICE_OUT_OF_RANGE = "PRICE_OUT_OF_RANGE"
    CROSSED = "CROSSED"
    BEFORE_OPEN = "BEFORE_OPEN"
    AFTER_CLOSE = "AFTER_CLOSE"
    UNKNOWN_CITY = "UNKNOWN_CITY"
    UNKNOWN_EVENT = "UNKNOWN_EVENT"
    EVENT_REFUSED = "EVENT_REFUSED"
    NOT_PARTITION = "NOT_PARTITION"
    RESULT_CONTRADICTORY = "RESULT_CONTRADICTORY"
    IMPLAUSIBLE = "IMPLAUSIBLE"

    UNSORTED = "UNSORTED"
    OFF_CENT = "OFF_CENT"
    RESULT_TOO_EARLY = "RESULT_TOO_EARLY"
    CLOSE_TIME_MISMATCH = "CLOSE_TIME_MISMATCH"
    NO_QUOTES = "NO_QUOTES"
    QUOTE_GAP = "QUOTE_GAP"
    MISSING_EVENT = "MISSING_EVENT"


class RowNote(NamedTuple):
    """One refused or flagged row."""

    file: str
    line: int
    fault: Fault
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.fault}: {self.text}"


@dataclass(frozen=True, slots=True)
class FileCount:
    """Data rows of one file: rows = used + outside + refused. `outside` were of cities or days not asked for."""

    rows: int
    used: int
    outside: int
    refused: int


@dataclass(frozen=True, slots=True)
class ReadReport:
    """What became of every row. Counts are complete; `notes` names the first rows of each fault and file."""

    files: Mapping[str, FileCount]
    refused: Mapping[Fault, int]
    flagged: Mapping[Fault, int]
    notes: tuple[RowNote, ...]

    @property
    def rows(self) -> int:
        return sum(count.rows for count in self.files.values())

    def __str__(self) -> str:
        def counts(faults: Mapping[Fault, int]) -> str:
            return ", ".join(f"{fault} {number}" for fault, number in sorted(faults.items())) or "none"

        return f"{self.rows} rows; refused: {counts(self.refused)}; flagged: {counts(self.flagged)}"


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything read from a folder, each part in the order of time. Ask it only "as of" a moment."""

    events: tuple[RecordedEvent, ...]
    quotes: Mapping[str, QuoteHistory]
    """By market ticker; every market of `events` has an entry, possibly empty."""
    forecasts: Mapping[tuple[str, date], Sequence[Forecast]]
    """By (city, target date)."""
    highs: tuple[DailyHigh, ...]
    report: ReadReport

    def quote_at(self, ticker: str, now: datetime) -> Quote | None:
        """The newest quote not later than `now`; None before the first."""
        history = self.quotes.get(ticker)
        place = -1 if history is None else history.place_at(micros_of(now))
        return None if history is None or place < 0 else history[place]

    def forecast_at(self, city_code: str, day: date, now: datetime) -> Forecast | None:
        """The forecast of `day` that became available last, as far as anyone knew at `now`."""
        known = self.forecasts.get((city_code, day), ())
        index = bisect_right(known, now, key=available_at)
        return known[index - 1] if index else None

    def forecasts_at(
        self, city_code: str, day: date, now: datetime, *, within: timedelta
    ) -> tuple[Forecast, ...]:
        """Of every source the forecast of `day` that became available last, `within` the time before `now`; the newest of
        all last."""
        known, newest = self.forecasts.get((city_code, day), ()), dict[str, Forecast]()
        for place in range(bisect_right(known, now, key=available_at) - 1, -1, -1):
            forecast = known[place]
            if now - forecast.available_at > within:
                break
            newest.setdefault(forecast.source, forecast)
        return tuple(newest.values())[::-1]

    def forecast_of(self, source: str, city_code: str, day: date, now: datetime) -> Forecast | None:
        """The forecast of `day` by `source` that became available last, as far as anyone knew at `now`."""
        known = self.forecasts.get((city_code, day), ())
        for place in range(bisect_right(known, now, key=available_at) - 1, -1, -1):
            if known[place].source == source:
                return known[place]
        return None


def available_at(forecast: Forecast) -> datetime:
    """Sort key."""
    return forecast.available_at
