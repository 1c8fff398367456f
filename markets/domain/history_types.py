"""What happened on the exchange: trades, candlesticks, fee changes, where the archive begins, opening hours.

Prices are Decimal dollars on the YES book, None where there was none; counts are Decimal contracts.
"""

from datetime import datetime, time
from decimal import Decimal
from enum import IntEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from markets.domain.sides import BookSide
from markets.domain.types import Count, FeeSchedule, Price


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CandlePeriod(IntEnum):
    """Minutes a candlestick covers."""

    MINUTE = 1
    HOUR = 60
    DAY = 1440


class Trade(_Frozen):
    """One public trade. Block trades were agreed off the book and say nothing about its prices."""

    trade_id: str
    ticker: str
    count: Decimal = Field(gt=0, max_digits=14, decimal_places=2)
    yes_price: Price
    taker_side: BookSide
    traded_at: AwareDatetime
    is_block_trade: bool


class Ohlc(_Frozen):
    """Open, low, high and close of a period; each None where nobody quoted or traded."""

    open: Price | None = None
    low: Price | None = None
    high: Price | None = None
    close: Price | None = None


class Candle(_Frozen):
    """Quotes and trades of a market in the period that ended at `ends_at`. Periods without change are not listed."""

    ends_at: AwareDatetime
    yes_bid: Ohlc
    yes_ask: Ohlc
    price: Ohlc
    previous_price: Price | None
    volume: Count
    open_interest: Count


class FeeChange(_Frozen):
    """`fees` from `effective_at` on. For an event, None ends its override; for a series, None is a type unknown to us."""

    change_id: str
    series_ticker: str
    event_ticker: str | None
    fees: FeeSchedule | None
    effective_at: AwareDatetime


class ArchiveCutoff(_Frozen):
    """What is older than these instants is found in the archive only. None where the exchange does not say."""

    markets_settled_at: AwareDatetime
    trades_at: AwareDatetime
    orders_updated_at: AwareDatetime
    positions_updated_at: AwareDatetime | None = None

    def holds_market(self, settled_at: datetime | None) -> bool:
        """Whether a market settled then has moved to the archive."""
        return settled_at is not None and settled_at < self.markets_settled_at


class Session(_Frozen):
    """Opening hours in New York time; `closes` may be 00:00 for the end of the day."""

    opens: time
    closes: time


Week = Annotated[tuple[tuple[Session, ...], ...], Field(min_length=7, max_length=7)]
"""The sessions of each day, Monday first."""


class StandardHours(_Frozen):
    begins_at: AwareDatetime
    ends_at: AwareDatetime
    week: Week


class MaintenanceWindow(_Frozen):
    begins_at: AwareDatetime
    ends_at: AwareDatetime


class ExchangeSchedule(_Frozen):
    standard_hours: tuple[StandardHours, ...]
    maintenance: tuple[MaintenanceWindow, ...]

    def maintenance_until(self, now: datetime) -> datetime | None:
        """When the announced maintenance under way at `now` ends; None outside of any."""
        return max((w.ends_at for w in self.maintenance if w.begins_at <= now < w.ends_at), default=None)
