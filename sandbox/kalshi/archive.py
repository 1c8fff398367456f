"""The line between live and historical data: markets settled before it have left the live calls."""

from datetime import UTC, datetime, time, timedelta
from typing import Final

from sandbox.exchange.types import Order, Position
from sandbox.kalshi.listing import Listing
from sandbox.kalshi.wire import JsonObject, timestamp

# Observed on 2026-08-14: the cutoff of markets lay at 2026-06-14; since 2026-09-24 that of orders is two weeks back.
LIVE_WINDOW: Final = timedelta(days=61)
ORDERS_LIVE: Final = timedelta(days=14)


def cutoff(now: datetime) -> datetime:
    """Markets that settled before this instant, and trades and fills made before it, are historical at `now`."""
    return datetime.combine(now.astimezone(UTC).date() - LIVE_WINDOW, time(0), UTC)


def orders_cutoff(now: datetime) -> datetime:
    """Orders that ended before this instant are historical at `now`."""
    return cutoff(now) + LIVE_WINDOW - ORDERS_LIVE


def is_archived_order(order: Order, now: datetime) -> bool:
    """Whether the order has left the live calls; one that rests never does."""
    return order.status != "resting" and order.last_update_at < orders_cutoff(now)


def is_archived_position(position: Position, now: datetime) -> bool:
    """Whether the position has left the live calls; one that is not settled never does."""
    return position.is_settled and position.last_update_at < cutoff(now)


def is_archived(listing: Listing) -> bool:
    """Whether the market has left the live calls."""
    paid = listing.life.finalized_at
    return paid is not None and paid < cutoff(listing.at)


def cutoff_json(now: datetime) -> JsonObject:
    """`GET /historical/cutoff`."""
    line = cutoff(now)
    return {
        "market_settled_ts": timestamp(line),
        "trades_created_ts": timestamp(line),
        "orders_updated_ts": timestamp(orders_cutoff(now)),
        "market_positions_last_updated_ts": timestamp(line),
    }
