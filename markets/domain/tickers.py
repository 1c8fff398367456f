"""Tickers: `KXHIGHCHI-25MAY14` is an event, `KXHIGHCHI-25MAY14-B77.5` a market of it.

The suffix of a market is a label. What the market pays on stands in its strike fields, never here.
"""

import re
from datetime import date
from typing import Final

from milkbot.core.errors import BadMarketData

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_EVENT = re.compile(r"(?P<series>[A-Z0-9]+)-(?P<year>[0-9]{2})(?P<month>[A-Z]{3})(?P<day>[0-9]{2})")


def event_ticker(series_ticker: str, event_date: date) -> str:
    """The ticker of the event whose climate day is `event_date`."""
    return f"{series_ticker}-{event_date:%y}{_MONTHS[event_date.month - 1]}{event_date:%d}"


def parse_event_ticker(ticker: str) -> tuple[str, date]:
    """Series ticker and climate day of an event. Raises BadMarketData(EVENT_TICKER_UNREADABLE)."""
    match = _EVENT.fullmatch(ticker)
    if match is None or match["month"] not in _MONTHS:
        raise BadMarketData("EVENT_TICKER_UNREADABLE", f"{ticker[:60]!r} is not SERIES-YYMONDD")
    try:
        day = date(2000 + int(match["year"]), _MONTHS.index(match["month"]) + 1, int(match["day"]))
    except ValueError:
        raise BadMarketData(
            "EVENT_TICKER_UNREADABLE", f"{ticker[:60]!r} names no day of the calendar"
        ) from None
    return match["series"], day


def series_of(ticker: str) -> str:
    """The series prefix of an event or market ticker; markets do not carry their series."""
    return ticker.split("-", 1)[0]
