"""What is stored of past days, for archives. Long lists come in chunks through a cursor of the server."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from markets.domain.types import Market
from markets.models import MarketRow, MarketSnapshotRow
from markets.repositories import to_market
from milkbot.core.cities import load_cities

CHUNK: Final = 2_000


class StoredPrices(NamedTuple):
    """A market's prices as they were first seen at `captured_at`; None where nobody quoted."""

    ticker: str
    captured_at: datetime
    status: str
    yes_bid: Decimal | None
    yes_ask: Decimal | None
    last: Decimal | None
    volume: Decimal
    open_interest: Decimal
    yes_bid_size: Decimal | None
    yes_ask_size: Decimal | None


_COLUMNS: Final = (
    "market__ticker",
    "captured_at",
    "status",
    "yes_bid",
    "yes_ask",
    "last_price",
    "volume",
    "open_interest",
    "yes_bid_size",
    "yes_ask_size",
)


def event_days(city_code: str) -> list[date]:
    """The climate days of which markets are stored, ascending."""
    rows = MarketRow.objects.filter(event__series_ticker=load_cities()[city_code].kalshi_series)
    return list(rows.order_by("event_date").values_list("event_date", flat=True).distinct())


def markets_of(city_code: str, day: date) -> list[Market]:
    """The stored markets of a city's event, by ticker."""
    rows = MarketRow.objects.select_related("event").filter(
        event__series_ticker=load_cities()[city_code].kalshi_series, event_date=day
    )
    return [to_market(row) for row in rows.order_by("ticker")]


def prices_of(city_code: str, day: date) -> Iterator[StoredPrices]:
    """Every stored change of the prices of a city's event, in order of time."""
    rows = MarketSnapshotRow.objects.filter(
        market__event__series_ticker=load_cities()[city_code].kalshi_series, market__event_date=day
    ).order_by("captured_at", "market__ticker")
    for values in rows.values_list(*_COLUMNS).iterator(chunk_size=CHUNK):
        yield StoredPrices(*values)


def days_priced_before(moment: datetime) -> list[tuple[str, date]]:
    """City and climate day of every event that has prices from before `moment`."""
    rows = MarketSnapshotRow.objects.filter(captured_at__lt=moment).order_by()
    return sorted(rows.values_list("city_code", "market__event_date").distinct())
