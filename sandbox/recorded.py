"""Reader of the recorded-ladder format: one past event with its quotes, forecasts and result.

Layout of a world's folder: `kalshi/ladders/events.csv`, `kalshi/ladders/quotes_<series>_*.csv[.gz]`,
`weather/forecasts.csv[.gz]`, `weather/hourly_forecasts_<city>_*.csv[.gz]` (may be absent) and
`weather/daily_highs.csv[.gz]`. Times end in Z, an empty field is unknown. A row that breaks a rule is refused with
file, line and reason: a world with a hole in it would teach nothing.
"""

import csv
import gzip
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeVar, cast

from sandbox.cities import City
from sandbox.clock import parse_instant
from sandbox.feeds import Bracket, Ladder, Outcome, Quote, StrikeType
from sandbox.tickers import moved_ticker

T = TypeVar("T")

FORECAST_KINDS: Final = frozenset({"day_high", "peak_window"})
PUBLICATION_MARGIN: Final = timedelta(minutes=30)
DAYS_BEFORE: Final = timedelta(days=2)
DAYS_AFTER: Final = timedelta(days=8)
HIGH_SOURCES: Final = ("iem", "ncei")
INVENTED: Final = "invented"
STRIKES_GIVEN: Final = {"less": (False, True), "between": (True, True), "greater": (True, False)}

EVENT_COLUMNS: Final = (
    "city",
    "series",
    "event_ticker",
    "event_date",
    "ticker",
    "strike_type",
    "floor_strike",
    "cap_strike",
    "open_time_utc",
    "close_time_utc",
    "result",
    "settle_f",
    "settle_source",
)
QUOTE_COLUMNS: Final = ("ticker", "ts_utc", "yes_bid", "yes_ask", "last", "volume", "open_interest")
FORECAST_COLUMNS: Final = (
    "city",
    "target_date",
    "issued_at_utc",
    "available_at_utc",
    "source",
    "kind",
    "high_f",
)
HOURLY_COLUMNS: Final = ("target_ts_utc", "issued_at_utc", "source", "temp_f")
HIGH_COLUMNS: Final = ("city", "date", "high_f", "source", "observed_evening_f")


class RecordedDataError(ValueError):
    """A recorded world that cannot be used; the message names the file, the line and the reason."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """One recorded forecast of a day's high; usable from `available_at` on."""

    target_date: date
    available_at: datetime
    source: str
    high_f: Decimal


@dataclass(frozen=True, slots=True)
class HourlyForecast:
    """One recorded hourly temperature; usable from `available_at` on."""

    target_at: datetime
    available_at: datetime
    source: str
    temp_f: Decimal


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """One event as it was recorded, together with the forecasts and official highs around it.

    `invented`: the folder says of itself that its numbers are made up.
    """

    ladder: Ladder
    outcome: Outcome | None
    quotes: Mapping[str, tuple[Quote, ...]]
    forecasts: tuple[Forecast, ...]
    hourly: tuple[HourlyForecast, ...]
    highs_f: Mapping[date, int]
    invented: bool

    def moved(self, days: int) -> "RecordedDay":
        """The same day, `days` whole days later: every time, date and ticker moves, nothing else changes."""
        by = timedelta(days=days)
        return RecordedDay(
            ladder=_moved_ladder(self.ladder, by),
            outcome=self.outcome
            and replace(self.outcome, winning_ticker=moved_ticker(self.outcome.winning_ticker, by)),
            quotes={
                moved_ticker(ticker, by): tuple(replace(quote, at=quote.at + by) for quote in quotes)
                for ticker, quotes in self.quotes.items()
            },
            forecasts=tuple(
                replace(row, target_date=row.target_date + by, available_at=row.available_at + by)
                for row in self.forecasts
            ),
            hourly=tuple(
                replace(row, target_at=row.target_at + by, available_at=row.available_at + by)
                for row in self.hourly
            ),
            highs_f={day + by: high_f for day, high_f in self.highs_f.items()},
            invented=self.invented,
        )


def _moved_ladder(ladder: Ladder, by: timedelta) -> Ladder:
    return replace(
        ladder,
        event_ticker=moved_ticker(ladder.event_ticker, by),
        event_date=ladder.event_date + by,
        opens_at=ladder.opens_at + by,
        closes_at=ladder.closes_at + by,
        brackets=tuple(
            replace(bracket, ticker=moved_ticker(bracket.ticker, by)) for bracket in ladder.brackets
        ),
    )


def recorded_dates(world: Path, series_ticker: str) -> tuple[date, ...]:
    """Event dates the world holds for a series, ascending."""
    rows = _rows(_one_file(world, "kalshi/ladders/events"), EVENT_COLUMNS)
    return tuple(sorted({row.day("event_date") for row in rows if row.text("series") == series_ticker}))


