"""`python -m sandbox.export`: days of the simulated world in the recorded-ladder format, for backtests and replays.

Quotes are those standing at the end of each minute in which something changed, so a row never looks ahead. One seed and
range always give the same bytes. With a moment `until`, the files hold what somebody could have recorded by then: no event
that opens later, no result that is not paid yet.
"""

import argparse
import csv
import gzip
import json
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import TextIOWrapper
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Final, NoReturn

from sandbox.cities import CITIES, City
from sandbox.clock import parse_instant
from sandbox.feeds import Ladder, Outcome, Quote
from sandbox.kalshi.wire import timestamp
from sandbox.recorded import (
    EVENT_COLUMNS,
    FORECAST_COLUMNS,
    HIGH_COLUMNS,
    HOURLY_COLUMNS,
    INVENTED,
    QUOTE_COLUMNS,
)
from sandbox.world.feed_weather import SimulatedWeatherFeed
from sandbox.world.market import SimulatedMarketFeed
from sandbox.world.market_fair import INEFFICIENCY
from sandbox.world.weather import WorldWeather

BAD_ARGUMENTS: Final = 2
DAY: Final = timedelta(days=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
FORECAST_SOURCE: Final = "nws_simulated"
FORECAST_KIND: Final = "day_high"
# The reader takes official highs from this source; that they are made up stands in events.csv.
HIGH_SOURCE: Final = "iem"
OBSERVATION_COLUMNS: Final = ("station", "observed_at_utc", "available_at_utc", "kind", "temp_c", "metar")
METAR_KIND: Final = "metar"
FIVE_MINUTE_KIND: Final = "whole_c"
EVENTS_KEPT: Final = 1

Row = Sequence[str]
Closing = tuple[datetime, str, Quote]


@dataclass(frozen=True, slots=True)
class Export:
    """Which part of which world: climate days from `first` to `last`, both included, as known at `until`.

    Without `until` the days are told to their end.
    """

    seed: int
    first: date
    last: date
    cities: Sequence[City] = CITIES
    until: datetime | None = None
    with_readings: bool = False
    """Whether readings and hourly forecasts of the days under way are written, too: many times as many weather rows."""

    @property
    def days(self) -> list[date]:
        """The climate days, ascending."""
        return [self.first + offset * DAY for offset in range((self.last - self.first).days + 1)]

    def is_known(self, at: datetime) -> bool:
        """Whether what happens at `at` belongs into the export."""
        return self.until is None or at <= self.until

    def known_part(self, end: datetime) -> datetime:
        """The end of what is known of something that ends at `end`."""
        return end if self.until is None else min(end, self.until)


class UnusableTarget(ValueError):
    """The folder cannot take an export; the message is one sentence."""


def export(wanted: Export, out: Path) -> None:
    """Write the world into `out`. Raises UnusableTarget when something lies there: two exports in one would not agree."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UnusableTarget(f"{out} is not an empty folder")
    truth = WorldWeather(wanted.seed, wanted.cities)
    reported_at = SimulatedWeatherFeed(truth).reported_at
    feed = SimulatedMarketFeed(truth, wanted.seed, wanted.cities, wanted.first, EVENTS_KEPT, reported_at)
    ladders, weather = out / "kalshi" / "ladders", out / "weather"
    for folder in (ladders, weather):
        folder.mkdir(parents=True)
    by_city = {city: _ladders_of(feed, city, wanted) for city in wanted.cities}
    events = (row for city, found in by_city.items() for row in _event_rows(feed, city, found, wanted))
    _write(ladders / "events.csv", EVENT_COLUMNS, events)
    for city, found in by_city.items():
        name = f"quotes_{city.series_ticker}_{wanted.first}_{wanted.last}.csv.gz"
        _write(ladders / name, QUOTE_COLUMNS, _quote_rows(feed, found, wanted))
    _write(weather / "forecasts.csv.gz", FORECAST_COLUMNS, _forecast_rows(truth, wanted))
    _write(weather / "daily_highs.csv.gz", HIGH_COLUMNS, _high_rows(truth, wanted, reported_at))
    for city in wanted.cities if wanted.with_readings else ():
        days = f"{city.code}_{wanted.first}_{wanted.last}.csv.gz"
        _write(weather / f"observations_{days}", OBSERVATION_COLUMNS, _reading_rows(truth, city, wanted))
        _write(weather / f"hourly_forecasts_{days}", HOURLY_COLUMNS, _hourly_rows(truth, city, wanted))
    _write_description(out / "world.json", wanted)


def _ladders_of(feed: SimulatedMarketFeed, city: City, wanted: Export) -> list[Ladder]:
    until = city.climate_day_start(wanted.last)
    return [
        ladder
        for ladder in feed.ladders(until)
        if ladder.series_ticker == city.series_ticker
        and ladder.event_date <= wanted.last
        and wanted.is_known(ladder.opens_at)
    ]


def _event_rows(
    feed: SimulatedMarketFeed, city: City, ladders: Iterable[Ladder], wanted: Export
) -> Iterator[Row]:
    for ladder in ladders:
        outcome = _known_outcome(feed, ladder, wanted)
        for bracket in sorted(ladder.brackets, key=attrgetter("ticker")):
            yield (
                city.code,
                city.series_ticker,
                ladder.event_ticker,
                ladder.event_date.isoformat(),
                bracket.ticker,
                bracket.strike_type,
                _text(bracket.floor_strike),
                _text(bracket.cap_strike),
                timestamp(ladder.opens_at),
                timestamp(ladder.closes_at),
                _result(bracket.ticker, outcome),
                _text(outcome.high_f if outcome else None),
                INVENTED,
            )


def _known_outcome(feed: SimulatedMarketFeed, ladder: Ladder, wanted: Export) -> Outcome | None:
    """None while the event is not paid. Raises LookupError for an event of another world."""
    outcome = feed.outcome(ladder.event_ticker)
    if outcome is None or ladder.finalized_at is None:
        raise LookupError(f"{ladder.event_ticker} has no outcome")
    return outcome if wanted.is_known(ladder.finalized_at) else None


def _result(ticker: str, outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    return "yes" if ticker == outcome.winning_ticker else "no"


def _quote_rows(feed: SimulatedMarketFeed, ladders: Sequence[Ladder], wanted: Export) -> Iterator[Row]:
    """Rows in order of time; two events of a series overlap, so those of one wait for the next one's opening."""
    waiting: list[Closing] = []
    later: list[Ladder | None] = [*ladders[1:], None]
    for ladder, following in zip(ladders, later, strict=True):
        waiting += _closings(feed, ladder, wanted)
        waiting.sort(key=itemgetter(0, 1))
        done = len(waiting)
        if following is not None:
            done = bisect_right(waiting, following.opens_at, key=itemgetter(0))
        for ended, ticker, quote in waiting[:done]:
            figures = (quote.yes_bid, quote.yes_ask, quote.last, quote.volume, quote.open_interest)
            yield ticker, timestamp(ended), *map(_text, figures)
        del waiting[:done]


def _closings(feed: SimulatedMarketFeed, ladder: Ladder, wanted: Export) -> Iterator[Closing]:
    end = wanted.known_part(ladder.closes_at)
    for bracket in ladder.brackets:
        quotes = feed.quotes(bracket.ticker, ladder.opens_at - MINUTE, end)
        for ended, quote in minute_closings(quotes):
            if wanted.is_known(ended):
                yield ended, bracket.ticker, quote


def minute_closings(quotes: Iterable[Quote]) -> list[tuple[datetime, Quote]]:
    """The last quote of every minute that has one, with the end of that minute."""
    closings: dict[datetime, Quote] = {}
    for quote in quotes:
        closings[quote.at.replace(second=0, microsecond=0) + MINUTE] = quote
    return list(closings.items())


def _forecast_rows(truth: WorldWeather, wanted: Export) -> Iterator[Row]:
    for city in wanted.cities:
        for day in wanted.days:
            end = wanted.known_part(city.climate_day_start(day + DAY))
            for issued_at, high_f in truth.revisions(city, day, end):
                issued = timestamp(issued_at)
                yield (
                    city.code,
                    day.isoformat(),
                    issued,
                    issued,
                    FORECAST_SOURCE,
                    FORECAST_KIND,
                    str(high_f),
                )


def _high_rows(
    truth: WorldWeather, wanted: Export, reported_at: Callable[[City, date], datetime]
) -> Iterator[Row]:
    for city in wanted.cities:
        for day in wanted.days:
            if wanted.is_known(reported_at(city, day)):
                yield city.code, day.isoformat(), str(truth.high_f(city, day)), HIGH_SOURCE, ""


def _reading_rows(truth: WorldWeather, city: City, wanted: Export) -> Iterator[Row]:
    """METARs and five-minute records in the order they were taken."""
    after = city.climate_day_start(wanted.first) - timedelta(microseconds=1)
    end = wanted.known_part(city.climate_day_start(wanted.last + DAY))
    records = [*truth.metars(city, after, end), *truth.five_minute(city, after, end)]
    for record in sorted(records, key=attrgetter("observed_at")):
        if record.temp_c is not None and wanted.is_known(record.available_at):
            yield (
                city.station_id,
                timestamp(record.observed_at),
                timestamp(record.available_at),
                METAR_KIND if record.metar else FIVE_MINUTE_KIND,
                str(record.temp_c),
                record.metar,
            )


def _hourly_rows(truth: WorldWeather, city: City, wanted: Export) -> Iterator[Row]:
    """Of every issue the hours that were left of the day it was issued on."""
    for day in wanted.days:
        start, end = city.climate_day_start(day), city.climate_day_start(day + DAY)
        hours = [start + hour * HOUR for hour in range(24)]
        issues = {truth.issued_at(city, at) for at in hours if wanted.is_known(at)}
        for issued_at in sorted(issued_at for issued_at in issues if issued_at >= start):
            left = -(-(end - issued_at) // HOUR) + 1
            for target_at, temp_f in truth.hourly_forecast_f(city, issued_at, left):
                if target_at < end:
                    yield timestamp(target_at), timestamp(issued_at), FORECAST_SOURCE, str(temp_f)


def _text(value: Decimal | int | None) -> str:
    """A number without needless zeros; empty when there is none."""
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else f"{value:.2f}"


def _write(path: Path, columns: Row, rows: Iterable[Row]) -> None:
    with path.open("wb") as raw:
        # Name and time of the file would change its bytes.
        packed = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if path.suffix == ".gz" else raw
        with TextIOWrapper(packed, encoding="utf-8", newline="") as text:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows)


def _write_description(path: Path, wanted: Export) -> None:
    described = {
        "world": f"simulated world, seed {wanted.seed}",
        "seed": wanted.seed,
        "from": wanted.first.isoformat(),
        "to": wanted.last.isoformat(),
        "until": wanted.until and wanted.until.isoformat(),
        "inefficiency": INEFFICIENCY,
    }
    path.write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence instead of a page."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"sandbox.export: {message}\n")
        sys.exit(BAD_ARGUMENTS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when the files are written, 2 for arguments that cannot be used."""
    parser = _Parser(prog="python -m sandbox.export", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="which world; default 7")
    parser.add_argument(
        "--from", dest="first", type=date.fromisoformat, required=True, help="first event date"
    )
    parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True, help="last event date")
    parser.add_argument(
        "--until", type=parse_instant, help="write only what is known at this moment; default: everything"
    )
    parser.add_argument(
        "--readings",
        action="store_true",
        help="also what stations read, and hourly forecasts: for days under way",
    )
    parser.add_argument("--out", type=Path, required=True, help="an empty or new folder")
    given = parser.parse_args(arguments)
    if given.first > given.last:
        parser.error(f"--from {given.first} lies after --to {given.last}")
    if given.seed < 0:
        parser.error(f"--seed {given.seed} is negative")
    try:
        wanted = Export(given.seed, given.first, given.last, until=given.until, with_readings=given.readings)
        export(wanted, given.out)
    except UnusableTarget as error:
        parser.error(f"--out cannot be used: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
