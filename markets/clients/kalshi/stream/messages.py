"""From the feed's frames to values, and the commands we send. Pure: no network, no clock.

A frame that is none of the known types is None: the exchange adds some. An unknown word in a known one reads as
UNRECOGNIZED, so that whoever sees it can hold the market. Everything else that does not fit raises Malformed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from markets.clients.kalshi.decoding import decode_object
from markets.clients.kalshi.errors import SOURCE
from markets.clients.kalshi.fields import Fields
from markets.domain.live_book import BookDelta, BookMessage, BookNotice, BookSnapshot
from markets.domain.order_book import RawLevel
from milkbot.core.errors import Malformed
from milkbot.core.money import ZERO, parse_decimal

MAX_TICKER: Final = 200
MAX_NUMBER: Final = 2**53
"""Subscription and message numbers are JSON integers."""
USE_YES_PRICE: Final = True
"""The only scale the exchange will keep; asked for by name because its default is still the other one."""


class Channel(StrEnum):
    """What we subscribe to."""

    BOOKS = "orderbook_delta"
    TICKER = "ticker"
    TRADES = "trade"
    FILLS = "fill"
    ORDERS = "user_orders"
    POSITIONS = "market_positions"
    LIFECYCLE = "market_lifecycle_v2"


BY_MARKET: Final = (Channel.BOOKS, Channel.TICKER, Channel.TRADES)
"""Channels that are told which markets we want."""
WHOLE: Final = (Channel.FILLS, Channel.ORDERS, Channel.POSITIONS, Channel.LIFECYCLE)
"""Channels that tell all of ours, or of everybody's."""


class LifecycleStep(StrEnum):
    """What happened to a market. UNRECOGNIZED stands for any new word."""

    CREATED = "created"
    ACTIVATED = "activated"
    DEACTIVATED = "deactivated"
    CLOSE_DATE_UPDATED = "close_date_updated"
    DETERMINED = "determined"
    SETTLED = "settled"
    PRICE_LEVEL_STRUCTURE_UPDATED = "price_level_structure_updated"
    METADATA_UPDATED = "metadata_updated"
    UNRECOGNIZED = "unrecognized"


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The exchange opened subscription `sid` of a channel."""

    channel: str
    sid: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """The exchange could not do what we asked, or ended a subscription."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class BookFrame:
    """A numbered message of subscription `sid`."""

    sid: int
    message: BookMessage


@dataclass(frozen=True, slots=True)
class MarketNews:
    """A market's price, a trade in it, or a step of its life, which then is `step`."""

    channel: Channel
    ticker: str
    step: LifecycleStep | None = None


@dataclass(frozen=True, slots=True)
class AccountNews:
    """Something of our own happened in a market: a fill, an order's change, a position's. REST says what exactly."""

    channel: Channel
    ticker: str


News = MarketNews | AccountNews
Message = Subscribed | Refusal | BookFrame | MarketNews | AccountNews


def parse_frame(frame: str | bytes) -> Message | None:
    """The message of one frame; None for types that are not ours. Raises Malformed."""
    fields = Fields(decode_object(frame if isinstance(frame, bytes) else frame.encode(), "frame"), "frame")
    parse = _PARSERS.get(fields.text("type", max_length=80))
    return parse(fields) if parse else None


def subscribe(number: int, channel: Channel, tickers: Sequence[str] = ()) -> str:
    """The command that opens a channel, for `tickers` or for all."""
    params: dict[str, Any] = {"channels": [channel.value]}
    if tickers:
        params["market_tickers"] = list(tickers)
    if channel is Channel.BOOKS:
        params["use_yes_price"] = USE_YES_PRICE
    return _command(number, "subscribe", params)


def update(number: int, sid: int, action: str, tickers: Sequence[str]) -> str:
    """The command that adds markets to a subscription (`add_markets`), takes some away (`delete_markets`) or asks for
    their books anew (`get_snapshot`)."""
    params = {"sids": [sid], "market_tickers": list(tickers), "action": action}
    return _command(number, "update_subscription", params)


