"""What our own database holds of a city's day, as parts of an archive."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from pydantic import ValidationError

from markets.archive import StoredPrices, markets_of, prices_of
from markets.domain.types import Market, MarketStatus
from milkbot.core.cities import CityConfig
from trading.archive.ladder_rows import MINUTE, event_rows, price_fault, settled_as
from trading.archive.parts import Part, PartKey
from trading.archive.text import Row, degrees, figure, stamp
from trading.archive.weather_parts import HIGH_SOURCE, report_row
from weather.archive import forecasts_of, readings_of, reports_of
from weather.domain.outlook import SOURCE as FORECAST_SOURCE
from weather.domain.types import DayHigh, Grid

LADDERS: Final = "ladders"
WEATHER: Final = "weather"
REPORTS: Final = "reports"
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)


def ladder_part(city: CityConfig, day: date) -> Part:
    """The event of a climate day and its prices, as the recorder saw them.

    Raises BadMarketData when the stored markets are no ladder.
    """
    key, refused = PartKey(LADDERS, city.code, day, day), Counter[str]()
    markets = markets_of(city.code, day)
    if not markets:
        return Part(key, day - _DAY)
    events = event_rows(city, day, markets)
    quotes = list(minute_rows(markets, prices_of(city.code, day), refused))
    through = day if settled_as(markets) else day - _DAY
    return Part(key, through, {"events": events, "quotes": quotes}, refused)


def minute_rows(
    markets: Sequence[Market], prices: Iterable[StoredPrices], refused: "Counter[str]"
) -> Iterator[Row]:
    """The prices standing at the end of each minute in which some changed, stamped with that end.

    `prices` come in order of time. Of a market that is paused nobody can take a price: its sides are empty. What was
    seen before the opening and after the close is counted and left out.
    """
    open_at = min(market.open_at for market in markets)
    close_at = max(market.close_at for market in markets)
    told: dict[str, Row] = {}
    minute: dict[str, StoredPrices] = {}
    ends_at = open_at
    for seen in prices:
        if not open_at <= seen.captured_at <= close_at:
            refused["not_trading_then"] += 1
            continue
        end = min(end_of_minute(seen.captured_at), close_at)
        if end != ends_at:
            yield from _changed(minute, ends_at, told, refused)
            minute, ends_at = {}, end
        minute[seen.ticker] = seen
    yield from _changed(minute, ends_at, told, refused)


def end_of_minute(at: datetime) -> datetime:
    """The first whole minute not before `at`."""
    floor = at.replace(second=0, microsecond=0)
    return floor if floor == at else floor + MINUTE


def _changed(
    minute: Mapping[str, StoredPrices], ends_at: datetime, told: dict[str, Row], refused: "Counter[str]"
) -> Iterator[Row]:
    for ticker, seen in sorted(minute.items()):
        takes_orders = seen.status == MarketStatus.ACTIVE
        bid, ask = (seen.yes_bid, seen.yes_ask) if takes_orders else (None, None)
        fault = price_fault(bid, ask, seen.last)
        if fault:
            refused[fault] += 1
            continue
        sizes = (bid and seen.yes_bid_size, ask and seen.yes_ask_size)
        figures = (bid, ask, seen.last, seen.volume, seen.open_interest, *(size or None for size in sizes))
        row = tuple(map(figure, figures))
        if told.get(ticker) != row:
            told[ticker] = row
            yield ticker, stamp(ends_at), *row


def weather_part(city: CityConfig, day: date) -> Part:
    """The forecasts captured and the readings taken on a UTC day."""
    key, refused = PartKey(WEATHER, city.code, day, day), Counter[str]()
    forecasts: dict[tuple[date, datetime], Row] = {}
    hourly: dict[tuple[datetime, datetime], Row] = {}
    for stored in forecasts_of(city.code, day):
        available_at = max(stored.captured_at, stored.issued_at)
        try:
            highs = [DayHigh.model_validate(high) for high in stored.highs]
            grid = Grid.model_validate(stored.raw["grid"]) if "grid" in stored.raw else None
        except ValidationError:
            refused["forecast_unreadable"] += 1
            continue
        for high in highs:
            # Of one issue the first reading says most: later ones lack the hours that have gone.
            forecasts.setdefault(
                (high.day, stored.issued_at), _forecast_row(city, high, stored.issued_at, available_at)
            )
        if grid is not None:
            for at, temp_c in _hours(grid):
                hourly.setdefault((at, grid.issued_at), _hourly_row(at, grid.issued_at, temp_c))
    observations: list[Row] = [
        (
            reading.station,
            stamp(reading.observed_at),
            stamp(max(reading.received_at, reading.observed_at)),
            "metar" if reading.is_metar else "whole_c",
            degrees(reading.temp_c),
            "",
        )
        for reading in readings_of(city.code, day)
    ]
    rows: dict[str, list[Row]] = {
        "forecasts": sorted(forecasts.values()),
        "hourly": sorted(hourly.values()),
        "observations": observations,
    }
    return Part(key, day, rows, refused)


def reports_part(city: CityConfig, day: date) -> Part:
    """The climate reports of a climate day and, once a final one names it, the day's high."""
    reports = reports_of(city.code, day)
    rows = [report_row(city, report) for report in reports]
    final = [
        report for report in reports if report_row(city, report)[3] == "yes" and report.high_f is not None
    ]
    highs: list[Row] = []
    if final:
        highs.append((city.code, day.isoformat(), figure(final[-1].high_f), HIGH_SOURCE, ""))
    return Part(
        PartKey(REPORTS, city.code, day, day),
        day if final else day - _DAY,
        {"reports": list(dict.fromkeys(rows)), "highs": highs},
    )


def _forecast_row(city: CityConfig, high: DayHigh, issued_at: datetime, available_at: datetime) -> Row:
    return (
        city.code,
        high.day.isoformat(),
        stamp(issued_at),
        stamp(available_at),
        FORECAST_SOURCE,
        "day_high",
        str(high.high_f),
    )


def _hours(grid: Grid) -> Iterator[tuple[datetime, float]]:
    for value in grid.temperature:
        at = value.starts_at
        while at < value.ends_at:
            yield at, value.temp_c
            at += _HOUR


def _hourly_row(at: datetime, issued_at: datetime, temp_c: float) -> Row:
    return stamp(at), stamp(issued_at), FORECAST_SOURCE, degrees(Decimal(str(temp_c)) * 9 / 5 + 32)
