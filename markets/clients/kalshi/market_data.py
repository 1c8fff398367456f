"""Reads what the exchange offers. No order leaves from here."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote

from markets.clients.kalshi import parse
from markets.clients.kalshi.conversation import Query
from markets.clients.kalshi.errors import SOURCE
from markets.clients.kalshi.paging import PAGE_TIMEOUT_S, pages, report
from markets.clients.kalshi.signing import DEMO_HOSTS, LIVE_HOSTS, Signer
from markets.clients.kalshi.transport import Transport
from markets.domain.board import with_book
from markets.domain.types import (
    AccountIdentity,
    Event,
    ExchangeStatus,
    Listing,
    MarketSnapshot,
    OrderBook,
    Series,
)
from milkbot.core import clock
from milkbot.core.config import Config, TradingMode
from milkbot.core.errors import BadMarketData, ConfigError, Malformed, Refused, Unreachable

EVENTS_PER_PAGE: Final = 200
MARKETS_PER_PAGE: Final = 1000
TICKERS_PER_CALL: Final = 100
"""Both `/markets` and `/markets/orderbooks` take at most this many tickers in one call."""
STATUS_TIMEOUT_S: Final = 5.0


class KalshiMarketData:
    """Market data, and the check of a key. Raises Unreachable, Refused or Malformed with source "kalshi".

    `now` stamps snapshots with the application's time. Safe to use from several threads.
    """

    def __init__(self, transport: Transport, now: Callable[[], datetime] = clock.now) -> None:
        self._transport = transport
        self._now = now

    @property
    def base_url(self) -> str:
        return self._transport.base_url

    @property
    def skew_s(self) -> float | None:
        """Exchange's clock minus ours in seconds; None before any answer."""
        return self._transport.skew_s

    def close(self) -> None:
        self._transport.close()

    def get_status(self) -> ExchangeStatus:
        """Whether the exchange and trading are open. It says so in 5xx answers too."""
        payload = self._transport.get_json(
            "/exchange/status", read_timeout_s=STATUS_TIMEOUT_S, server_errors_speak=True
        )
        if "exchange_active" not in payload and "error" in payload:
            raise Unreachable(SOURCE, "GET /exchange/status answered with a server error")
        return parse.parse_status(payload)

    def get_series(self, ticker: str) -> Series:
        """The series with its fees."""
        series = parse.parse_series(self._transport.get_json(f"/series/{path_segment(ticker)}"))
        if series.ticker != ticker:
            raise Malformed(SOURCE, f"asked for series {ticker}, got {series.ticker[:40]!r}")
        return series

    def list_events(self, series_ticker: str, status: str = "open") -> list[Event]:
        """All events of the series with their markets, every page. Unreadable ones are logged and left out."""
        query = [("series_ticker", series_ticker), ("with_nested_markets", "true")]
        if status:
            query.append(("status", status))
        events: dict[str, Event] = {}
        for payload in pages(self._transport, "/events", [*query, ("limit", str(EVENTS_PER_PAGE))]):
            page = parse.parse_events(payload, self._now())
            report(page.faults)
            # An event may stand on two pages when the list grows in between.
            events.update((event.event_ticker, event) for event in page.events)
        strangers = [event.event_ticker for event in events.values() if event.series_ticker != series_ticker]
        if strangers:
            raise Malformed(SOURCE, f"asked for events of {series_ticker}, got {', '.join(strangers[:3])}")
        return list(events.values())

    def get_event(self, event_ticker: str) -> Event:
        """One event with its markets. Raises BadMarketData when its ticker cannot be placed."""
        payload = self._transport.get_json(
            f"/events/{path_segment(event_ticker)}",
            [("with_nested_markets", "true")],
            read_timeout_s=PAGE_TIMEOUT_S,
        )
        return parse.parse_event(payload.get("event"), self._now())

    def list_markets(
        self, series_ticker: str | None = None, tickers: Sequence[str] = (), status: str = ""
    ) -> list[MarketSnapshot]:
        """Prices of markets by series, by ticker, by status, or by all of these. Unreadable ones are logged."""
        query = [("series_ticker", series_ticker)] if series_ticker else []
        if status:
            query.append(("status", status))
        return [listing.snapshot for listing in self._list(query, tickers)]

    def list_listings(self, tickers: Sequence[str]) -> list[Listing]:
        """The markets named, with status, result and prices. Markets the exchange has archived are not listed."""
        return self._list([], tickers) if tickers else []

    def get_orderbook(self, market_ticker: str) -> MarketSnapshot:
        """Best bid and ask, sizes and volume of a market. Sides are None where there is no book (closed, halted)."""
        payload = self._transport.get_json(f"/markets/{path_segment(market_ticker)}")
        listing = parse.parse_market(payload.get("market"), self._now())
        return with_book(listing.snapshot, self._book(market_ticker))

    def get_orderbooks(self, tickers: Sequence[str]) -> dict[str, OrderBook]:
        """Full books by ticker, up to 100 in a call. Books that cannot be read are logged and left out."""
        books: dict[str, OrderBook] = {}
        for chunk in _chunks(tickers):
            payload = self._transport.get_json(
                "/markets/orderbooks",
                [("tickers", ticker) for ticker in chunk],
                read_timeout_s=PAGE_TIMEOUT_S,
            )
            found, faults = parse.parse_orderbooks(payload)
            report(faults)
            books.update((ticker, book) for ticker, book in found.items() if ticker in chunk)
        return books

    def authenticate(self) -> AccountIdentity:
        """Prove the key with signed calls and say whose it is. There is no session: nothing needs to be kept.

        Raises ConfigError without a key and Refused, in plain words, when the exchange does not accept it.
        """
        if not self._transport.is_signing:
            raise ConfigError("No Kalshi key is configured; market data need none, an account does.")
        try:
            balance = self._transport.get_json("/portfolio/balance")
            limits = self._transport.get_json("/account/limits")
        except Refused as refusal:
            if refusal.status != 401:
                raise
            raise Refused(
                SOURCE, f"the key was not accepted: {self._why(refusal)}", status=401, code=refusal.code
            ) from refusal
        return parse.parse_account(balance, limits)

    def _why(self, refusal: Refused) -> str:
        if refusal.code == "header_timestamp_expired":
            known = "unknown" if self.skew_s is None else f"{self.skew_s:+.0f} s"
            return f"this machine's clock is wrong (exchange minus ours: {known}); set it by NTP"
        return f"check key id, private key and environment ({refusal})"

    def _book(self, market_ticker: str) -> OrderBook:
        try:
            payload = self._transport.get_json(f"/markets/{path_segment(market_ticker)}/orderbook")
        except Refused as refusal:
            if refusal.status != 404:
                raise
            return OrderBook(ticker=market_ticker)
        return parse.parse_orderbook(payload, market_ticker)

    def _list(self, query: Query, tickers: Sequence[str]) -> list[Listing]:
        listings: list[Listing] = []
        for chunk in _chunks(tickers) if tickers else [()]:
            narrowed = [*query, ("tickers", ",".join(chunk))] if chunk else [*query]
            for payload in pages(self._transport, "/markets", [*narrowed, ("limit", str(MARKETS_PER_PAGE))]):
                page = parse.parse_markets(payload, self._now())
                report(page.faults)
                listings.extend(page.listings)
        return listings


