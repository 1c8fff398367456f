"""A city's day on the exchange as parts of an archive: the ladder with its prices, and the trades."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Final, TypeVar

from markets.clients.kalshi.budget import TokenBudget
from markets.clients.kalshi.errors import SOURCE
from markets.clients.kalshi.history import KalshiHistory
from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.transport import Transport
from markets.domain.account_types import AccountLimits, Bucket
from markets.domain.history_types import ArchiveCutoff, Candle, Trade
from markets.domain.sides import BookSide
from markets.domain.tickers import event_ticker
from markets.domain.types import Listing, ListingFault, Market, MarketStatus
from milkbot.core import clock
from milkbot.core.cities import CityConfig
from milkbot.core.climate_day import climate_day_bounds
from milkbot.core.errors import Malformed, OutsideError, Refused
from milkbot.core.money import ZERO
from trading.archive.ladder_rows import candle_rows, event_rows, settled_as
from trading.archive.parts import Part, PartKey
from trading.archive.patience import Patience
from trading.archive.text import Row, figure, stamp

LADDERS: Final = "ladders"
TRADES: Final = "trades"
NO_EVENT_AFTER: Final = timedelta(days=3)
"""Past the end of a day for which the exchange lists no event there will not be one any more."""
CANDLES_A_CALL: Final = timedelta(minutes=4_800)
"""A call covers less than the 5,000 candlesticks at which the exchange cuts answers off."""
_DAY: Final = timedelta(days=1)

Answer = TypeVar("Answer")


def polite_budget(
    calls_per_s: int,
    *,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = clock.monotonic,
) -> TokenBudget:
    """At most so many reads a second on average, far below what every account may; a read costs ten tokens."""
    tokens = Decimal(10 * calls_per_s)
    polite = AccountLimits(
        usage_tier="import",
        read=Bucket(refill_per_s=tokens, capacity=tokens),
        write=Bucket(refill_per_s=tokens, capacity=tokens),
    )
    return TokenBudget(polite, monotonic=monotonic, sleep=sleep)


class ExchangeParts:
    """Fetches parts from the exchange's public history; every call goes through `patience`.

    Raises OutsideError when the exchange cannot be used, and BadMarketData for an event that is no ladder.
    """

    def __init__(self, transport: Transport, patience: Patience, now: datetime) -> None:
        self._now = now
        self._patience = patience
        self._refused: Counter[str] = Counter()
        self._live = KalshiMarketData(transport, lambda: now)
        self._past = KalshiHistory(transport, lambda: now, on_faults=self._count)
        self._cutoff: ArchiveCutoff | None = None

    def ladder(self, city: CityConfig, day: date) -> Part:
        """The event of `day` and the prices of its markets, minute by minute."""
        self._refused = Counter()
        key = PartKey(LADDERS, city.code, day, day)
        listings, archived = self._listings(city, day)
        if not listings:
            return Part(key, through=self._empty_through(city, day), refused=self._refused)
        markets = [listing.market for listing in listings]
        events = event_rows(city, day, markets)
        quotes = [row for listing in listings for row in self._quotes(listing, archived=archived)]
        through = day if settled_as(markets) else day - _DAY
        return Part(key, through, {"events": events, "quotes": quotes}, self._refused)

    def trades(self, city: CityConfig, day: date, events: Sequence[Row]) -> Part:
        """The public trades of the markets in `events`, rows of the same day's ladder; block trades left out."""
        self._refused = Counter()
        key = PartKey(TRADES, city.code, day, day)
        rows: dict[str, Row] = {}
        for event in events:
            ticker, closes_at = event[4], datetime.fromisoformat(event[9])
            for trade in self._trades(ticker, datetime.fromisoformat(event[8]), closes_at):
                if trade.ticker == ticker:
                    rows.setdefault(trade.trade_id, _trade_row(trade))
                else:
                    self._refused["trade_of_another_market"] += 1
        is_over = all(datetime.fromisoformat(event[9]) < self._now for event in events)
        in_order = sorted(rows.values(), key=lambda row: (row[1], row[0], row[5]))
        return Part(key, day if is_over else day - _DAY, {"trades": in_order}, self._refused)

    def _quotes(self, listing: Listing, *, archived: bool) -> list[Row]:
        """A final market's candlesticks must tell as much volume as its listing does, or some did not come.

        Raises Malformed when none came of a market in which contracts changed hands.
        """
        market, volume = listing.market, listing.snapshot.volume
        candles = list(self._candles(market, archived=archived))
        if volume and not candles:
            raise Malformed(SOURCE, f"no candlesticks of {market.ticker}, which traded {volume} contracts")
        is_final = market.status is MarketStatus.FINALIZED
        if is_final and sum((candle.volume for candle in candles), ZERO) != volume:
            self._refused["volume_of_candles_differs"] += 1
        return list(candle_rows(market, candles, self._refused))

    def _listings(self, city: CityConfig, day: date) -> tuple[list[Listing], bool]:
        """The event's markets by ticker, and whether they came from the archive; both places are asked before there are
        none."""
        ticker = event_ticker(city.kalshi_series, day)
        _, day_end = climate_day_bounds(day, city.std_offset_hours)
        for archived in (True, False) if day_end < self._get_cutoff().markets_settled_at else (False, True):
            found = self._ask(partial(self._listed, ticker, archived=archived))
            if found:
                return found, archived
        return [], False

    def _listed(self, ticker: str, *, archived: bool) -> list[Listing]:
        if archived:
            listings: Iterable[Listing] = self._past.iter_archived_markets(event_ticker=ticker)
        else:
            try:
                event = self._live.get_event(ticker)
            except Refused as refusal:
                if refusal.status != HTTPStatus.NOT_FOUND:
                    raise
                return []
            self._count(event.faults)
            listings = event.listings
        return self._own(listings, ticker)

    def _own(self, found: Iterable[Listing], ticker: str) -> list[Listing]:
        own: dict[str, Listing] = {}
        for listing in found:
            if listing.market.event_ticker != ticker:
                self._refused["market_of_another_event"] += 1
            elif listing.market.ticker in own:
                self._refused["market_twice"] += 1
            else:
                own[listing.market.ticker] = listing
        return [own[name] for name in sorted(own)]

    def _candles(self, market: Market, *, archived: bool) -> Iterator[Candle]:
        """In order of time. Windows share no minute, so that no candlestick comes twice by our own doing."""
        since, end = market.open_at, min(market.close_at, self._now)
        while since <= end:
            until = min(since + CANDLES_A_CALL, end)
            yield from self._ask(partial(self._window, market, since, until, archived=archived))
            since = until + timedelta(minutes=1)

    def _window(
        self, market: Market, since: datetime, until: datetime, *, archived: bool
    ) -> tuple[Candle, ...]:
        return self._past.get_candles(market.ticker, since=since, until=until, archived=archived)

    def _trades(self, ticker: str, since: datetime, until: datetime) -> Iterator[Trade]:
        line = self._get_cutoff().trades_at
        for archived in (True, False):
            if since < line if archived else until >= line:
                yield from self._ask(partial(self._traded, ticker, since, until, archived=archived))

    def _traded(self, ticker: str, since: datetime, until: datetime, *, archived: bool) -> list[Trade]:
        return list(self._past.iter_trades(ticker, since=since, until=until, archived=archived))

    def _get_cutoff(self) -> ArchiveCutoff:
        if self._cutoff is None:
            self._cutoff = self._ask(self._past.get_cutoff)
        return self._cutoff

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        """The answer in the end; what attempts before it counted as refused comes again and is not counted twice."""

        def attempt() -> Answer:
            before = self._refused.copy()
            try:
                return call()
            except OutsideError:
                self._refused.clear()
                self._refused.update(before)
                raise

        return self._patience.call(attempt)

    def _empty_through(self, city: CityConfig, day: date) -> date:
        _, day_end = climate_day_bounds(day, city.std_offset_hours)
        return day if day_end + NO_EVENT_AFTER < self._now else day - _DAY

    def _count(self, faults: Iterable[ListingFault]) -> None:
        self._refused.update(fault.code.lower() for fault in faults)


def _trade_row(trade: Trade) -> Row:
    side = "yes" if trade.taker_side is BookSide.BID else "no"
    return (
        trade.ticker,
        stamp(trade.traded_at),
        figure(trade.yes_price),
        figure(trade.count),
        side,
        trade.trade_id,
    )
