"""The exchange's records at one instant: a market, event or series as the wire shows it (specification 3.32)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from sandbox.cities import City, city_of_series
from sandbox.exchange.types import MarketLife
from sandbox.feeds import Book, Bracket, Ladder, Level, MarketFeed, Outcome
from sandbox.kalshi import rules
from sandbox.kalshi.lifecycle import SETTLEMENT_TIMER, Lifecycle, Status, created_time, lifecycle
from sandbox.kalshi.wire import JsonObject, ask_dollars, bid_dollars, count_fp, dollars, short_date, timestamp

CATEGORY: Final = "Climate and Weather"
TAG: Final = "Daily temperature"
PRICE_RANGES: Final = [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}]
EXPECTED_EXPIRATION_UTC: Final = time(14)
LATEST_EXPIRATION_AFTER: Final = timedelta(days=7)
TRADED_OVER: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Listing:
    """One market at instant `at`: what the filters look at and what the record is written from.

    `result` is `yes` or `no` once determined, otherwise empty; `high_f` the official high, where it led to that.
    """

    position: int
    city: City
    ladder: Ladder
    bracket: Bracket
    life: Lifecycle
    result: str
    high_f: int | None
    at: datetime

    @property
    def status(self) -> Status:
        """The market's status now."""
        return self.life.status(self.at)


def listings(
    feed: MarketFeed, at: datetime, changed_life: Callable[[str], MarketLife | None]
) -> list[Listing]:
    """Every market listed at `at`, in the fixed order that paging follows.

    `changed_life` tells how a market stands whose life is no longer the world's plan, None for all others.
    """
    found: list[Listing] = []
    position = 0
    for ladder in feed.ladders(at):
        outcome = feed.outcome(ladder.event_ticker)
        for bracket in ladder.brackets:
            if created_time(ladder) <= at:
                planned = planned_listing(position, ladder, bracket, outcome, at)
                changed = changed_life(bracket.ticker)
                found.append(planned if changed is None else _changed(planned, changed, outcome))
            position += 1
    return found


def planned_listing(
    position: int, ladder: Ladder, bracket: Bracket, outcome: Outcome | None, at: datetime
) -> Listing:
    """A market as the world plans its life; `outcome` may be what nobody knows yet at `at`."""
    city = city_of_series(ladder.series_ticker)
    life = lifecycle(ladder, outcome is not None)
    if outcome is None or life.status(at) not in ("determined", "finalized"):
        return Listing(position, city, ladder, bracket, life, "", None, at)
    result = "yes" if outcome.winning_ticker == bracket.ticker else "no"
    return Listing(position, city, ladder, bracket, life, result, outcome.high_f, at)


def _changed(planned: Listing, told: MarketLife, outcome: Outcome | None) -> Listing:
    """The market as a person decided, with the event's high where that leads to the result and one that does elsewhere."""
    is_early = told.closes_at != planned.life.closes_at
    life = replace(
        planned.life,
        closes_at=told.closes_at,
        closed_early_at=told.closes_at if is_early else None,
        determined_at=told.determined_at,
        finalized_at=told.finalized_at,
    )
    if told.result is None:
        return replace(planned, life=life, result="", high_f=None)
    return replace(
        planned, life=life, result=told.result, high_f=_high(planned.bracket, told.result, outcome)
    )


def _high(bracket: Bracket, result: str, outcome: Outcome | None) -> int | None:
    high_f = outcome.high_f if outcome else None
    if high_f is not None and bracket.contains(high_f) == (result == "yes"):
        return high_f
    return bracket.winning_f if result == "yes" else bracket.losing_f


def shown_book(feed: MarketFeed, listing: Listing) -> Book:
    """The book that may be shown: empty unless the market trades."""
    return feed.book(listing.bracket.ticker, listing.at) if listing.status == "active" else Book()


def market_json(feed: MarketFeed, listing: Listing) -> JsonObject:
    """A market record with every field the specification requires."""
    ladder, bracket, life = listing.ladder, listing.bracket, listing.life
    title = rules.sub_title(bracket)
    latest = _on_day(ladder, LATEST_EXPIRATION_AFTER)
    record = {
        "ticker": bracket.ticker,
        "event_ticker": ladder.event_ticker,
        "market_type": "binary",
        "title": rules.market_title(listing.city, ladder.event_date, bracket),
        "subtitle": title,
        "yes_sub_title": title,
        "no_sub_title": title,
        "created_time": timestamp(life.created_at),
        "updated_time": timestamp(life.updated_at(listing.at)),
        "open_time": timestamp(ladder.opens_at),
        "close_time": timestamp(life.closes_at),
        "occurrence_datetime": _on_day(ladder, timedelta(0)),
        "expected_expiration_time": _on_day(ladder, timedelta(days=1)),
        "expiration_time": latest,
        "latest_expiration_time": latest,
        "settlement_timer_seconds": int(SETTLEMENT_TIMER.total_seconds()),
        "status": listing.status,
        "result": listing.result,
        "can_close_early": True,
        "early_close_condition": rules.early_close_condition(ladder.event_date),
        "rules_primary": rules.rules_primary(listing.city, ladder.event_date, bracket),
        "rules_secondary": rules.rules_secondary(ladder.event_date),
        "notional_value_dollars": "1.0000",
        "price_level_structure": "linear_cent",
        "price_ranges": PRICE_RANGES,
        "settlement_bounds_type": "default",
        "exchange_index": 0,
    }
    return (
        record | _strikes(bracket) | _prices(feed, listing) | _trading(feed, listing) | _settlement(listing)
    )