def read_recorded_day(world: Path, city: City, event_date: date) -> RecordedDay:
    """Everything recorded for one event. Raises RecordedDataError for a missing file, event or a bad row."""
    ladder, outcome, invented = read_event(world, city, event_date)
    highs_f = _read_highs(world, city, event_date)
    if outcome is not None and outcome.high_f is not None:
        highs_f[event_date] = outcome.high_f
    return RecordedDay(
        ladder=ladder,
        outcome=outcome,
        quotes=_read_quotes(world, ladder),
        forecasts=_read_forecasts(world, city, event_date),
        hourly=_read_hourly(world, city, event_date),
        highs_f=highs_f,
        invented=invented,
    )


def read_event(world: Path, city: City, event_date: date) -> tuple[Ladder, Outcome | None, bool]:
    """An event's ladder, how it ended (None: not on record), and whether its numbers are made up."""
    rows = _event_rows(world, city, event_date)
    ladder = _ladder(rows, city, event_date)
    return ladder, _outcome(rows, ladder), rows[0].fields["settle_source"] == INVENTED


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a file, with typed access that names the place when it fails."""

    where: str
    fields: Mapping[str, str] = field(repr=False)

    def refused(self, reason: str) -> RecordedDataError:
        return RecordedDataError(f"{self.where}: {reason}")

    def text(self, name: str) -> str:
        value = self.fields[name]
        if not value:
            raise self.refused(f"{name} is empty")
        return value

    def _parsed(self, name: str, parse: Callable[[str], T], wanted: str) -> T:
        text = self.text(name)
        try:
            return parse(text)
        except (ValueError, InvalidOperation):
            raise self.refused(f"{name} is {text!r}, not {wanted}") from None

    def day(self, name: str) -> date:
        return self._parsed(name, date.fromisoformat, "a date")

    def instant(self, name: str) -> datetime:
        return self._parsed(name, parse_instant, "a time with zone")

    def optional_instant(self, name: str) -> datetime | None:
        return self.instant(name) if self.fields[name] else None

    def optional_whole(self, name: str) -> int | None:
        return self._parsed(name, int, "a whole number") if self.fields[name] else None

    def number(self, name: str) -> Decimal:
        value = self._parsed(name, Decimal, "a number")
        if not value.is_finite():
            raise self.refused(f"{name} is {value}, not a finite number")
        return value

    def optional_price(self, name: str) -> Decimal | None:
        if not self.fields[name]:
            return None
        price = self.number(name)
        if not 0 < price < 1:
            raise self.refused(f"{name} {price} is not between 0 and 1")
        return price

    def optional_count(self, name: str) -> Decimal | None:
        if not self.fields[name]:
            return None
        count = self.number(name)
        if count < 0:
            raise self.refused(f"{name} {count} is negative")
        return count


def _one_file(world: Path, stem: str) -> Path:
    for suffix in (".csv", ".csv.gz"):
        path = world / f"{stem}{suffix}"
        if path.is_file():
            return path
    raise RecordedDataError(f"{world}: there is no {stem}.csv or {stem}.csv.gz")


def _files(world: Path, pattern: str) -> list[Path]:
    return sorted([*world.glob(f"{pattern}.csv"), *world.glob(f"{pattern}.csv.gz")])


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[_Row]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines, strict=True)
        if tuple(next(reader, ())) != columns:
            raise RecordedDataError(f"{path.name}:1: the columns must be {','.join(columns)}")
        for values in reader:
            where = f"{path.name}:{reader.line_num}"
            if len(values) != len(columns):
                raise RecordedDataError(f"{where}: {len(values)} fields instead of {len(columns)}")
            yield _Row(where, dict(zip(columns, values, strict=True)))


def _event_rows(world: Path, city: City, event_date: date) -> list[_Row]:
    path = _one_file(world, "kalshi/ladders/events")
    rows = [
        row
        for row in _rows(path, EVENT_COLUMNS)
        if row.text("series") == city.series_ticker and row.day("event_date") == event_date
    ]
    if not rows:
        raise RecordedDataError(f"{path.name}: no event of {city.series_ticker} on {event_date}")
    return rows


def _ladder(rows: list[_Row], city: City, event_date: date) -> Ladder:
    first = rows[0]
    brackets = sorted((_bracket(row) for row in rows), key=lambda b: (b.lowest_f is not None, b.lowest_f))
    _check_partition(brackets, first)
    ladder = Ladder(
        series_ticker=city.series_ticker,
        event_ticker=first.text("event_ticker"),
        event_date=event_date,
        opens_at=first.instant("open_time_utc"),
        closes_at=first.instant("close_time_utc"),
        brackets=tuple(brackets),
    )
    if ladder.closes_at <= ladder.opens_at:
        raise first.refused("close_time_utc is not after open_time_utc")
    return ladder


def _bracket(row: _Row) -> Bracket:
    strike_type = row.text("strike_type")
    floor, cap = row.optional_whole("floor_strike"), row.optional_whole("cap_strike")
    if STRIKES_GIVEN.get(strike_type) != (floor is not None, cap is not None):
        raise row.refused(f"strike_type {strike_type!r} does not go with floor {floor} and cap {cap}")
    return Bracket(row.text("ticker"), cast(StrikeType, strike_type), floor, cap)


def _check_partition(brackets: list[Bracket], row: _Row) -> None:
    """Refuse a ladder that does not cover every whole degree exactly once."""
    ends_open = brackets[0].lowest_f is None and brackets[-1].highest_f is None
    joined = all(
        below.highest_f is not None and above.lowest_f == below.highest_f + 1
        for below, above in pairwise(brackets)
    )
    if not (ends_open and joined):
        raise row.refused("the ladder does not cover every whole degree exactly once")


def _outcome(rows: list[_Row], ladder: Ladder) -> Outcome | None:
    results = {row.text("ticker"): row.fields["result"] for row in rows}
    unknown = set(results.values()) - {"yes", "no", ""}
    if unknown:
        raise rows[0].refused(f"result {sorted(unknown)} is neither yes, no nor empty")
    winners = [ticker for ticker, result in results.items() if result == "yes"]
    if not winners:
        return None
    high_f = rows[0].optional_whole("settle_f")
    paying = [b.ticker for b in ladder.brackets if high_f is None or b.contains(high_f)]
    if len(winners) > 1 or winners[0] not in paying:
        raise rows[0].refused(f"results {winners} do not agree with one another or with settle_f {high_f}")
    return Outcome(winners[0], high_f)


def _read_quotes(world: Path, ladder: Ladder) -> dict[str, tuple[Quote, ...]]:
    files = _files(world, f"kalshi/ladders/quotes_{ladder.series_ticker}_*")
    if not files:
        raise RecordedDataError(f"{world}: there is no kalshi/ladders/quotes_{ladder.series_ticker}_*.csv")
    quotes: dict[str, list[Quote]] = {bracket.ticker: [] for bracket in ladder.brackets}
    for path in files:
        for row in _rows(path, QUOTE_COLUMNS):
            if (kept := quotes.get(row.fields["ticker"])) is None:
                continue
            quote = _quote(row)
            if kept and quote.at <= kept[-1].at:
                raise row.refused(f"ts_utc {quote.at} does not come after the market's earlier row")
            kept.append(quote)
    return {ticker: tuple(kept) for ticker, kept in quotes.items()}


def _quote(row: _Row) -> Quote:
    bid, ask = row.optional_price("yes_bid"), row.optional_price("yes_ask")
    if bid is not None and ask is not None and bid >= ask:
        raise row.refused(f"yes_bid {bid} is not below yes_ask {ask}")
    return Quote(
        at=row.instant("ts_utc"),
        yes_bid=bid,
        yes_ask=ask,
        last=row.optional_price("last"),
        volume=row.optional_count("volume"),
        open_interest=row.optional_count("open_interest"),
    )


def _read_forecasts(world: Path, city: City, event_date: date) -> tuple[Forecast, ...]:
    wanted = (event_date - DAYS_BEFORE).isoformat(), (event_date + DAYS_AFTER).isoformat()
    return tuple(
        Forecast(
            target_date=row.day("target_date"),
            available_at=row.optional_instant("available_at_utc")
            or row.instant("issued_at_utc") + PUBLICATION_MARGIN,
            source=row.text("source"),
            high_f=row.number("high_f"),
        )
        for row in _rows(_one_file(world, "weather/forecasts"), FORECAST_COLUMNS)
        # Text compares like dates here, and a file of years need not be parsed for one week of it.
        if row.fields["city"] == city.code and wanted[0] <= row.fields["target_date"] <= wanted[1]
        if row.text("kind") in FORECAST_KINDS
    )


def _read_hourly(world: Path, city: City, event_date: date) -> tuple[HourlyForecast, ...]:
    first = datetime.combine(event_date - DAYS_BEFORE, time(0), UTC)
    last = datetime.combine(event_date + DAYS_AFTER, time(0), UTC)
    found = []
    for path in _files(world, f"weather/hourly_forecasts_{city.code}_*"):
        for row in _rows(path, HOURLY_COLUMNS):
            target_at = row.instant("target_ts_utc")
            if first <= target_at <= last:
                # Only the date of issue is known: the end of that climate day is the earliest safe moment.
                next_day = row.instant("issued_at_utc").date() + timedelta(days=1)
                found.append(
                    HourlyForecast(
                        target_at, city.climate_day_start(next_day), row.text("source"), row.number("temp_f")
                    )
                )
    return tuple(found)


def _read_highs(world: Path, city: City, event_date: date) -> dict[date, int]:
    """Official highs by climate day; the first of `HIGH_SOURCES` that has the day wins."""
    wanted = (event_date - DAYS_BEFORE).isoformat(), (event_date + DAYS_AFTER).isoformat()
    found: dict[tuple[str, date], int] = {}
    for row in _rows(_one_file(world, "weather/daily_highs"), HIGH_COLUMNS):
        if row.fields["city"] == city.code and wanted[0] <= row.fields["date"] <= wanted[1]:
            high_f = row.optional_whole("high_f")
            if high_f is not None and row.text("source") in HIGH_SOURCES:
                found[row.text("source"), row.day("date")] = high_f
    return {
        day: found[source, day] for source in reversed(HIGH_SOURCES) for name, day in found if name == source
    }
