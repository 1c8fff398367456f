"""Small pasts of one Chicago event or several, made in memory: quotes and forecasts as a test wants them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from milkbot.core.cities import load_cities
from milkbot.core.config import TradingMode
from tests.trading.backtest.recordings import closes_at, event_rows, opens_at, write
from trading.backtest.as_of import AsOf
from trading.backtest.event_past import EventPast
from trading.backtest.event_sheet import EventSheet, Known, Screen, event_sheet
from trading.backtest.learning import UNLEARNED
from trading.backtest.quote_history import Quote, QuoteHistory
from trading.backtest.recorded import read_recorded
from trading.backtest.recorded_types import Forecast, RecordedEvent, Recording
from trading.domain.inputs import Circumstances
from trading.domain.policy import Limits, Policy

CHI = load_cities()["CHI"]
DAY = date(2026, 9, 15)
NOW = closes_at(CHI, DAY) + timedelta(days=30)
CAPITAL = Decimal(10_000)
SUFFIXES = ("T70", "B70.5", "B72.5", "B74.5", "B76.5", "T77")
WORTH = (0.04, 0.12, 0.26, 0.30, 0.18, 0.10)
"""Of the six brackets when 74 °F are forecast, give or take."""

Walks = Mapping[str, Sequence[Quote]]


def ticker(suffix: str, day: date = DAY) -> str:
    return f"KXHIGHCHI-{day:%y%b%d}-".upper() + suffix


def quote(at: datetime, bid: str | None, ask: str | None) -> Quote:
    def dollars(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    return Quote(at, dollars(bid), dollars(ask), None, None, None)


def forecast(at: datetime, high_f: int, day: date = DAY) -> Forecast:
    return Forecast("CHI", day, at, at, "nws_bulletin", "day_high", Decimal(high_f))


@cache
def _event(day: date, settle_f: int | None) -> RecordedEvent:
    with TemporaryDirectory() as folder:
        path = write(Path(folder), events=event_rows(CHI, day, settle_f), quotes=[], highs=[])
        return read_recorded(path, NOW).events[0]


def recording(
    quotes: Walks, forecasts: Sequence[Forecast], days: Sequence[date] = (DAY,), settle_f: int | None = 74
) -> Recording:
    """Events of these days, each settling at `settle_f`; markets without quotes were never quoted."""
    events = tuple(_event(day, settle_f) for day in days)
    by_day: dict[tuple[str, date], list[Forecast]] = {}
    for each in sorted(forecasts, key=lambda one: one.available_at):
        by_day.setdefault((each.city_code, each.target_date), []).append(each)
    with TemporaryDirectory() as folder:
        empty = read_recorded(write(Path(folder), events=[], quotes=[]), NOW)
    tickers = [entry.market.ticker for event in events for entry in event.markets]
    return replace(
        empty,
        events=events,
        quotes={name: QuoteHistory.of(quotes.get(name, ())) for name in tickers},
        forecasts=by_day,
    )


def wandering(seed: int, day: date = DAY, moves: int = 30, settle_f: int | None = 74) -> Recording:
    """Prices that wander about their worth, now and then far from it or one-sided, under a forecast that is revised.

    It was issued at the same times of day in the days before, so that it is known when the next one is due.
    """
    chance = random.Random(seed)
    quotes: dict[str, list[Quote]] = {}
    span = (closes_at(CHI, day) - opens_at(day)) / timedelta(minutes=1)
    for suffix, worth in zip(SUFFIXES, WORTH, strict=True):
        minutes = sorted(chance.sample(range(int(span)), moves))
        history = []
        for minute in minutes:
            cents = round(100 * worth) + round(chance.gauss(0, chance.choice((1, 6))))
            bid = min(max(cents - chance.choice((0, 1, 1, 4)), 1), 98)
            ask = min(max(bid + chance.choice((1, 1, 2, 3, 6)), bid + 1), 99)
            history.append(
                quote(
                    opens_at(day) + timedelta(minutes=minute),
                    None if chance.random() < 0.05 else f"{bid / 100:.2f}",
                    None if chance.random() < 0.05 else f"{ask / 100:.2f}",
                )
            )
        quotes[ticker(suffix, day)] = history
    issued = [opens_at(day) + timedelta(hours=hours) for hours in (-3, 7, 15)]
    told = [forecast(at, chance.choice((73, 74, 75)), day) for at in issued]
    earlier = [timedelta(days=back) for back in range(3, 7)]
    told += [forecast(at - back, 74, day - back) for back in earlier for at in issued]
    return recording(quotes, told, (day,), settle_f)


def circumstances(policy: Policy | None = None) -> Circumstances:
    return Circumstances(
        now=NOW,
        mode=TradingMode.SHADOW,
        policy=policy or Policy(),
        limits=Limits(),
        may_rest=True,
        sizes_known=False,
    )


def sheet_of(
    as_of: AsOf, around: Circumstances, number: int = 0, screen: Screen = Screen.ARRAY
) -> EventSheet:
    past = EventPast(as_of, as_of.recording.events[number])
    return event_sheet(past, as_of, known(as_of), around, screen)


def known(as_of: AsOf) -> Known:
    """What is known in Chicago of forecasts, and nothing learned."""
    return Known(as_of.forecast_times.get("CHI", ()), UNLEARNED)