def client_from_config(
    config: Config,
    *,
    wall_now: Callable[[], datetime] = clock.wall_now,
    now: Callable[[], datetime] = clock.now,
) -> KalshiMarketData:
    """The client for the configured mode. SHADOW reads public data without a key.

    Raises ConfigError when the key cannot be loaded or belongs to the other environment.
    """
    return KalshiMarketData(Transport(config.kalshi_url, _signer(config), now=wall_now), now)


def _signer(config: Config) -> Signer | None:
    key_id, path, hosts = {
        TradingMode.SHADOW: (None, None, frozenset[str]()),
        TradingMode.DEMO: (config.kalshi_demo_key_id, config.kalshi_demo_private_key_path, DEMO_HOSTS),
        TradingMode.LIVE: (config.kalshi_live_key_id, config.kalshi_live_private_key_path, LIVE_HOSTS),
    }[config.trading_mode]
    return Signer(key_id.get_secret_value(), path, hosts) if key_id and path else None


def _chunks(tickers: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(tickers), TICKERS_PER_CALL):
        yield tickers[start : start + TICKERS_PER_CALL]


def path_segment(ticker: str) -> str:
    """A ticker as one path segment, whatever stands in it."""
    if not ticker or not ticker.isascii():
        raise BadMarketData("TICKER_UNREADABLE", f"{ticker[:40]!r} is no ticker")
    return quote(ticker, safe="")
