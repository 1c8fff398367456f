"""Numbers and times as a visitor reads them. Missing is "n/a", never 0; minutes, so that an idle page stays still."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from milkbot.core.cities import CityConfig
from milkbot.core.climate_day import standard_time

MISSING: Final = "n/a"
_MINUTES_PER_HOUR, _HOURS_SHOWN = 60, 48


def cents(price: Decimal | None, places: int = 1) -> str:
    """`54¢`, `29.5¢`; dollars in, at most `places` decimals out."""
    if price is None:
        return MISSING
    amount = f"{price * 100:.{places}f}"
    return f"{amount.rstrip('0').rstrip('.') if '.' in amount else amount}¢"


def degrees(value_f: int | None) -> str:
    """`54°`; °F is said once, in the page's head."""
    return MISSING if value_f is None else f"{value_f}°".replace("-", "−")


def fahrenheit(temp_c: float | None) -> int | None:
    """Whole °F for display."""
    return None if temp_c is None else round(temp_c * 9 / 5 + 32)


def quantity(count: Decimal | None) -> str:
    """`1,204`; decimals only where there are some."""
    if count is None:
        return MISSING
    return f"{count:,.2f}".removesuffix(".00")


def duration(span: timedelta) -> str:
    """`under 1 min`, `6 min`, `11 h 17 min`, `3 d`."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return "under 1 min"
    if minutes < _MINUTES_PER_HOUR:
        return f"{minutes} min"
    hours, rest = divmod(minutes, _MINUTES_PER_HOUR)
    if hours >= _HOURS_SHOWN:
        return f"{hours // 24} d"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def ago(instant: datetime, now: datetime) -> str:
    """`6 min ago`, `3 h ago`: whole hours past the first, as nobody needs the minutes of an old reading."""
    span = max(now - instant, timedelta())
    if span >= timedelta(hours=1):
        span -= span % timedelta(hours=1)
    return f"{duration(span)} ago"


def until(instant: datetime, now: datetime) -> str:
    """`in 11 h 17 min`."""
    return f"in {duration(instant - now)}"


def local_time(instant: datetime, city: CityConfig) -> str:
    """`9:38 AM`, on the station's standard clock."""
    return f"{standard_time(instant, city.std_offset_hours):%-I:%M %p}"


def minute_utc(instant: datetime, now: datetime) -> str:
    """`17:42 UTC`; of another day than `now`'s `19 Nov, 17:42 UTC`. Both aware UTC."""
    return f"{instant:%H:%M} UTC" if instant.date() == now.date() else f"{instant:%-d %b, %H:%M} UTC"


def day_words(day: date | datetime) -> str:
    """`Wed 14 May`."""
    return f"{day:%a %-d %b}"
