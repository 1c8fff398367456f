"""From the exchange's JSON to domain types. Pure: no network, no clock.

A fault of the answer's frame raises Malformed; a fault of one market raises BadMarketData (its values) or Malformed
(its shape), which the list parsers turn into a ListingFault so that the other markets survive. On the wire an empty
side shows as bid 0.0000 / ask 1.0000 (also ask 0.0000): that is no price, hence None.
"""

import re
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from markets.clients.kalshi.errors import SOURCE
from markets.clients.kalshi.fields import Fields
from markets.clients.kalshi.rows import each, name_of
from markets.domain.order_book import RawLevel, build_book
from markets.domain.tickers import parse_event_ticker
from markets.domain.types import (
    AccountIdentity,
    Event,
    ExchangeStatus,
    FeeSchedule,
    FeeType,
    Listing,
    ListingFault,
    Market,
    MarketSnapshot,
    MarketStatus,
    OrderBook,
    PriceRange,
    Series,
    StrikeType,
    checked_count,
    checked_price,
)
from milkbot.core.errors import BadMarketData, Malformed
from milkbot.core.money import ONE, ZERO, parse_decimal

_STATUSES: Final = {str(status): status for status in MarketStatus}
_STRIKE_TYPES: Final = {str(kind): kind for kind in StrikeType}
_FEE_TYPES: Final = {str(kind): kind for kind in FeeType}
_RESULTS: Final = frozenset({"", "yes", "no", "scalar"})
_RANGE_WORDS: Final = itemgetter("start", "end", "step")
_is_plain_count: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,2})?").fullmatch
"""What the exchange writes, and `checked_count` passes: told by its form alone, four times in every market."""
_TICKER_LENGTH: Final = 200
"""The exchange's own bound; combination markets use long ones."""
_MOST_MARKETS: Final = 200
"""Of one event. A day has six to ten."""
_DAILY_EVENT_LENGTH: Final = 40
_DAILY_TICKER_LENGTH: Final = 48


class Listings(NamedTuple):
    """The readable markets of an answer, and what could not be read."""

    listings: tuple[Listing, ...]
    faults: tuple[ListingFault, ...]


class EventPage(NamedTuple):
    events: tuple[Event, ...]
    faults: tuple[ListingFault, ...]
    """Events of which nothing could be used."""


def parse_status(payload: dict[str, Any]) -> ExchangeStatus:
    """`GET /exchange/status`: the default shard, on which weather trades."""
    fields = Fields(payload, "exchange status")
    return ExchangeStatus(
        exchange_active=fields.flag("exchange_active"),
        trading_active=fields.flag("trading_active"),
        resumes_at=fields.instant_or_none("exchange_estimated_resume_time"),
    )


def parse_series(payload: dict[str, Any]) -> Series:
    """`GET /series/{ticker}`. `fees` is None when the fee type is one we cannot compute."""
    fields = Fields(payload, "answer").nested("series")
    sources = [] if fields.is_absent("settlement_sources") else fields.items("settlement_sources")
    return Series(
        ticker=fields.text("ticker", max_length=32),
        title=fields.text_or_empty("title"),
        fees=known_fees(fields.text("fee_type"), fields.number("fee_multiplier")),
        settlement_source_names=tuple(
            Fields(source, f"{fields.where}.settlement_sources").text_or_empty("name") for source in sources
        ),
    )


def parse_events(payload: dict[str, Any], captured_at: datetime) -> EventPage:
    """One page of `GET /events?with_nested_markets=true`."""
    page = each(
        Fields(payload, "events page").items("events"),
        "event_ticker",
        lambda raw: parse_event(raw, captured_at),
    )
    return EventPage(*page)


