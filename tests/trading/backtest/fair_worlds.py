"""Recordings of worlds whose true probabilities are known, priced fairly or wrong on purpose: the ground of null tests.

The evening forecast of a day is right up to a morning step and a rest, both normal; the morning forecast knows the step;
the evening knows the high. Prices are the true probabilities given the newest forecast, a cent to either side, and move
five minutes before anyone could act on it. Where a world is swept, orders of people who know nothing push single prices
aside for a minute at random: whoever rests there trades with them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil, floor, sqrt
from pathlib import Path
from typing import Final

import numpy as np
from scipy.special import ndtr

from markets.domain.tickers import event_ticker
from milkbot.core.cities import CityConfig, load_cities
from milkbot.core.climate_day import climate_day_bounds
from tests.trading.backtest.recordings import closes_at, opens_at, stamp, write

STEP_F: Final = 1.6
REST_F: Final = 2.0
KNOWN_AFTER: Final = timedelta(minutes=30)
MARKET_AHEAD: Final = timedelta(minutes=5)
EVENING, MORNING, LATE = timedelta(hours=-6), timedelta(hours=6), timedelta(hours=18)
"""When forecasts are issued, from the start of the climate day."""
REPEAT: Final = timedelta(hours=4)
"""A market that never moves was not recorded."""
SWEPT_BY: Final = 0.03
SWEPT_FOR: Final = timedelta(minutes=1)
SWEPT_AT_ONCE: Final = 4
"""Brackets swept between two repetitions."""

Row = list[object]


@dataclass(frozen=True)
class FairWorld:
    """What is told apart from a fair world in which our forecast is the market's own."""

    first: date = date(2025, 5, 1)
    days: int = 30
    cities: Sequence[str] = ("CHI",)
    history: int = 120
    """Days of forecasts and highs before the first event."""
    noise_f: float = 0.0
    """Error of our forecast beside the one that the market goes by."""
    planted: float = 0.0
    """Dollars by which the favourite of the evening before is offered too cheaply."""
    leak: timedelta = timedelta(0)
    """By which our forecasts are stamped too early."""
    shuffled: bool = False
    """Whether every day is given the deviation of another one."""
    swept: bool = False
    """Whether orders that know nothing push prices aside."""
    seed: int = 7


@dataclass(frozen=True)
class _Day:
    city: CityConfig
    day: date
    evening_f: float
    morning_f: float
    high_f: int
    noise_f: float


def write_world(folder: Path, world: FairWorld) -> Path:
    """The recording of `world` in `folder`."""
    days = [day for code in world.cities for day in _days(world, load_cities()[code])]
    traded = [day for day in days if day.day >= world.first]
    return write(
        folder,
        events=[row for day in traded for row in _event_rows(day)],
        quotes=sorted(
            (row for day in traded for row in _quote_rows(day, world)), key=lambda row: str(row[1])
        ),
        forecasts=[row for day in days for row in _forecast_rows(day, world)],
        highs=[[day.city.code, day.day, day.high_f, "iem", ""] for day in days],
    )


def _days(world: FairWorld, city: CityConfig) -> Iterator[_Day]:
    chance = np.random.default_rng([world.seed, *city.code.encode()])
    count = world.history + world.days
    season = 65 + 6 * np.sin(np.arange(count) / 9) + 3 * chance.standard_normal(count)
    step, rest = STEP_F * chance.standard_normal(count), REST_F * chance.standard_normal(count)
    noise = world.noise_f * chance.standard_normal(count)
    told = chance.permutation(count) if world.shuffled else np.arange(count)
    highs = np.rint(season + step + rest)[told]
    for place in range(count):
        yield _Day(
            city=city,
            day=world.first + timedelta(days=place - world.history),
            evening_f=float(season[place]),
            morning_f=float(season[place] + step[place]),
            high_f=int(highs[place]),
            noise_f=float(noise[place]),
        )


def _brackets(day: _Day) -> list[tuple[str, str, int | None, int | None]]:
    """Suffix, kind, floor and cap strike; four brackets of two degrees round the evening's forecast and two tails."""
    low = round(day.evening_f) - 4
    middle = [(f"B{bottom}.5", "between", bottom, bottom + 1) for bottom in range(low, low + 8, 2)]
    return [(f"T{low}", "less", None, low), *middle, (f"T{low + 7}", "greater", low + 7, None)]


