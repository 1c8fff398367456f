"""Reads what happened: trades, candlesticks, archived markets, fee changes. Public data, for imports and backtests.

Long lists are iterators that fetch a page when its first row is wanted. Rows that cannot be read are left out and
reported: to the log, or to whoever counts them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from markets.clients.kalshi import parse, parse_history
from markets.clients.kalshi.conversation import Query
from markets.clients.kalshi.errors import SOURCE
from markets.clients.kalshi.fields import Fields
from markets.clients.kalshi.market_data import path_segment
from markets.clients.kalshi.paging import PAGE_TIMEOUT_S, PageOf, pages, report
from markets.clients.kalshi.rows import each
from markets.clients.kalshi.transport import Transport
from markets.domain.history_types import (
    ArchiveCutoff,
    Candle,
    CandlePeriod,
    ExchangeSchedule,
    FeeChange,
    Trade,
)
from markets.domain.tickers import series_of
from markets.domain.types import Listing, ListingFault
from milkbot.core.errors import Malformed

ROWS_PER_PAGE: Final = 1000
MOST_PAGES: Final = 5_000
"""Five million rows: more than any market of ours, so that a list without end still ends."""
HISTORY_TIMEOUT_S: Final = 3_600.0
CANDLE_TICKERS: Final = 100
MOST_CANDLES: Final = 10_000

Row = TypeVar("Row")


class KalshiHistory:
    """Market history. Raises Unreachable, Refused or Malformed with source "kalshi".

    `archived` reads from the archive, which holds what is older than `get_cutoff()` and nothing newer. `now` stamps
    the listings of archived markets. `on_faults` is told of the rows that could not be read.
    """

    def __init__(
        self,
        transport: Transport,
        now: Callable[[], datetime],
        on_faults: Callable[[Iterable[ListingFault]], None] = report,
    ) -> None:
        self._transport = transport
        self._now = now
        self._on_faults = on_faults

    def get_cutoff(self) -> ArchiveCutoff:
        """Where the archive begins."""
        return parse_history.parse_cutoff(self._transport.get_json("/historical/cutoff"))

    def get_schedule(self) -> ExchangeSchedule:
        """Opening hours and announced maintenance."""
        return parse_history.parse_schedule(self._transport.get_json("/exchange/schedule"))

    def iter_trades(
        self,
        ticker: str | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        archived: bool = False,
        with_block_trades: bool = False,
    ) -> Iterator[Trade]:
        """Public trades, newest first, each once. Block trades say nothing about the book and are left out."""
        path = "/historical/trades" if archived else "/markets/trades"
        query = [("ticker", ticker)] if ticker else []
        query += [(name, _seconds(at)) for name, at in (("min_ts", since), ("max_ts", until)) if at]
        seen: set[str] = set()
        for trade in self._rows(path, query, "trades", "trade_id", parse_history.parse_trade):
            if trade.trade_id not in seen and (with_block_trades or not trade.is_block_trade):
                yield trade
            seen.add(trade.trade_id)

    def get_candles(
        self,
        ticker: str,
        *,
        since: datetime,
        until: datetime,
        period: CandlePeriod = CandlePeriod.MINUTE,
        archived: bool = False,
    ) -> tuple[Candle, ...]:
        """Candlesticks that end within [since, until], oldest first. A period without change has none."""
        market = path_segment(ticker)
        path = f"/historical/markets/{market}/candlesticks"
        if not archived:
            path = f"/series/{path_segment(series_of(ticker))}/markets/{market}/candlesticks"
        payload = self._transport.get_json(
            path, _candle_query(since, until, period), read_timeout_s=PAGE_TIMEOUT_S
        )
        return self._candles(payload)

    def get_candles_of(
        self,
        tickers: Sequence[str],
        *,
        since: datetime,
        until: datetime,
        period: CandlePeriod = CandlePeriod.MINUTE,
    ) -> dict[str, tuple[Candle, ...]]:
        """Candlesticks of up to 100 live markets in one call, which gives at most 10,000 over all of them.

        Raises Malformed when that many came: some may be missing.
        """
        if len(tickers) > CANDLE_TICKERS:
            raise ValueError(f"at most {CANDLE_TICKERS} tickers, was {len(tickers)}")
        query = [("market_tickers", ",".join(tickers)), *_candle_query(since, until, period)]
        payload = self._transport.get_json("/markets/candlesticks", query, read_timeout_s=PAGE_TIMEOUT_S)
        found: dict[str, tuple[Candle, ...]] = {}
        for raw in Fields(payload, "candlesticks").items("markets"):
            fields = Fields(raw, "candlesticks of a market")
            found[fields.text("market_ticker", max_length=200)] = self._candles(raw)
        if sum(map(len, found.values())) >= MOST_CANDLES:
            raise Malformed(SOURCE, f"{MOST_CANDLES} candlesticks came: ask for fewer markets or less time")
        return {ticker: found.get(ticker, ()) for ticker in tickers}

    def iter_archived_markets(
        self, *, series_ticker: str | None = None, event_ticker: str | None = None
    ) -> Iterator[Listing]:
        """Settled markets of the archive. A series also gives its predecessor's markets (HIGHNY for KXHIGHNY)."""
        query = [("series_ticker", series_ticker)] if series_ticker else []
        query += [("event_ticker", event_ticker)] if event_ticker else []
        yield from self._rows(
            "/historical/markets",
            query,
            "markets",
            "ticker",
            lambda raw: parse.parse_market(raw, self._now()),
        )

    def get_archived_market(self, ticker: str) -> Listing:
        """One market of the archive; `/markets/{ticker}` answers 404 for it."""
        payload = self._transport.get_json(f"/historical/markets/{path_segment(ticker)}")
        return parse.parse_market(payload.get("market"), self._now())

    def list_series_fee_changes(
        self, series_ticker: str | None = None, *, with_past: bool = False
    ) -> tuple[FeeChange, ...]:
        """Scheduled changes of series' fees; with the past ones if asked."""
        query = [("series_ticker", series_ticker)] if series_ticker else []
        query += [("show_historical", "true")] if with_past else []
        payload = self._transport.get_json("/series/fee_changes", query)
        rows = Fields(payload, "fee changes").items("series_fee_change_arr")
        return tuple(parse_history.parse_series_fee_change(row) for row in rows)

    def iter_event_fee_changes(self, event_ticker: str | None = None) -> Iterator[FeeChange]:
        """Changes of events' own fees. One that cannot be read ends it: its event's fees would be wrong."""
        query = [("event_ticker", event_ticker)] if event_ticker else []
        for payload in self._pages("/events/fee_changes", query, "event_fee_changes"):
            for row in Fields(payload, "fee changes").items("event_fee_changes"):
                yield parse_history.parse_event_fee_change(row)

    def _pages(self, path: str, query: Query, key: str) -> Iterator[dict[str, Any]]:
        page = PageOf(key, ROWS_PER_PAGE)
        return pages(self._transport, path, query, page, most=MOST_PAGES, timeout_s=HISTORY_TIMEOUT_S)

    def _rows(
        self, path: str, query: Query, key: str, name_key: str, parse_row: Callable[[object], Row]
    ) -> Iterator[Row]:
        for payload in self._pages(path, query, key):
            rows, faults = each(Fields(payload, f"page of {key}").items(key), name_key, parse_row)
            self._on_faults(faults)
            yield from rows

    def _candles(self, payload: object) -> tuple[Candle, ...]:
        rows, faults = each(
            Fields(payload, "candlesticks").items("candlesticks"), "end_period_ts", parse_history.parse_candle
        )
        self._on_faults(faults)
        return tuple(sorted(rows, key=lambda candle: candle.ends_at))


def _candle_query(since: datetime, until: datetime, period: CandlePeriod) -> list[tuple[str, str]]:
    return [
        ("start_ts", _seconds(since)),
        ("end_ts", _seconds(until)),
        ("period_interval", str(period.value)),
    ]


def _seconds(at: datetime) -> str:
    return str(int(at.timestamp()))
