"""Writes small recordings in the recorded-ladder format, true or spoiled where a test says so."""

import csv
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from markets.domain.tickers import event_ticker
from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.climate_day import climate_day_bounds
from trading.backtest.recorded import FORECAST_COLUMNS, HIGH_COLUMNS
from trading.backtest.recorded_events import EVENT_COLUMNS
from trading.backtest.recorded_quotes import QUOTE_COLUMNS

Row = Sequence[object]

LOW_F = 70
"""Lowest degree of the first two-degree bracket of every event here."""
STRIKES: tuple[tuple[str, str, int | None, int | None], ...] = (
    ("T70", "less", None, 70),
    ("B70.5", "between", 70, 71),
    ("B72.5", "between", 72, 73),
    ("B74.5", "between", 74, 75),
    ("B76.5", "between", 76, 77),
    ("T77", "greater", 77, None),
)
FAIR = (0.04, 0.12, 0.26, 0.3, 0.18, 0.1)
"""What each bracket is worth on a day of 74 °F, give or take."""


def stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def opens_at(day: date) -> datetime:
    return datetime.combine(day - timedelta(days=1), time(14), UTC)


def closes_at(city: CityConfig, day: date) -> datetime:
    return climate_day_bounds(day, city.std_offset_hours)[1]


def event_rows(city: CityConfig, day: date, settle_f: int | None = 74) -> list[list[object]]:
    """The six brackets of a city-day, decided unless `settle_f` is None."""
    event = event_ticker(city.kalshi_series, day)
    rows: list[list[object]] = []
    for suffix, kind, floor, cap in STRIKES:
        low = floor if kind == "between" else None if floor is None else floor + 1
        high = cap if kind == "between" else None if cap is None else cap - 1
        pays = (
            settle_f is not None and (low is None or settle_f >= low) and (high is None or settle_f <= high)
        )
        result = "" if settle_f is None else "yes" if pays else "no"
        rows.append(
            [
                *(city.code, city.kalshi_series, event, day, f"{event}-{suffix}", kind, floor, cap),
                *(stamp(opens_at(day)), stamp(closes_at(city, day)), result, settle_f, "invented"),
            ]
        )
    return rows


def quote_rows(
    city: CityConfig, day: date, every: timedelta, cheap: str = "", seed: int = 7
) -> list[list[object]]:
    """Quotes two cents round a wandering fair price; the bracket `cheap` is offered ten cents below its worth."""
    event, chance = event_ticker(city.kalshi_series, day), random.Random(f"{seed} {city.code} {day}")
    rows: list[list[object]] = []
    at = opens_at(day)
    while at < closes_at(city, day):
        for (suffix, *_), fair in zip(STRIKES, FAIR, strict=True):
            cents = round(fair * 100) + chance.choice((-1, 0, 1)) - (10 if suffix == cheap else 0)
            bid = min(max(cents - 1, 1), 97)
            rows.append(
                [
                    f"{event}-{suffix}",
                    stamp(at),
                    f"{bid / 100:.2f}",
                    f"{(bid + 2) / 100:.2f}",
                    f"{(bid + 1) / 100:.2f}",
                    100,
                    50,
                ]
            )
        at += every
    return rows


def forecast_rows(city: CityConfig, days: Iterable[date], high_f: int = 74) -> list[list[object]]:
    """One forecast of each day, issued the morning before at 12Z and known half an hour later."""
    rows: list[list[object]] = []
    for day in days:
        issued = datetime.combine(day - timedelta(days=1), time(12), UTC)
        for hours in (0, 12):
            at = issued + timedelta(hours=hours)
            rows.append(
                [
                    *(city.code, day, stamp(at), stamp(at + timedelta(minutes=30))),
                    *("nws_bulletin", "day_high", high_f),
                ]
            )
    return rows


def write(
    folder: Path,
    *,
    events: Iterable[Row],
    quotes: Iterable[Row],
    forecasts: Iterable[Row] = (),
    highs: Iterable[Row] = (),
) -> Path:
    """A recording of these rows, in the files the format names."""
    for name, columns, rows in (
        ("kalshi/ladders/events.csv", EVENT_COLUMNS, events),
        ("kalshi/ladders/quotes_ALL.csv", QUOTE_COLUMNS, quotes),
        ("weather/forecasts.csv", FORECAST_COLUMNS, forecasts),
        ("weather/daily_highs.csv", HIGH_COLUMNS, highs),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([columns, *rows])
    return folder


def write_days(
    folder: Path,
    codes: Iterable[str],
    first: date,
    days: int,
    *,
    every: timedelta = timedelta(minutes=30),
    cheap: str = "",
) -> Path:
    """A recording of `days` days of these cities in which every day reaches 74 °F."""
    cities = [load_cities()[code] for code in codes]
    dates = [first + timedelta(days=ahead) for ahead in range(days)]
    places = [(city, day) for day in dates for city in cities]
    return write(
        folder,
        events=[row for place in places for row in event_rows(*place)],
        quotes=sorted(
            (row for place in places for row in quote_rows(*place, every, cheap)), key=lambda row: str(row[1])
        ),
        forecasts=[row for city in cities for row in forecast_rows(city, dates)],
        highs=[[city.code, day, 74, "iem", ""] for city, day in places],
    )
