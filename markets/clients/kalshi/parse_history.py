"""From the exchange's JSON to what happened. Pure. A row that cannot be read raises Malformed or BadMarketData."""

from collections.abc import Callable
from datetime import time
from decimal import Decimal
from typing import Any, Final, TypeVar

from markets.clients.kalshi.errors import SOURCE
from markets.clients.kalshi.fields import Fields
from markets.clients.kalshi.parse import known_fees
from markets.clients.kalshi.rows import name_of, valid
from markets.domain.history_types import (
    ArchiveCutoff,
    Candle,
    ExchangeSchedule,
    FeeChange,
    MaintenanceWindow,
    Ohlc,
    Session,
    StandardHours,
    Trade,
)
from markets.domain.sides import BookSide
from milkbot.core.errors import Malformed
from milkbot.core.money import ONE, ZERO

Part = TypeVar("Part")

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SIDES: Final = {"bid": BookSide.BID, "ask": BookSide.ASK, "yes": BookSide.BID, "no": BookSide.ASK}


def parse_trade(raw: object) -> Trade:
    """A row of `GET /markets/trades` or `GET /historical/trades`."""
    fields = Fields(raw, f"trade {name_of(raw, 'trade_id')}")
    return valid(
        lambda: Trade(
            trade_id=fields.text("trade_id", max_length=80),
            ticker=fields.text("ticker", max_length=200),
            count=fields.number("count_fp"),
            yes_price=fields.number("yes_price_dollars"),
            taker_side=_taker_side(fields),
            traded_at=fields.instant("created_time"),
            is_block_trade=not fields.is_absent("is_block_trade") and fields.flag("is_block_trade"),
        ),
        fields.where,
    )


def parse_candle(raw: object) -> Candle:
    """A candlestick: live names end in `_dollars` and `_fp`, archived ones do not; `price` may be empty."""
    fields = Fields(raw, "candlestick")
    price = Fields({} if fields.is_absent("price") else fields.value("price"), "candlestick.price")
    return valid(
        lambda: Candle(
            ends_at=fields.unix_instant("end_period_ts"),
            yes_bid=_ohlc(fields.nested("yes_bid")),
            yes_ask=_ohlc(fields.nested("yes_ask")),
            price=_ohlc(price),
            previous_price=_price(price, "previous"),
            volume=fields.number(_present(fields, "volume_fp", "volume")),
            open_interest=fields.number(_present(fields, "open_interest_fp", "open_interest")),
        ),
        fields.where,
    )


def parse_series_fee_change(raw: object) -> FeeChange:
    """A row of `GET /series/fee_changes`."""
    fields = Fields(raw, f"fee change {name_of(raw, 'id')}")
    return FeeChange(
        change_id=fields.text("id", max_length=80),
        series_ticker=fields.text("series_ticker", max_length=32),
        event_ticker=None,
        fees=known_fees(fields.text("fee_type"), fields.number("fee_multiplier")),
        effective_at=fields.instant("scheduled_ts"),
    )


def parse_event_fee_change(raw: object) -> FeeChange:
    """A row of `GET /events/fee_changes`. Raises Malformed for an override we cannot compute: None would end it."""
    fields = Fields(raw, f"fee change {name_of(raw, 'id')}")
    multiplier = fields.number_or_none("fee_multiplier_override")
    name = fields.text_or_empty("fee_type_override")
    fees = known_fees(name, multiplier)
    if fees is None and (name or multiplier is not None):
        raise Malformed(SOURCE, f"{fields.where} sets fees we cannot compute: {name[:40]!r} x {multiplier}")
    return FeeChange(
        change_id=fields.text("id", max_length=80),
        series_ticker=fields.text("series_ticker", max_length=32),
        event_ticker=fields.text("event_ticker", max_length=200),
        fees=fees,
        effective_at=fields.instant("scheduled_ts"),
    )


def parse_cutoff(payload: dict[str, Any]) -> ArchiveCutoff:
    """`GET /historical/cutoff`."""
    fields = Fields(payload, "archive cutoff")
    return ArchiveCutoff(
        markets_settled_at=fields.instant("market_settled_ts"),
        trades_at=fields.instant("trades_created_ts"),
        orders_updated_at=fields.instant("orders_updated_ts"),
        positions_updated_at=fields.instant_or_none("market_positions_last_updated_ts"),
    )


def parse_schedule(payload: dict[str, Any]) -> ExchangeSchedule:
    """`GET /exchange/schedule`."""
    fields = Fields(payload, "answer").nested("schedule")
    return ExchangeSchedule(
        standard_hours=_all_of(fields, "standard_hours", _standard_hours),
        maintenance=_all_of(fields, "maintenance_windows", _maintenance),
    )


def _standard_hours(fields: Fields) -> StandardHours:
    return StandardHours(
        begins_at=fields.instant("start_time"),
        ends_at=fields.instant("end_time"),
        week=tuple(_all_of(fields, day, _session) for day in _DAYS),
    )


def _session(fields: Fields) -> Session:
    return Session(opens=_time_of_day(fields, "open_time"), closes=_time_of_day(fields, "close_time"))


def _maintenance(fields: Fields) -> MaintenanceWindow:
    return MaintenanceWindow(
        begins_at=fields.instant("start_datetime"), ends_at=fields.instant("end_datetime")
    )


def _all_of(fields: Fields, name: str, parse: Callable[[Fields], Part]) -> tuple[Part, ...]:
    raws = [] if fields.is_absent(name) else fields.items(name)
    return tuple(parse(Fields(raw, f"{fields.where}.{name}")) for raw in raws)


def _time_of_day(fields: Fields, name: str) -> time:
    """HH:MM; 24:00 is written for the end of a day."""
    text = fields.text(name, max_length=8)
    try:
        return time() if text == "24:00" else time.fromisoformat(text)
    except ValueError:
        raise Malformed(SOURCE, f"{fields.where}: {name} {text!r} is no time of day") from None


def _taker_side(fields: Fields) -> BookSide:
    for name in ("taker_book_side", "taker_outcome_side", "taker_side"):
        if (side := _SIDES.get(fields.text_or_empty(name))) is not None:
            return side
    raise Malformed(SOURCE, f"{fields.where} names no taker's side we know")


def _ohlc(fields: Fields) -> Ohlc:
    return Ohlc(**{name: _price(fields, name) for name in ("open", "low", "high", "close")})


def _price(fields: Fields, name: str) -> Decimal | None:
    """0 and 1 stand for an empty side, as in quotes."""
    price = fields.number_or_none(_present(fields, f"{name}_dollars", name))
    return None if price in (ZERO, ONE) else price


def _present(fields: Fields, name: str, former: str) -> str:
    return former if fields.is_absent(name) else name
