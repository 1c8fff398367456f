"""Puts one city-day together: ladder, books, fees and rule, each checked. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from markets.domain.ladder import bracket_of, build_ladder, coldest_first
from markets.domain.settlement_rules import UNREADABLE, check_strikes, parse_rule
from markets.domain.types import (
    Board,
    BoardMarket,
    Event,
    FeeSchedule,
    Listing,
    MarketSnapshot,
    OrderBook,
    SettlementRule,
)
from milkbot.core.cities import CityConfig
from milkbot.core.climate_day import climate_day_bounds
from milkbot.core.errors import BadMarketData

CLOSE_TOLERANCE: Final = timedelta(hours=2)
"""Recorded ladders close at 23:59 local daylight time, up to 61 minutes before the climate day ends."""


class _Refusal(NamedTuple):
    code: str
    text: str


def build_board(
    city: CityConfig, event: Event, books: Mapping[str, OrderBook], fees: FeeSchedule | None, now: datetime
) -> Board:
    """What the exchange offers on one city-day, captured at `now`.

    `fees` are those of the series; an override of the event wins. A fault sets `refusal` and `refusal_text` instead of
    raising, so that prices still show; the first in this order is named: parts that could not be read, ladder, close
    time, rule, fees. A market without a book has an empty one and keeps the quotes of its listing.
    """
    rule, rule_refusal = _rule(city, event)
    chosen_fees = event.fee_override or fees
    fees_refusal = (
        None if chosen_fees else _Refusal("FEES_UNKNOWN", f"{event.series_ticker} charges in an unknown way")
    )
    refusals = (
        _fault(event),
        _identity(city, event),
        _ladder(event),
        _close(city, event),
        rule_refusal,
        fees_refusal,
    )
    refusal = next((found for found in refusals if found is not None), None)
    return Board(
        city_code=city.code,
        event_ticker=event.event_ticker,
        event_date=event.event_date,
        captured_at=now,
        close_at=_close_at(city, event),
        markets=_markets(event.listings, books, now),
        fees=chosen_fees,
        rule=rule,
        refusal=refusal.code if refusal else None,
        refusal_text=refusal.text if refusal else "",
    )


def with_book(snapshot: MarketSnapshot, book: OrderBook) -> MarketSnapshot:
    """`snapshot` with the best quotes of `book`, which was read after the listing and is what an order would meet."""
    bid, ask = book.best_bid, book.best_ask
    return snapshot.model_copy(
        update={
            "yes_bid": bid and bid.price,
            "yes_bid_size": bid and bid.count,
            "yes_ask": ask and ask.price,
            "yes_ask_size": ask and ask.count,
        }
    )


def _fault(event: Event) -> _Refusal | None:
    if not event.faults:
        return None
    first = event.faults[0]
    return _Refusal(first.code, "; ".join(fault.text for fault in event.faults)[:500])


def _identity(city: CityConfig, event: Event) -> _Refusal | None:
    if event.series_ticker == city.kalshi_series:
        return None
    return _Refusal(
        UNREADABLE, f"{event.event_ticker} is of series {event.series_ticker}, not {city.kalshi_series}"
    )


def _ladder(event: Event) -> _Refusal | None:
    try:
        build_ladder(event.event_ticker, [listing.market for listing in event.listings])
    except BadMarketData as error:
        return _Refusal(error.code, str(error))
    return None


def _rule(city: CityConfig, event: Event) -> tuple[SettlementRule | None, _Refusal | None]:
    """The rule all markets of the event share."""
    rule: SettlementRule | None = None
    try:
        for listing in event.listings:
            check_strikes(listing.market)
            parsed = parse_rule(listing.market.rules_primary, city, event.event_date)
            if rule is not None and (parsed.source, parsed.cli_code) != (rule.source, rule.cli_code):
                raise BadMarketData(
                    UNREADABLE, f"{listing.market.ticker} settles otherwise than its neighbours"
                )
            rule = rule or parsed
    except BadMarketData as error:
        return None, _Refusal(error.code, str(error))
    return rule, None


def _close_at(city: CityConfig, event: Event) -> datetime:
    _, day_end = climate_day_bounds(event.event_date, city.std_offset_hours)
    return min((listing.market.close_at for listing in event.listings), default=day_end)


def _close(city: CityConfig, event: Event) -> _Refusal | None:
    _, day_end = climate_day_bounds(event.event_date, city.std_offset_hours)
    strays = [
        listing.market
        for listing in event.listings
        if abs(listing.market.close_at - day_end) > CLOSE_TOLERANCE
    ]
    if not strays:
        return None
    first = strays[0]
    return _Refusal(
        "CLOSE_TIME_MISMATCH",
        f"{first.ticker} closes {first.close_at:%Y-%m-%d %H:%MZ}, the climate day ends {day_end:%Y-%m-%d %H:%MZ}",
    )


def _markets(
    listings: Sequence[Listing], books: Mapping[str, OrderBook], now: datetime
) -> tuple[BoardMarket, ...]:
    """Every market whose bracket can be told, coldest first."""
    markets = []
    for market, snapshot in ((listing.market, listing.snapshot) for listing in listings):
        try:
            bracket = bracket_of(market)
        except BadMarketData:
            continue  # build_ladder has refused the board for it already.
        book = books.get(market.ticker)
        markets.append(
            BoardMarket(
                market=market,
                bracket=bracket,
                snapshot=(snapshot if book is None else with_book(snapshot, book)).model_copy(
                    update={"captured_at": now}
                ),
                book=book or OrderBook(ticker=market.ticker),
            )
        )
    return tuple(sorted(markets, key=lambda entry: coldest_first(entry.bracket)))
