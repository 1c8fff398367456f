"""Builds wire objects and domain values of one Chicago day, changed where a test says so."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from markets.clients.kalshi import parse
from markets.clients.kalshi.decoding import decode_object
from markets.domain.order_book import build_book
from markets.domain.tickers import event_ticker
from markets.domain.types import (
    Event,
    FeeSchedule,
    FeeType,
    Market,
    MarketStatus,
    OrderBook,
    PriceRange,
    StrikeType,
)
from milkbot.core.cities import load_cities

NOW = datetime(2026, 9, 15, 15, 0, tzinfo=UTC)
DAY = date(2026, 9, 15)
CENT_GRID = (PriceRange(start=Decimal(0), end=Decimal(1), step=Decimal("0.01")),)
TAKER_FEES = FeeSchedule(fee_type=FeeType.QUADRATIC, multiplier=Decimal(1))
STRIKES: tuple[tuple[str, str, int | None, int | None], ...] = (
    ("T80", "less", None, 80),
    ("B80.5", "between", 80, 81),
    ("B82.5", "between", 82, 83),
    ("B84.5", "between", 84, 85),
    ("B86.5", "between", 86, 87),
    ("T87", "greater", 87, None),
)
PLACES = {city.kalshi_series: f"{city.name} ({city.cli_code})" for city in load_cities().values()}
CLOSES = {city.kalshi_series: -city.std_offset_hours for city in load_cities().values()}
"""Hour of the next day, UTC, at which the climate day ends."""


def wire_market(
    suffix: str = "B84.5",
    strike_type: str = "between",
    floor: int | None = 84,
    cap: int | None = 85,
    *,
    series: str = "KXHIGHCHI",
    day: date = DAY,
    **changes: Any,
) -> dict[str, Any]:
    """A market of the 3.32 schema, as listed in September 2026. `changes` set keys; None removes nothing."""
    event = event_ticker(series, day)
    close = datetime(day.year, day.month, day.day, CLOSES[series], tzinfo=UTC).replace(day=day.day + 1)
    condition = {
        "less": f"less than {cap}°",
        "greater": f"greater than {floor}°",
        "between": f"between {floor}-{cap}°",
    }[strike_type]
    return {
        "ticker": f"{event}-{suffix}",
        "event_ticker": event,
        "market_type": "binary",
        "status": "active",
        "strike_type": strike_type,
        "floor_strike": floor,
        "cap_strike": cap,
        "open_time": f"{day.replace(day=day.day - 1)}T14:00:00Z",
        "close_time": f"{close:%Y-%m-%dT%H:%M:%SZ}",
        "yes_bid_dollars": "0.4100",
        "yes_bid_size_fp": "120.00",
        "yes_ask_dollars": "0.4300",
        "yes_ask_size_fp": "75.50",
        "last_price_dollars": "0.4200",
        "volume_fp": "1850.00",
        "open_interest_fp": "940.00",
        "result": "",
        "expiration_value": "",
        "rules_primary": (
            f"If the maximum temperature recorded at {PLACES[series]} for {day:%b} {day.day}, {day.year}, is "
            f"{condition} fahrenheit according to The Weather Company, then the market resolves to Yes."
        ),
        "price_level_structure": "linear_cent",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
        **changes,
    }


def wire_event(*, series: str = "KXHIGHCHI", day: date = DAY, **changes: Any) -> dict[str, Any]:
    return {
        "event_ticker": event_ticker(series, day),
        "series_ticker": series,
        "title": "Highest temperature?",
        "settlement_sources": [{"name": "The Weather Company", "url": "https://weather.com/kalshi"}],
        "markets": [wire_market(*strike, series=series, day=day) for strike in STRIKES],
        **changes,
    }


def wire_series(ticker: str = "KXHIGHCHI", **changes: Any) -> dict[str, Any]:
    series = {
        "ticker": ticker,
        "title": "Highest temperature",
        "frequency": "daily",
        "fee_type": "quadratic",
        "fee_multiplier": 1,
        "settlement_sources": [{"name": "The Weather Company", "url": "https://weather.com/kalshi"}],
    }
    return {"series": series | changes}


def wire_book(ticker: str, yes: str = "0.4100", no: str = "0.5700", count: str = "50.00") -> dict[str, Any]:
    return {
        "ticker": ticker,
        "orderbook_fp": {"yes_dollars": [["0.0100", "10.00"], [yes, count]], "no_dollars": [[no, "30.00"]]},
    }


def event(wire: Mapping[str, Any] | None = None) -> Event:
    return parse.parse_event(wire or wire_event(), NOW)


def market(
    strike_type: StrikeType | None, floor: str | None, cap: str | None, suffix: str = "B84.5"
) -> Market:
    ticker = event_ticker("KXHIGHCHI", DAY)
    return Market(
        ticker=f"{ticker}-{suffix}",
        event_ticker=ticker,
        strike_type=strike_type,
        floor_strike=None if floor is None else Decimal(floor),
        cap_strike=None if cap is None else Decimal(cap),
        status=MarketStatus.ACTIVE,
        open_at=NOW,
        close_at=NOW,
        price_ranges=CENT_GRID,
    )


def book(ticker: str, bids: Mapping[str, str], asks: Mapping[str, str]) -> OrderBook:
    """A YES book from {price: count}; asks are given as YES prices."""
    return build_book(
        ticker,
        [(Decimal(price), Decimal(count)) for price, count in bids.items()],
        [(1 - Decimal(price), Decimal(count)) for price, count in asks.items()],
    )


def decode(body: str | bytes) -> dict[str, Any]:
    return decode_object(body.encode() if isinstance(body, str) else body, "test")
