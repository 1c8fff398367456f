"""THE reader of the recorded-ladder format: past days as frozen values, for history and backtests.

A folder holds `kalshi/ladders/events.csv`, `kalshi/ladders/quotes_*.csv`, `weather/forecasts.csv` and
`weather/daily_highs.csv`, each of them plain or gzipped. Times are UTC and end in Z, prices are dollars, an empty field
is unknown. Rows are hostile until parsed: each is used, left outside (of a city or day not asked for), or refused with
its place and reason; what is used although something is odd is flagged. The report accounts for every row.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day_bounds
from trading.backtest.quote_history import QuoteHistory, micros_of
from trading.backtest.recorded_events import EventIndex, Selection, read_events
from trading.backtest.recorded_quotes import read_quotes
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
from trading.backtest.recorded_types import (
    QUIET_AT_MOST,
    DailyHigh,
    Fault,
    Forecast,
    Recording,
)

PUBLICATION_MARGIN: Final = timedelta(minutes=30)
"""Added to the time of issue where the record does not say when a forecast could be had."""
PREFERRED_SOURCE: Final = "nbm_12z"
"""Of several forecasts that became available at one moment."""
COLDEST_F: Final = -60
HOTTEST_F: Final = 135

FORECAST_COLUMNS: Final = (
    "city",
    "target_date",
    "issued_at_utc",
    "available_at_utc",
    "source",
    "kind",
    "high_f",
)
HIGH_COLUMNS: Final = ("city", "date", "high_f", "source", "observed_evening_f")
KINDS: Final = frozenset({"day_high", "peak_window", "hourly_max"})


def read_recorded(
    folder: Path,
    now: datetime,
    *,
    cities: Collection[str] | None = None,
    first: date = date.min,
    last: date = date.max,
    processes: int = 1,
) -> Recording:
    """The events from `first` to `last` (climate days, inclusive) of `cities` (all when None), with what was known.

    `now` is when the reading happens; rows of a later time are refused. Files of quotes are shared out among `processes`.
    Raises UnreadableRecording when a file is missing, broken, or has other columns; single rows never raise.
    """
    wanted = Selection(frozenset(load_cities() if cities is None else cities), first, last, now)
    tally = Tally()
    index = read_events(folder, wanted, tally)
    quotes = read_quotes(folder, index, now, tally, processes)
    _flag_quiet(index, quotes, now, tally)
    return Recording(
        events=tuple(sorted(index.events.values(), key=lambda event: (event.event_date, event.event_ticker))),
        quotes=quotes,
        forecasts=_read_forecasts(folder, wanted, tally),
        highs=tuple(_read_highs(folder, wanted, tally)),
        report=tally.report(),
    )


def _flag_quiet(index: EventIndex, quotes: Mapping[str, QuoteHistory], now: datetime, tally: Tally) -> None:
    """Name the events without quotes, and those in which nothing moved for longer than a market is ever quiet.

    From noon on a day may be as good as decided: only what lies before is looked at, as far as it has come.
    """
    for event in index.events.values():
        line = index.lines[event.event_ticker]
        changes = np.unique(np.concatenate([quotes[entry.market.ticker].at for entry in event.markets]))
        if not changes.size:
            tally.flag(line, Fault.NO_QUOTES, f"{event.event_ticker} has no quotes")
            continue
        start, _ = climate_day_bounds(event.event_date, load_cities()[event.city_code].std_offset_hours)
        until = max(min(start + timedelta(hours=12), now), event.open_at)
        opens, ends = micros_of(event.open_at), micros_of(until)
        moments = np.concatenate([[opens], changes[changes < ends], [ends]])
        longest = timedelta(microseconds=int(np.diff(moments).max()))
        if longest > QUIET_AT_MOST:
            text = (
                f"{event.event_ticker} has no change of a price in {longest / timedelta(hours=1):.1f} hours"
            )
            tally.flag(line, Fault.QUOTE_GAP, text)


def _read_forecasts(
    folder: Path, wanted: Selection, tally: Tally
) -> dict[tuple[str, date], Sequence[Forecast]]:
    found: dict[tuple[str, date], list[Forecast]] = defaultdict(list)
    seen: set[tuple[str, ...]] = set()
    for line in lines_of(one_file(folder, "weather/forecasts"), FORECAST_COLUMNS, tally):
        try:
            city_code, target = _placed(line)
            if not wanted.holds(city_code, target):
                tally.outside(line.file)
                continue
            forecast = _forecast(line.fields, city_code, target, wanted.now)
            key = tuple(line.fields[column] for column in (0, 1, 2, 4, 5))
            if key in seen:
                raise BadRow(Fault.DUPLICATE, "this source, kind and time of issue were there already")
        except BadRow as bad:
            tally.refuse(line, bad.fault, str(bad))
            continue
        seen.add(key)
        found[city_code, target].append(forecast)
    return {place: tuple(sorted(forecasts, key=_rank)) for place, forecasts in found.items()}


def _forecast(fields: Sequence[str], city_code: str, target: date, now: datetime) -> Forecast:
    issued_at = instant(fields[2])
    available_at = instant(fields[3]) if fields[3] else issued_at + PUBLICATION_MARGIN
    if issued_at > now:
        raise BadRow(Fault.FUTURE_STAMPED, f"issued at {fields[2]}, which has not come yet")
    if available_at < issued_at:
        raise BadRow(Fault.IMPLAUSIBLE, f"available at {fields[3]}, before it was issued at {fields[2]}")
    if fields[5] not in KINDS:
        raise BadRow(Fault.UNREADABLE, f"kind {fields[5][:30]!r}")
    high_f = number(fields[6])
    if not COLDEST_F <= high_f <= HOTTEST_F:
        raise BadRow(Fault.IMPLAUSIBLE, f"a high of {fields[6]} °F")
    return Forecast(city_code, target, issued_at, available_at, fields[4], fields[5], high_f)


def _rank(forecast: Forecast) -> tuple[datetime, datetime, bool, str, str]:
    """Later is better: by availability, then by issue, then by source."""
    preferred = forecast.source == PREFERRED_SOURCE
    return forecast.available_at, forecast.issued_at, preferred, forecast.source, forecast.kind


def _read_highs(folder: Path, wanted: Selection, tally: Tally) -> Iterator[DailyHigh]:
    seen: set[tuple[str, ...]] = set()
    for line in lines_of(one_file(folder, "weather/daily_highs"), HIGH_COLUMNS, tally):
        try:
            city_code, on = _placed(line)
            if not wanted.holds(city_code, on):
                tally.outside(line.file)
                continue
            high = _high(line.fields, city_code, on, wanted.now)
            key = (city_code, line.fields[1], high.source)
            if key in seen:
                raise BadRow(Fault.DUPLICATE, f"{high.source} has a high of {on} already")
        except BadRow as bad:
            tally.refuse(line, bad.fault, str(bad))
            continue
        seen.add(key)
        yield high


def _high(fields: Sequence[str], city_code: str, on: date, now: datetime) -> DailyHigh:
    _, day_end = climate_day_bounds(on, load_cities()[city_code].std_offset_hours)
    if day_end > now:
        raise BadRow(Fault.FUTURE_STAMPED, f"{on} is not over yet")
    high_f = whole(fields[2])
    if high_f is not None and not COLDEST_F <= high_f <= HOTTEST_F:
        raise BadRow(Fault.IMPLAUSIBLE, f"a high of {fields[2]} °F")
    return DailyHigh(city_code, on, fields[3], high_f)


def _placed(line: Line) -> tuple[str, date]:
    """City and day of a weather row. Raises BadRow for a city that is none of the ten."""
    city_code = line.fields[0]
    if city_code not in load_cities():
        raise BadRow(Fault.UNKNOWN_CITY, f"{city_code[:20]!r} is no city of ours")
    return city_code, day(line.fields[1])
