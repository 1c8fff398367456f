"""A day on the public page: ten cities in every state a tile has, a month of account and some trades."""

import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from analytics.models import EquityRow
from markets.models import MarketRow
from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day, climate_day_bounds
from milkbot.core.health import Component
from milkbot.health import beat
from tests.factories import (
    CAPITAL,
    SHADOW,
    EventFactory,
    FillFactory,
    LockFactory,
    MarketFactory,
    MarketSnapshotFactory,
    ObservationFactory,
    OrderFactory,
    SignalFactory,
    WeatherSnapshotFactory,
    publish,
)

HIGHS_F: Final = {
    "NYC": 57,
    "CHI": 44,
    "LAX": 71,
    "MIA": 82,
    "AUS": 73,
    "DEN": 54,
    "PHL": 58,
    "BOS": 51,
    "SEA": 50,
    "SFO": 62,
}
"""NWS highs, °F."""
PAUSED, LOCKED, STALE, SETTLED, UNQUOTED = "MIA", "AUS", "DEN", "PHL", "SEA"
MIDS: Final = ("0.015", "0.085", "0.29", "0.46", "0.13", "0.01")
"""Middles of the quotes, hottest bracket first; at one cent nobody bids."""
OPINIONS: Final = (0.03, 0.12, 0.34, 0.41, 0.09, 0.01)
BETWEEN_MINUTES: Final = timedelta(seconds=30)
"""Ages are said in whole minutes: stamps that far from one keep their words while a test looks."""


def set_ten_cities(now: datetime) -> None:
    """Five cities open, one each paused, locked, stale, without quotes, and settled but not listed anew."""
    publish()
    for component in Component:
        beat(component)
    for code in HIGHS_F:
        _set_city(code, now)
    LockFactory.create(
        scope=LOCKED,
        code="SOURCES_DISAGREE",
        message="METAR and forecast disagree",
        needs_person=True,
        locked_at=now - timedelta(hours=2),
    )
    _set_account(now)


def _set_city(code: str, now: datetime) -> None:
    city, high_f = load_cities()[code], HIGHS_F[code]
    today = climate_day(now, city.std_offset_hours)
    day = today - timedelta(days=1) if code == SETTLED else today
    start, end = climate_day_bounds(day, city.std_offset_hours)
    seen_at = now - BETWEEN_MINUTES - timedelta(minutes=22 if code == STALE else 0)
    WeatherSnapshotFactory.create(
        city_code=code,
        captured_at=seen_at,
        highs=[{"day": day.isoformat(), "high_f": high_f}],
        observed_temp_c=_celsius(high_f - 4),
    )
    ObservationFactory.create(city_code=code, observed_at=start, temp_c=_celsius(high_f - 3))
    for place, market in enumerate(_ladder(code, day, end)):
        _quote(market, place, now)
        SignalFactory.create(market=market, p_yes=OPINIONS[place], made_at=now - timedelta(hours=2))
        order = OrderFactory.create(intent__market=market, intent__count=Decimal(9 + place))
        FillFactory.create(
            order=order,
            yes_price=Decimal(MIDS[place]),
            filled_at=now - timedelta(hours=2 + 9 * place, minutes=high_f),
        )


def _ladder(code: str, day: date, end: datetime) -> list[MarketRow]:
    """Six brackets round the forecast, hottest first, that close at `end` or have settled."""
    settled = code == SETTLED
    event = EventFactory.create(city_code=code, event_date=day, close_at=end)
    floor = HIGHS_F[code] - 5
    middle = [(floor + 2 * step, floor + 2 * step + 1) for step in range(4)]
    bounds = [(None, floor - 1), *middle, (floor + 8, None)]
    return [
        MarketFactory.create(
            event=event,
            low_f=low_f,
            high_f=high_f,
            status="finalized" if settled else ("inactive" if code == PAUSED else "active"),
            result=("yes" if place == 3 else "no") if settled else "",
            expiration_value=str(floor + 3) if settled else "",
            settled_at=end + timedelta(hours=8) if settled else None,
        )
        for place, (low_f, high_f) in enumerate(reversed(bounds))
    ]


def _quote(market: MarketRow, place: int, now: datetime) -> None:
    mid, unquoted = Decimal(MIDS[place]), market.city_code == UNQUOTED
    bid, ask = mid - Decimal("0.01"), mid + Decimal("0.01")
    MarketSnapshotFactory.create(
        market=market,
        captured_at=now - BETWEEN_MINUTES,
        yes_bid=None if unquoted or bid <= 0 else bid,
        yes_bid_size=None if unquoted or bid <= 0 else Decimal(120),
        yes_ask=None if unquoted else ask,
        yes_ask_size=None if unquoted else Decimal(75),
        volume=Decimal(6_868),
    )


def _set_account(now: datetime) -> None:
    """Twenty-nine days of hours, the youngest two hours old: up a little, with a fall on the way."""
    points = []
    for hours in range(29 * 24):
        realized = Decimal(round(60 * math.sin(hours // 24 / 5) + hours // 24 * 2.5, 2))
        unrealized = Decimal(round(25 * math.sin(hours / 7) * math.cos(hours / 31), 2))
        points.append(
            EquityRow(
                mode=SHADOW,
                at=now - timedelta(days=29, minutes=61) + timedelta(hours=hours),
                cash=CAPITAL,
                total_equity=CAPITAL + realized + unrealized,
                realized_pnl=realized,
                unrealized_pnl=unrealized,
            )
        )
    EquityRow.objects.bulk_create(points)


def _celsius(value_f: int) -> float:
    return (value_f - 32) / 1.8
