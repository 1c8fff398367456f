"""Tickers of the daily-high series: event `SERIES-YYMONDD`, market `SERIES-YYMONDD-STRIKE`."""

from datetime import date, timedelta
from typing import Final

from sandbox.english import MONTHS

MONTH_LABELS: Final = tuple(name[:3].upper() for name in MONTHS)


def date_label(day: date) -> str:
    """`26NOV20` for 2026-11-20."""
    return f"{day.year % 100:02}{MONTH_LABELS[day.month - 1]}{day.day:02}"


def date_of_label(label: str) -> date:
    """The reverse of `date_label`. Raises ValueError for anything else."""
    return date(2000 + int(label[:2]), MONTH_LABELS.index(label[2:5]) + 1, int(label[5:]))


def moved_ticker(ticker: str, by: timedelta) -> str:
    """The same event or market ticker for the day `by` later. Raises ValueError when it carries no date."""
    series, label, *strike = ticker.split("-")
    return "-".join([series, date_label(date_of_label(label) + by), *strike])


def series_of(ticker: str) -> str:
    """The series an event or market ticker belongs to."""
    return ticker.split("-", 1)[0]
