"""The events of a recording: rows of `events.csv` put together to ladders, each checked as a whole."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Final

from markets.domain.board import CLOSE_TOLERANCE
from markets.domain.ladder import bracket_of, build_ladder
from markets.domain.tickers import event_ticker as ticker_of_event
from markets.domain.types import Market, MarketStatus, PriceRange, StrikeType
from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day_bounds
from milkbot.core.errors import BadMarketData
from trading.backtest.recorded_rows import (
    BadRow,
    Line,
    Tally,
    day,
    instant,
    lines_of,
    number,
    one_file,
    whole,
)
from trading.backtest.recorded_types import Fault, RecordedEvent, RecordedMarket

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
CENTS: Final = (PriceRange(start=Decimal(0), end=Decimal(1), step=Decimal("0.01")),)
RESULTS: Final = frozenset({"yes", "no", ""})


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for. Rows of other cities and days are left outside, unread."""

    cities: frozenset[str]
    first: date
    last: date
    now: datetime
    """When the reading happens: whatever bears a later time cannot have been recorded."""

    def holds(self, city_code: str, day: date) -> bool:
        return city_code in self.cities and self.first <= day <= self.last


@dataclass(slots=True)
class EventIndex:
    """The events found, and to which event every ticker of the file belongs."""

    events: dict[str, RecordedEvent] = field(default_factory=dict)
    by_market: dict[str, RecordedEvent] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    """The first row of each event, by which its faults are named."""
    refused: set[str] = field(default_factory=set)
    """Market tickers of refused rows and events."""
    outside: set[str] = field(default_factory=set)
    """Market tickers of events not asked for."""