def _event_rows(day: _Day) -> Iterator[Row]:
    event = event_ticker(day.city.kalshi_series, day.day)
    for suffix, kind, bottom, top in _brackets(day):
        low, high = _ends(kind, bottom, top)
        pays = low <= day.high_f <= high
        yield [
            *(day.city.code, day.city.kalshi_series, event, day.day, f"{event}-{suffix}", kind, bottom, top),
            *(stamp(opens_at(day.day)), stamp(closes_at(day.city, day.day))),
            *("yes" if pays else "no", day.high_f, "invented"),
        ]


def _ends(kind: str, bottom: int | None, top: int | None) -> tuple[float, float]:
    """Lowest and highest degree that pay."""
    low = -np.inf if bottom is None else bottom if kind == "between" else bottom + 1
    high = np.inf if top is None else top if kind == "between" else top - 1
    return float(low), float(high)


def _quote_rows(day: _Day, world: FairWorld) -> Iterator[Row]:
    start, end = climate_day_bounds(day.day, day.city.std_offset_hours)
    known = KNOWN_AFTER - MARKET_AHEAD
    whole = sqrt(STEP_F**2 + REST_F**2)
    stages = (
        (opens_at(day.day), day.evening_f, whole),
        (start + MORNING + known, day.morning_f, REST_F),
        (start + LATE + known, float(day.high_f), 0.01),
    )
    ends = [*(begins for begins, *_ in stages[1:]), min(end, closes_at(day.city, day.day))]
    event = event_ticker(day.city.kalshi_series, day.day)
    for (begins, mean, sigma), until in zip(stages, ends, strict=True):
        fair = [_probability(mean, sigma, *_ends(*bracket[1:])) for bracket in _brackets(day)]
        favourite = max(range(len(fair)), key=fair.__getitem__)
        at, volume = begins, 100
        while at < until:
            for place, (suffix, *_) in enumerate(_brackets(day)):
                cheap = world.planted if place == favourite and sigma == whole else 0.0
                yield [f"{event}-{suffix}", stamp(at), *_sides(fair[place] - cheap), None, volume, 50]
            if world.swept:
                yield from _swept(day, world.seed, fair, at, min(at + REPEAT, until), volume)
            at, volume = at + REPEAT, volume + 1


def _swept(
    day: _Day, seed: int, fair: Sequence[float], after: datetime, until: datetime, volume: int
) -> Iterator[Row]:
    """Prices of a few brackets pushed aside once each between two moments, and back a minute later."""
    chance = np.random.default_rng([seed, *day.city.code.encode(), int(after.timestamp())])
    event, brackets = event_ticker(day.city.kalshi_series, day.day), _brackets(day)
    minutes = int((until - after) / SWEPT_FOR) - 1
    for place in chance.permutation(len(brackets))[:SWEPT_AT_ONCE].tolist() if minutes > 1 else ():
        at = after + int(chance.integers(1, minutes)) * SWEPT_FOR
        aside = float(chance.choice((-SWEPT_BY, SWEPT_BY)))
        for when, price in ((at, fair[place] + aside), (at + SWEPT_FOR, fair[place])):
            shown = _sides(min(max(price, 0.0), 1.0))
            yield [f"{event}-{brackets[place][0]}", stamp(when), *shown, None, volume, 50]


def _probability(mean: float, sigma: float, low: float, high: float) -> float:
    reached: Sequence[float] = ndtr((np.asarray([low - 0.5, high + 0.5]) - mean) / sigma).tolist()
    return reached[1] - reached[0]


def _sides(fair: float) -> tuple[str, str]:
    """Bid and ask a cent from the fair price, rounded away from it; none beyond a cent and 99."""
    bid, ask = floor(fair * 100 - 1), ceil(fair * 100 + 1)
    return f"{bid / 100:.2f}" if bid >= 1 else "", f"{ask / 100:.2f}" if ask <= 99 else ""


def _forecast_rows(day: _Day, world: FairWorld) -> Iterator[Row]:
    start, _ = climate_day_bounds(day.day, day.city.std_offset_hours)
    told = (
        (EVENING, day.evening_f + day.noise_f),
        (MORNING, day.morning_f + day.noise_f),
        (LATE, float(day.high_f)),
    )
    for after, high_f in told:
        issued: datetime = start + after - world.leak
        yield [
            *(day.city.code, day.day, stamp(issued), stamp(issued + KNOWN_AFTER)),
            *("nws_bulletin", "day_high", f"{high_f:.1f}"),
        ]