def parse_event(raw: object, captured_at: datetime) -> Event:
    """One event with its nested markets. Markets and fee overrides that cannot be read become `faults`.

    Raises Malformed or BadMarketData when the event itself cannot be placed (ticker, series).
    """
    fields = Fields(raw, name_of(raw, "event_ticker"))
    event_ticker = fields.text("event_ticker", max_length=_DAILY_EVENT_LENGTH)
    series_ticker, event_date = parse_event_ticker(event_ticker)
    stated_series = fields.text_or_empty("series_ticker")
    if stated_series not in ("", series_ticker):
        raise BadMarketData("EVENT_TICKER_UNREADABLE", f"{event_ticker} claims series {stated_series[:40]!r}")
    markets = [] if fields.is_absent("markets") else fields.items("markets")
    if len(markets) > _MOST_MARKETS:
        raise Malformed(SOURCE, f"{event_ticker} has {len(markets)} markets")
    listings, faults = each(markets, "ticker", lambda market: _parse_child(market, event_ticker, captured_at))
    listings, doubles = _first_ofeach(listings)
    override, override_faults = _fee_override(fields, event_ticker)
    return Event(
        event_ticker=event_ticker,
        series_ticker=series_ticker,
        event_date=event_date,
        title=fields.text_or_empty("title"),
        fee_override=override,
        listings=listings,
        faults=faults + doubles + override_faults,
    )


def parse_markets(payload: dict[str, Any], captured_at: datetime) -> Listings:
    """One page of `GET /markets`."""
    items = Fields(payload, "markets page").items("markets")
    return Listings(*each(items, "ticker", lambda raw: parse_market(raw, captured_at)))


def parse_market(raw: object, captured_at: datetime) -> Listing:
    """One market with its prices at `captured_at`.

    Raises BadMarketData: PRICE_OUT_OF_RANGE, PRICE_UNREADABLE, PRICES_CROSSED, QUOTES_OUT_OF_RANGE,
    PRICE_GRID_UNREADABLE, NOT_BINARY; Malformed for a missing or mistyped field.
    """
    if captured_at.tzinfo is None:
        raise ValueError("captured_at needs a zone")
    fields = Fields(raw, name_of(raw, "ticker"))
    if fields.text_or_empty("market_type") not in ("", "binary"):
        raise BadMarketData("NOT_BINARY", f"{fields.where} does not pay 0 or 1 dollar")
    market = _market(fields)
    return Listing(market, _snapshot(fields, market, captured_at))


def _market(fields: Fields) -> Market:
    status = _STATUSES.get(fields.text("status"), MarketStatus.UNRECOGNIZED)
    result = fields.text_or_empty("result")
    if result not in _RESULTS:
        # A result we cannot book must not look like none: the market is held for a person.
        status, result = MarketStatus.UNRECOGNIZED, ""
    return Market.of_checked(
        ticker=fields.text("ticker", max_length=_TICKER_LENGTH),
        event_ticker=fields.text("event_ticker", max_length=_TICKER_LENGTH),
        strike_type=_STRIKE_TYPES.get(fields.text_or_empty("strike_type")),
        floor_strike=fields.number_or_none("floor_strike"),
        cap_strike=fields.number_or_none("cap_strike"),
        status=status,
        open_at=fields.instant("open_time"),
        close_at=fields.instant("close_time"),
        price_ranges=_price_ranges(fields),
        rules_primary=fields.text_or_empty("rules_primary"),
        result=result,
        expiration_value=fields.text_or_empty("expiration_value", max_length=16),
        settled_at=fields.instant_or_none("settlement_ts"),
        exchange_index=fields.shard("exchange_index"),
    )


def parse_orderbook(payload: dict[str, Any], ticker: str) -> OrderBook:
    """`GET /markets/{ticker}/orderbook`. No book (market closed or halted) reads as an empty one."""
    return _book(Fields(payload, f"order book of {ticker}"), ticker)


def parse_orderbooks(payload: dict[str, Any]) -> tuple[dict[str, OrderBook], tuple[ListingFault, ...]]:
    """`GET /markets/orderbooks`: the readable books by ticker, and what could not be read."""

    def parse(raw: object) -> OrderBook:
        fields = Fields(raw, f"order book of {name_of(raw, 'ticker')}")
        return _book(fields, fields.text("ticker", max_length=_TICKER_LENGTH))

    books, faults = each(Fields(payload, "order books").items("orderbooks"), "ticker", parse)
    return {book.ticker: book for book in books}, faults


