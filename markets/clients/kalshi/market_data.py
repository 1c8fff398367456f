"""Reads what the exchange offers. No order leaves from here."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from markets.clients.kalshi import parse
from markets.clients.kalshi.budget import USUAL_COSTS
from markets.clients.kalshi.connect import transport_from_config
from markets.clients.kalshi.conversation import MAX_SKEW_S, Query
from markets.clients.kalshi.errors import CLOCK_CODE, SOURCE
from markets.clients.kalshi.paging import PAGE_TIMEOUT_S, PageOf, pages, report
from markets.clients.kalshi.parse_account import parse_endpoint_costs, parse_limits, parse_scopes
from markets.clients.kalshi.transport import Transport
from markets.domain.account_types import EndpointCosts
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
from milkbot.core.config import Config
from milkbot.core.errors import BadMarketData, ConfigError, Malformed, Refused, Unreachable
from milkbot.logger import logger

EVENTS_PER_PAGE: Final = 200
EVENT_PAGES: Final = 10
"""Five years of a daily series."""
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
    def transport(self) -> Transport:
        """For the other readers of public data, which share connections and budget."""
        return self._transport

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
        listed = PageOf("events", EVENTS_PER_PAGE)
        for payload in pages(self._transport, "/events", query, listed, most=EVENT_PAGES):
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

        From then on calls are counted by the account's own limits. Raises ConfigError without a key or with a clock more
        than three seconds off, and Refused, in plain words, when the exchange does not accept the key.
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
        self._refuse_a_wrong_clock()
        self._transport.conversation.adopt(parse_limits(limits), self._costs())
        account = parse.parse_account(balance, limits, self._scopes())
        if account.may_transfer:
            logger.warning("the Kalshi key may move money; make one with read and write::trade only")
        return account

    def _refuse_a_wrong_clock(self) -> None:
        if self.skew_s is not None and abs(self.skew_s) > MAX_SKEW_S:
            raise ConfigError(
                f"This machine's clock is {self.skew_s:+.0f} s off Kalshi's; set it by NTP before trading."
            )

    def _costs(self) -> EndpointCosts:
        payload = self._unless_refused("/account/endpoint_costs")
        return USUAL_COSTS if payload is None else parse_endpoint_costs(payload)

    def _scopes(self) -> tuple[str, ...] | None:
        payload = self._unless_refused("/api_keys")
        return None if payload is None else parse_scopes(payload, self._transport.conversation.key_id or "")

    def _unless_refused(self, path: str) -> dict[str, Any] | None:
        """What a key may see that is good otherwise: keys of narrow scope may not see all of it."""
        try:
            return self._transport.get_json(path)
        except Refused as refusal:
            logger.info("kalshi does not tell this key", extra={"path": path, "status": refusal.status})
            return None

    def _why(self, refusal: Refused) -> str:
        if refusal.code == CLOCK_CODE:
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
            for payload in pages(self._transport, "/markets", narrowed, PageOf("markets", MARKETS_PER_PAGE)):
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
    return KalshiMarketData(transport_from_config(config, wall_now=wall_now), now)


def _chunks(tickers: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(tickers), TICKERS_PER_CALL):
        yield tickers[start : start + TICKERS_PER_CALL]


def path_segment(ticker: str) -> str:
    """A ticker as one path segment, whatever stands in it."""
    if not ticker or not ticker.isascii():
        raise BadMarketData("TICKER_UNREADABLE", f"{ticker[:40]!r} is no ticker")
    return quote(ticker, safe="")