def event_json(ladder: Ladder, nested: list[JsonObject] | None) -> JsonObject:
    """An event record; `nested` markets are put inside when given."""
    city = city_of_series(ladder.series_ticker)
    record: JsonObject = {
        "event_ticker": ladder.event_ticker,
        "series_ticker": ladder.series_ticker,
        "title": rules.event_title(city, ladder),
        "sub_title": f"On {short_date(ladder.event_date)}",
        "category": CATEGORY,
        "collateral_return_type": "",
        "mutually_exclusive": True,
        "settlement_sources": rules.settlement_sources(city, ladder.event_date),
        "last_updated_ts": timestamp(created_time(ladder)),
        "exchange_index": 0,
    }
    return record if nested is None else record | {"markets": nested}


def series_json(feed: MarketFeed, series_ticker: str, at: datetime, with_volume: bool) -> JsonObject:
    """A series record. Raises KeyError when the world has no such series."""
    ladders = [ladder for ladder in feed.ladders(at) if ladder.series_ticker == series_ticker]
    if not ladders:
        raise KeyError(series_ticker)
    city = city_of_series(series_ticker)
    record: JsonObject = {
        "ticker": series_ticker,
        "frequency": "daily",
        "title": f"Highest temperature in {city.name}",
        "category": CATEGORY,
        "categories": [CATEGORY],
        "tags": [TAG],
        "settlement_sources": rules.settlement_sources(city, ladders[-1].event_date),
        "contract_url": "",
        "contract_terms_url": "",
        "fee_type": "quadratic",
        "fee_multiplier": 1,
        "additional_prohibitions": [],
        "last_updated_ts": timestamp(created_time(ladders[0])),
        "exchange_index": 0,
    }
    if with_volume:
        traded = (_volume(feed, bracket.ticker, at) for ladder in ladders for bracket in ladder.brackets)
        record["volume_fp"] = count_fp(sum(traded, Decimal(0)))
    return record


def book_json(book: Book, depth: int) -> JsonObject:
    """Both sides ascending, the best bid last; `depth` best levels of each, 0 for all."""
    return {"yes_dollars": _levels(book.yes_bids, depth), "no_dollars": _levels(book.no_bids, depth)}


def _levels(levels: tuple[Level, ...], depth: int) -> list[list[str]]:
    return [[dollars(level.price), count_fp(level.count)] for level in levels[-depth:]]


def _on_day(ladder: Ladder, after: timedelta) -> str:
    return timestamp(datetime.combine(ladder.event_date, EXPECTED_EXPIRATION_UTC, UTC) + after)


def _strikes(bracket: Bracket) -> JsonObject:
    strikes = {"floor_strike": bracket.floor_strike, "cap_strike": bracket.cap_strike}
    return {"strike_type": bracket.strike_type} | {
        name: value for name, value in strikes.items() if value is not None
    }


def _prices(feed: MarketFeed, listing: Listing) -> JsonObject:
    book = shown_book(feed, listing)
    yes_bid, yes_bid_size = _best(book.yes_bids)
    no_bid, no_bid_size = _best(book.no_bids)
    return {
        "yes_bid_dollars": bid_dollars(yes_bid),
        "yes_bid_size_fp": count_fp(yes_bid_size),
        "yes_ask_dollars": ask_dollars(_complement(no_bid)),
        "yes_ask_size_fp": count_fp(no_bid_size),
        "no_bid_dollars": bid_dollars(no_bid),
        "no_ask_dollars": ask_dollars(_complement(yes_bid)),
    }


def _best(levels: tuple[Level, ...]) -> tuple[Decimal | None, Decimal | None]:
    return (levels[-1].price, levels[-1].count) if levels else (None, None)


def _complement(price: Decimal | None) -> Decimal | None:
    return None if price is None else 1 - price


def _trading(feed: MarketFeed, listing: Listing) -> JsonObject:
    quote = feed.quote(listing.bracket.ticker, listing.at)
    before = feed.quote(listing.bracket.ticker, listing.at - TRADED_OVER)
    volume = quote.volume if quote else None
    volume_before = before.volume if before else None
    return {
        "last_price_dollars": bid_dollars(quote.last if quote else None),
        "volume_fp": count_fp(volume),
        "volume_24h_fp": count_fp((volume or Decimal(0)) - (volume_before or Decimal(0))),
        "open_interest_fp": count_fp(quote.open_interest if quote else None),
        "previous_price_dollars": bid_dollars(before.last if before else None),
        "previous_yes_bid_dollars": bid_dollars(before.yes_bid if before else None),
        # Unlike the current ask, an absent former ask is shown as zero.
        "previous_yes_ask_dollars": bid_dollars(before.yes_ask if before else None),
    }


def _settlement(listing: Listing) -> JsonObject:
    if not listing.result:
        return {"expiration_value": ""}
    record: JsonObject = {
        "expiration_value": "" if listing.high_f is None else f"{listing.high_f}.00",
        "settlement_value_dollars": "1.0000" if listing.result == "yes" else "0.0000",
    }
    if listing.status == "finalized" and listing.life.finalized_at is not None:
        record["settlement_ts"] = timestamp(listing.life.finalized_at)
    return record


def _volume(feed: MarketFeed, ticker: str, at: datetime) -> Decimal:
    quote = feed.quote(ticker, at)
    return (quote.volume if quote else None) or Decimal(0)