def parse_account(
    balance: dict[str, Any], limits: dict[str, Any], scopes: tuple[str, ...] | None = None
) -> AccountIdentity:
    """`GET /portfolio/balance` and `GET /account/limits`; `scopes` of the key, None if they are not told."""
    tiers = Fields(limits, "account limits")
    return AccountIdentity(
        balance=Fields(balance, "balance").number("balance_dollars"),
        usage_tier=tiers.text("usage_tier", max_length=40),
        read_tokens_per_s=tiers.nested("read").number("refill_rate"),
        write_tokens_per_s=tiers.nested("write").number("refill_rate"),
        scopes=scopes,
    )


def _parse_child(raw: object, event_ticker: str, captured_at: datetime) -> Listing:
    listing = parse_market(raw, captured_at)
    market = listing.market
    is_named_so = market.ticker.startswith(f"{event_ticker}-") and len(market.ticker) <= _DAILY_TICKER_LENGTH
    if market.event_ticker != event_ticker or not is_named_so:
        raise BadMarketData("WRONG_EVENT", f"{market.ticker[:60]} stands in {event_ticker} but is not of it")
    return listing


def _first_ofeach(
    listings: tuple[Listing, ...],
) -> tuple[tuple[Listing, ...], tuple[ListingFault, ...]]:
    firsts: dict[str, Listing] = {}
    doubles = []
    for listing in listings:
        ticker = listing.market.ticker
        if firsts.setdefault(ticker, listing) is not listing:
            doubles.append(ListingFault(ticker=ticker, code="LISTED_TWICE", text=f"{ticker} is listed twice"))
    return tuple(firsts.values()), tuple(doubles)


def _snapshot(fields: Fields, market: Market, captured_at: datetime) -> MarketSnapshot:
    bid, bid_size = _quote(fields, "yes_bid_dollars", "yes_bid_size_fp")
    ask, ask_size = _quote(fields, "yes_ask_dollars", "yes_ask_size_fp")
    if bid is not None and ask is not None and bid >= ask:
        raise BadMarketData("PRICES_CROSSED", f"{market.ticker}: bid {bid} is not below ask {ask}")
    return MarketSnapshot.of_checked(
        ticker=market.ticker,
        event_ticker=market.event_ticker,
        captured_at=captured_at,
        status=market.status,
        yes_bid=bid,
        yes_bid_size=bid_size,
        yes_ask=ask,
        yes_ask_size=ask_size,
        last_price=_price(fields, "last_price_dollars"),
        volume=_count(fields, "volume_fp"),
        open_interest=_count(fields, "open_interest_fp"),
    )


def _quote(fields: Fields, price_name: str, size_name: str) -> tuple[Decimal | None, Decimal | None]:
    """Price and size of a side; both None where nobody quotes. Determined markets show negative sizes: nobody."""
    price, size = _price(fields, price_name), _size(fields, size_name)
    return (None, None) if price is None or size is None else (price, size)


def _size(fields: Fields, name: str) -> Decimal | None:
    """How much is quoted, if anything. Determined markets show negative sizes."""
    stated = fields.raw.get(name)
    if type(stated) is str and _is_plain_count(stated):
        return Decimal(stated) or None
    if fields.value(name) is None or fields.number(name) <= ZERO:
        return None
    return _count(fields, name)


def _count(fields: Fields, name: str) -> Decimal:
    stated = fields.raw.get(name)
    if type(stated) is str and _is_plain_count(stated):
        return Decimal(stated)
    try:
        return checked_count(fields.number(name))
    except ValueError as error:
        raise BadMarketData("QUOTES_OUT_OF_RANGE", f"{fields.where}: {name} {error}") from None


