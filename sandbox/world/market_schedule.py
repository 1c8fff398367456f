"""Which events there are: their tickers, strikes and times, as the real series list them.

An event opens at 10:00 New York time of the day before (14:00Z in summer, 15:00Z in winter), closes at the end of its
climate day, and is paid at 11:18Z or 12:04Z of the next morning, an hour after it was determined; a report that comes
late makes it wait for the first such moment after it.
"""

from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Final
from zoneinfo import ZoneInfo

from sandbox.cities import City
from sandbox.feeds import Bracket, Ladder
from sandbox.kalshi.lifecycle import LISTED_BEFORE_OPENING, SETTLEMENT_TIMER
from sandbox.tickers import date_label, date_of_label
from sandbox.world.market_chance import fraction
from sandbox.world.truth import Truth

EXCHANGE_ZONE: Final = ZoneInfo("America/New_York")
OPENING_ET: Final = time(10)
BETWEEN_BRACKETS: Final = 4
BRACKET_WIDTH_F: Final = 2

PAYOUTS_UTC: Final = (time(11, 18), time(12, 4))
LATE_SHARE: Final = 0.2
PAYOUT_TAKES_S: Final = 58
REPORT_READ_WITHIN: Final = timedelta(minutes=15)


def event_ticker(city: City, day: date) -> str:
    """`KXHIGHNY-26NOV21`."""
    return f"{city.series_ticker}-{date_label(day)}"


def event_of(ticker: str) -> str:
    """The event a market ticker belongs to."""
    return "-".join(ticker.split("-", 2)[:2])


def day_of(event: str) -> date:
    """The climate day of an event ticker. Raises ValueError when it carries none."""
    return date_of_label(event.split("-")[1])


def opens_at(day: date) -> datetime:
    """When trading in the event of `day` begins."""
    return datetime.combine(day - timedelta(days=1), OPENING_ET, EXCHANGE_ZONE).astimezone(UTC)


def closes_at(city: City, day: date) -> datetime:
    """When trading ends: midnight of local standard time."""
    return city.climate_day_start(day + timedelta(days=1))


def finalized_at(seed: int, city: City, day: date, reported_at: datetime) -> datetime:
    """When the event is paid: mostly at 11:18Z, sometimes at 12:04Z, the next morning or the first one after the report.

    Determination, an hour earlier, comes a quarter of an hour or more after `reported_at`, when the final report was out.
    """
    event = event_ticker(city, day)
    late = fraction(seed, event, "paid late") < LATE_SHARE
    within_slot = timedelta(seconds=int(fraction(seed, event, "paid") * PAYOUT_TAKES_S))
    mornings = (day + timedelta(days=days) for days in count(1))
    slots = (datetime.combine(morning, slot, UTC) for morning in mornings for slot in PAYOUTS_UTC[late:])
    earliest = reported_at + REPORT_READ_WITHIN + SETTLEMENT_TIMER
    return next(slot + within_slot for slot in slots if slot + within_slot >= earliest)


def ladder(truth: Truth, seed: int, city: City, day: date, reported_at: datetime) -> Ladder:
    """The six brackets of the day, centred on the forecast in force when they are listed, with their times.

    Raises ValueError when there is no forecast to centre them on.
    """
    event, opening = event_ticker(city, day), opens_at(day)
    centre_f = truth.forecast_high_f(city, day, opening - LISTED_BEFORE_OPENING)
    if centre_f is None:
        raise ValueError(f"no forecast for {event} when it is listed")
    below_centre = 4 if fraction(seed, event, "strikes") < 0.5 else 3
    return Ladder(
        series_ticker=city.series_ticker,
        event_ticker=event,
        event_date=day,
        opens_at=opening,
        closes_at=closes_at(city, day),
        brackets=brackets(event, centre_f - below_centre),
        finalized_at=finalized_at(seed, city, day, reported_at),
    )


def brackets(event: str, lowest_between_f: int) -> tuple[Bracket, ...]:
    """A lower tail, four two-degree brackets from `lowest_between_f` on, an upper tail: every whole degree once."""
    floors = [lowest_between_f + BRACKET_WIDTH_F * step for step in range(BETWEEN_BRACKETS)]
    last_f = floors[-1] + BRACKET_WIDTH_F - 1
    return (
        Bracket(f"{event}-T{lowest_between_f}", "less", None, lowest_between_f),
        *(Bracket(f"{event}-B{floor + 0.5}", "between", floor, floor + 1) for floor in floors),
        Bracket(f"{event}-T{last_f}", "greater", last_f, None),
    )