class _Row:
    """A row of events.csv by column name."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self._fields = dict(zip(EVENT_COLUMNS, line.fields, strict=True))

    def __getitem__(self, column: str) -> str:
        return self._fields[column]


def read_events(folder: Path, wanted: Selection, tally: Tally) -> EventIndex:
    """Every event asked for that is whole and consistent; the rows of the others are refused together."""
    index = EventIndex()
    for rows in _by_event(folder, wanted, index, tally).values():
        try:
            event = _event(rows, wanted.now, tally)
        except BadRow as bad:
            for row in rows:
                index.refused.add(row["ticker"])
                tally.refuse(row.line, bad.fault, str(bad))
            continue
        index.events[event.event_ticker] = event
        index.lines[event.event_ticker] = rows[0].line
        index.by_market.update({market.market.ticker: event for market in event.markets})
    _flag_gaps(index, tally)
    return index


def _by_event(
    folder: Path, wanted: Selection, index: EventIndex, tally: Tally
) -> Mapping[str, Sequence[_Row]]:
    events: dict[str, list[_Row]] = defaultdict(list)
    seen: set[str] = set()
    for row in map(_Row, lines_of(one_file(folder, "kalshi/ladders/events"), EVENT_COLUMNS, tally)):
        try:
            if row["ticker"] in seen:
                raise BadRow(Fault.DUPLICATE, f"{row['ticker'][:60]} is listed twice")
            if not wanted.holds(_city_code(row), day(row["event_date"])):
                index.outside.add(row["ticker"])
                tally.outside(row.line.file)
                continue
        except BadRow as bad:
            if bad.fault is not Fault.DUPLICATE:
                index.refused.add(row["ticker"])
            tally.refuse(row.line, bad.fault, str(bad))
            continue
        seen.add(row["ticker"])
        events[row["event_ticker"]].append(row)
    return events


def _city_code(row: _Row) -> str:
    city = load_cities().get(row["city"])
    if city is None:
        raise BadRow(Fault.UNKNOWN_CITY, f"{row['city'][:20]!r} is no city of ours")
    if row["series"] != city.kalshi_series:
        raise BadRow(
            Fault.UNKNOWN_CITY, f"series {row['series'][:40]!r}, {city.code} has {city.kalshi_series}"
        )
    return city.code


def _event(rows: Sequence[_Row], now: datetime, tally: Tally) -> RecordedEvent:
    """The event of these rows. Raises BadRow when they do not make one."""
    first = rows[0]
    open_at, close_at = instant(first["open_time_utc"]), instant(first["close_time_utc"])
    event_date = day(first["event_date"])
    if first["event_ticker"] != ticker_of_event(first["series"], event_date):
        raise BadRow(Fault.UNREADABLE, f"{first['event_ticker'][:60]!r} is not the event of {event_date}")
    shared = ("city", "series", "event_date", "open_time_utc", "close_time_utc", "settle_f", "settle_source")
    if any(row[column] != first[column] for row in rows for column in shared):
        raise BadRow(Fault.IMPLAUSIBLE, "the event's rows contradict one another")
    if close_at <= open_at:
        raise BadRow(Fault.IMPLAUSIBLE, "the event closes before it opens")
    if open_at > now:
        raise BadRow(Fault.FUTURE_STAMPED, f"the event opens at {open_at:%Y-%m-%d %H:%MZ}")
    markets = [_market(row, open_at, close_at) for row in rows]
    _check_ladder(first["event_ticker"], markets)
    results, settle_f = _outcome(rows, markets)
    if close_at > now and any(results):
        tally.flag(first.line, Fault.RESULT_TOO_EARLY, "a result before the close: left out")
        results, settle_f = ("",) * len(rows), None
    _check_close(first, close_at, tally)
    return RecordedEvent(
        city_code=first["city"],
        series_ticker=first["series"],
        event_ticker=first["event_ticker"],
        event_date=event_date,
        open_at=open_at,
        close_at=close_at,
        markets=tuple(RecordedMarket(*pair) for pair in zip(markets, results, strict=True)),
        settle_f=settle_f,
        settle_source=first["settle_source"],
    )


def _market(row: _Row, open_at: datetime, close_at: datetime) -> Market:
    if not row["ticker"].startswith(f"{row['event_ticker']}-"):
        raise BadRow(Fault.UNREADABLE, f"{row['ticker'][:60]!r} is no market of {row['event_ticker']}")
    if row["strike_type"] not in list(StrikeType):
        raise BadRow(Fault.NOT_PARTITION, f"strike type {row['strike_type'][:20]!r}")
    return Market(
        ticker=row["ticker"],
        event_ticker=row["event_ticker"],
        strike_type=StrikeType(row["strike_type"]),
        floor_strike=number(row["floor_strike"]) if row["floor_strike"] else None,
        cap_strike=number(row["cap_strike"]) if row["cap_strike"] else None,
        status=MarketStatus.ACTIVE,
        open_at=open_at,
        close_at=close_at,
        price_ranges=CENTS,
    )


def _check_ladder(event_ticker: str, markets: Sequence[Market]) -> None:
    try:
        build_ladder(event_ticker, markets)
    except BadMarketData as bad:
        raise BadRow(Fault.NOT_PARTITION, str(bad)) from None


def _outcome(rows: Sequence[_Row], markets: Sequence[Market]) -> tuple[tuple[str, ...], int | None]:
    """Results in the order of the rows, and the settled high. Raises BadRow when they contradict one another."""
    results = tuple(row["result"] for row in rows)
    settle_f = whole(rows[0]["settle_f"])
    if not RESULTS.issuperset(results):
        raise BadRow(Fault.RESULT_CONTRADICTORY, f"results {', '.join(sorted(set(results)))[:60]!r}")
    winners = [market for market, result in zip(markets, results, strict=True) if result == "yes"]
    decided = "" not in results
    if len(winners) > 1 or (decided and not winners) or (winners and not decided):
        raise BadRow(Fault.RESULT_CONTRADICTORY, f"{len(winners)} brackets of {len(rows)} pay")
    if winners and settle_f is not None and not bracket_of(winners[0]).holds(settle_f):
        raise BadRow(Fault.RESULT_CONTRADICTORY, f"{winners[0].ticker} pays at {settle_f} °F")
    return results, settle_f


def _check_close(first: _Row, close_at: datetime, tally: Tally) -> None:
    """A close far from the climate day's end was written in another zone; such a board is refused for trading."""
    offset = load_cities()[first["city"]].std_offset_hours
    _, day_end = climate_day_bounds(day(first["event_date"]), offset)
    if abs(close_at - day_end) > CLOSE_TOLERANCE:
        text = f"closes {close_at:%Y-%m-%d %H:%MZ}, the climate day ends {day_end:%Y-%m-%d %H:%MZ}"
        tally.flag(first.line, Fault.CLOSE_TIME_MISMATCH, text)


def _flag_gaps(index: EventIndex, tally: Tally) -> None:
    """Name the days that are missing between a city's first and last event."""
    in_order = sorted(index.events.values(), key=lambda event: (event.city_code, event.event_date))
    for event, following in pairwise(in_order):
        missing = (following.event_date - event.event_date).days - 1
        if event.city_code == following.city_code and missing:
            text = f"{missing} days without an event before it"
            tally.flag(index.lines[following.event_ticker], Fault.MISSING_EVENT, text)