def _price(fields: Fields, name: str) -> Decimal | None:
    try:
        return _quoted(str(fields.raw.get(name)))
    except ValueError:
        if (stated := fields.value(name)) is None:
            return None
        raise _bad_price(stated, f"{fields.where}: {name}") from None


@lru_cache(maxsize=1024)
def _quoted(stated: str) -> Decimal | None:
    """The number of a price; None for 0 and 1. There are 99 of them on most grids, and they come by the thousand."""
    price = parse_decimal(stated)
    return None if price in (ZERO, ONE) else checked_price(price)


def _bad_price(stated: object, where: str) -> BadMarketData:
    """Why what is `stated` cannot be quoted."""
    try:
        price = parse_decimal(stated)
    except ValueError:
        return BadMarketData("PRICE_UNREADABLE", f"{where} {str(stated)[:40]!r} is no price")
    if ZERO < price < ONE:
        return BadMarketData("QUOTES_OUT_OF_RANGE", f"{where} {price} is finer than a millionth")
    return BadMarketData("PRICE_OUT_OF_RANGE", f"{where} {price} is not between 0 and 1")


def _book(fields: Fields, ticker: str) -> OrderBook:
    if fields.is_absent("orderbook_fp"):
        return OrderBook(ticker=ticker)
    sides = fields.nested("orderbook_fp")
    return build_book(ticker, _levels(sides, "yes_dollars"), _levels(sides, "no_dollars"))


def _levels(sides: Fields, name: str) -> list[RawLevel]:
    levels: list[RawLevel] = []
    for raw in [] if sides.is_absent(name) else sides.items(name):
        match raw:
            case [price, count]:
                levels.append(_level(price, count, f"{sides.where}.{name}"))
            case _:
                raise Malformed(SOURCE, f"{sides.where}.{name}: {str(raw)[:40]!r} is no [price, count]")
    return levels


def _level(price: object, count: object, where: str) -> RawLevel:
    try:
        return parse_decimal(price), parse_decimal(count)
    except ValueError as error:
        raise Malformed(SOURCE, f"{where}: {error}") from None


def _price_ranges(fields: Fields) -> tuple[PriceRange, ...]:
    try:
        return _ranges(tuple([_RANGE_WORDS(raw) for raw in fields.items("price_ranges")]))
    except (KeyError, TypeError, ValueError):
        raise BadMarketData("PRICE_GRID_UNREADABLE", f"{fields.where} states no legal prices") from None


@lru_cache(maxsize=64)
def _ranges(stated: tuple[tuple[object, ...], ...]) -> tuple[PriceRange, ...]:
    """(start, end, step) of each range; nearly every market states the same. Raises ValueError."""
    if not stated:
        raise ValueError("no range")
    return tuple(_range(*map(parse_decimal, words)) for words in stated)


def _range(start: Decimal, end: Decimal, step: Decimal) -> PriceRange:
    if start >= end:
        raise ValueError("an empty range")
    return PriceRange(start=start, end=end, step=step)


def _fee_override(fields: Fields, event_ticker: str) -> tuple[FeeSchedule | None, tuple[ListingFault, ...]]:
    """The event's own fees. One that cannot be computed is a fault: the series' fees would be the wrong ones."""
    name, multiplier = fields.text_or_empty("fee_type_override"), fields.number_or_none(
        "fee_multiplier_override"
    )
    if not name and multiplier is None:
        return None, ()
    if (fees := known_fees(name, multiplier)) is not None:
        return fees, ()
    text = f"{event_ticker} overrides its fees with {name[:40]!r} x {multiplier}"
    return None, (ListingFault(ticker=event_ticker, code="FEES_UNKNOWN", text=text),)


def known_fees(name: str, multiplier: Decimal | None) -> FeeSchedule | None:
    """Fees we can compute; None for a type we do not know, no multiplier or one beyond reason."""
    fee_type = _FEE_TYPES.get(name)
    if fee_type is None or multiplier is None:
        return None
    try:
        return FeeSchedule(fee_type=fee_type, multiplier=multiplier)
    except ValidationError:
        return None