def _command(number: int, name: str, params: Mapping[str, Any]) -> str:
    return json.dumps({"id": number, "cmd": name, "params": params}, separators=(",", ":"))


def _subscribed(fields: Fields) -> Subscribed:
    inner = fields.nested("msg")
    return Subscribed(inner.text("channel", max_length=80), _integer(inner, "sid"))


def _refusal(fields: Fields) -> Refusal:
    inner = fields.nested("msg")
    return Refusal(_integer(inner, "code"), inner.text_or_empty("msg")[:200])


def _notice(fields: Fields) -> BookFrame | None:
    """Answers to commands carry the numbers of a subscription, or none at all."""
    if fields.is_absent("sid") or fields.is_absent("seq"):
        return None
    return BookFrame(_integer(fields, "sid"), BookNotice(_integer(fields, "seq")))


def _snapshot(fields: Fields) -> BookFrame:
    inner = fields.nested("msg")
    yes, no = (_levels(inner, f"{side}_dollars_fp") for side in ("yes", "no"))
    return BookFrame(_integer(fields, "sid"), BookSnapshot(_integer(fields, "seq"), _ticker(inner), yes, no))


def _delta(fields: Fields) -> BookFrame:
    inner = fields.nested("msg")
    outcome = inner.text("side", max_length=8)
    if outcome not in ("yes", "no"):
        raise Malformed(SOURCE, f"frame.msg: side should be yes or no, was {outcome!r}")
    delta = BookDelta(
        seq=_integer(fields, "seq"),
        ticker=_ticker(inner),
        outcome="yes" if outcome == "yes" else "no",
        price=inner.number("price_dollars"),
        delta=inner.number("delta_fp"),
    )
    return BookFrame(_integer(fields, "sid"), delta)


def _market_news(channel: Channel) -> "Callable[[Fields], Message]":
    return lambda fields: MarketNews(channel, _ticker(fields.nested("msg")))


def _account_news(channel: Channel, name: str = "market_ticker") -> "Callable[[Fields], Message]":
    return lambda fields: AccountNews(channel, _ticker(fields.nested("msg"), name))


def _lifecycle(fields: Fields) -> MarketNews:
    inner = fields.nested("msg")
    word = inner.text("event_type", max_length=80)
    step = next((step for step in LifecycleStep if step.value == word), LifecycleStep.UNRECOGNIZED)
    return MarketNews(Channel.LIFECYCLE, _ticker(inner), step)


_PARSERS: Final[Mapping[str, Callable[[Fields], Message | None]]] = {
    "subscribed": _subscribed,
    "error": _refusal,
    "ok": _notice,
    "unsubscribed": _notice,
    "orderbook_snapshot": _snapshot,
    "orderbook_delta": _delta,
    "ticker": _market_news(Channel.TICKER),
    "trade": _market_news(Channel.TRADES),
    "fill": _account_news(Channel.FILLS),
    "user_order": _account_news(Channel.ORDERS, "ticker"),
    "market_position": _account_news(Channel.POSITIONS),
    "market_lifecycle_v2": _lifecycle,
}


def _levels(fields: Fields, name: str) -> tuple[RawLevel, ...]:
    """A side of the book; the key is absent when the side is empty."""
    levels = []
    for raw in [] if fields.is_absent(name) else fields.items(name):
        if not isinstance(raw, list) or len(raw) != 2:
            raise Malformed(SOURCE, f"{fields.where}.{name}: {str(raw)[:40]!r} is no [price, count]")
        try:
            levels.append((parse_decimal(raw[0]), parse_decimal(raw[1])))
        except ValueError as error:
            raise Malformed(SOURCE, f"{fields.where}.{name}: {error}") from None
    return tuple(levels)


def _ticker(fields: Fields, name: str = "market_ticker") -> str:
    return fields.text(name, max_length=MAX_TICKER)


def _integer(fields: Fields, name: str) -> int:
    number = fields.number(name)
    if number != number.to_integral_value() or not ZERO <= number <= MAX_NUMBER:
        raise Malformed(SOURCE, f"{fields.where}: {name} {number} is no number of a message")
    return int(number)
