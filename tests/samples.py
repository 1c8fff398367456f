"""The three sample values of the domain: a Chicago market, its weather, and a fill. Need no database and no network."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from markets.domain.types import MarketSnapshot, MarketStatus
from milkbot.core.config import TradingMode
from trading.domain.types import BookSide, Fill
from weather.domain.types import DayHigh, Observation, WeatherSnapshot

CAPTURED_AT = datetime(2025, 5, 14, 15, 30, tzinfo=UTC)
CLIMATE_DAY = date(2025, 5, 14)
MARKET_TICKER = "KXHIGHCHI-25MAY14-B74.5"


def sample_market_snapshot() -> MarketSnapshot:
    """The bracket 74° to 75° at 10:30 in Chicago, two cents wide."""
    return MarketSnapshot(
        ticker=MARKET_TICKER,
        event_ticker="KXHIGHCHI-25MAY14",
        captured_at=CAPTURED_AT,
        status=MarketStatus.ACTIVE,
        yes_bid=Decimal("0.41"),
        yes_bid_size=Decimal("120.00"),
        yes_ask=Decimal("0.43"),
        yes_ask_size=Decimal("75.00"),
        last_price=Decimal("0.42"),
        volume=Decimal("1850.00"),
        open_interest=Decimal("940.00"),
    )


def sample_weather_snapshot() -> WeatherSnapshot:
    """Chicago at the same instant: an hourly METAR of Midway and highs of two days."""
    return WeatherSnapshot(
        city_code="CHI",
        captured_at=CAPTURED_AT,
        issued_at=datetime(2025, 5, 14, 9, 12, tzinfo=UTC),
        highs=(DayHigh(day=CLIMATE_DAY, high_f=75), DayHigh(day=date(2025, 5, 15), high_f=81)),
        observation=Observation(
            station="KMDW",
            observed_at=datetime(2025, 5, 14, 14, 53, tzinfo=UTC),
            temp_c=18.3,
            is_metar=True,
        ),
    )


def sample_order_fill() -> Fill:
    """Ten YES contracts bought at the ask, with the taker's fee."""
    return Fill(
        fill_id="shadow-0001",
        mode=TradingMode.SHADOW,
        market_ticker=MARKET_TICKER,
        client_order_id=UUID("5d8f2f3e-6d0b-5c57-9f5b-0c3a4f1f9c11"),
        book_side=BookSide.BID,
        count=Decimal("10.00"),
        yes_price=Decimal("0.43"),
        fee=Decimal("0.18"),
        is_taker=True,
        filled_at=CAPTURED_AT,
    )
