"""Market data of the exchange: series, events, markets, books, trades, candles. All public, all read only."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.feeds import Book, Ladder
from sandbox.kalshi.archive import cutoff, is_archived
from sandbox.kalshi.candles import CandleRequest, candlesticks
from sandbox.kalshi.errors import coded, not_found
from sandbox.kalshi.handlers import asynchronous
from sandbox.kalshi.lifecycle import STATUS_OF_FILTER, created_time
from sandbox.kalshi.listing import (
    CATEGORY,
    TAG,
    Listing,
    book_json,
    event_json,
    market_json,
    series_json,
    shown_book,
)
from sandbox.kalshi.market_filter import MarketFilter
from sandbox.kalshi.query import Query, page
from sandbox.kalshi.trades import TradesRequest, trades_page
from sandbox.kalshi.venue import Venue
from sandbox.kalshi.wire import JsonObject

BOOKS_AT_ONCE: Final = 100
CANDLE_MARKETS_AT_ONCE: Final = 100
CANDLES_AT_ONCE: Final = 10_000
EVENT_FILTERS: Final = ("unopened", "open", "closed", "settled")


class MarketData:
    """The handlers; each answers for the world's present. Members' orders and trades are in every book and figure."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def routes(self) -> list[Route]:
        """Paths below the API's root."""
        table: dict[str, Callable[[Request], JSONResponse]] = {
            "/series": self.series_list,
            "/series/fee_changes": self.series_fee_changes,
            "/series/{series_ticker}": self.series,
            "/series/{series_ticker}/markets/{ticker}/candlesticks": self.candlesticks,
            "/events": self.events,
            "/events/fee_changes": self.event_fee_changes,
            "/events/{event_ticker}": self.event,
            "/markets": self.markets,
            "/markets/orderbooks": self.order_books,
            "/markets/trades": self.trades,
            "/markets/candlesticks": self.candlesticks_of_several,
            "/markets/{ticker}": self.market,
            "/markets/{ticker}/orderbook": self.order_book,
        }
        return [Route(path, asynchronous(handler), methods=["GET"]) for path, handler in table.items()]

    def series_list(self, request: Request) -> JSONResponse:
        """The world's series, filtered by category and tags."""
        query = Query("GetSeriesList", request.query_params)
        tags = query.words("tags")
        matching = query.text("category") in ("", CATEGORY) and (not tags or TAG in tags)
        since = query.whole("min_updated_ts")
        with_volume, with_metadata = query.flag("include_volume"), query.flag("include_product_metadata")
        listed: dict[str, datetime] = {}
        for ladder in self._ladders() if matching else ():
            listed.setdefault(ladder.series_ticker, created_time(ladder))
        return JSONResponse(
            {
                "series": [
                    self._series_json(ticker, with_volume, with_metadata)
                    for ticker, updated_at in listed.items()
                    if since is None or updated_at.timestamp() > since
                ]
            }
        )

    def series(self, request: Request) -> JSONResponse:
        """One series."""
        with_volume = Query("GetSeries", request.query_params).flag("include_volume")
        ticker = request.path_params["series_ticker"]
        try:
            return JSONResponse({"series": self._series_json(ticker, with_volume, with_metadata=True)})
        except KeyError:
            raise not_found() from None

    def series_fee_changes(self, request: Request) -> JSONResponse:
        """None are scheduled, none ever were."""
        Query("GetSeriesFeeChanges", request.query_params).flag("show_historical")
        return JSONResponse({"series_fee_change_arr": []})

    def event_fee_changes(self, request: Request) -> JSONResponse:
        """No event overrides its series' fees."""
        Query("GetEventFeeChanges", request.query_params).bounded("limit", low=1, high=1000, default=100)
        return JSONResponse({"event_fee_changes": [], "cursor": ""})

    def events(self, request: Request) -> JSONResponse:
        """Events with the documented filters; an event matches a status when any of its markets does."""
        query = Query("GetEvents", request.query_params)
        limit = query.bounded("limit", low=1, high=200, default=200)
        wanted = STATUS_OF_FILTER.get(query.choice("status", EVENT_FILTERS))
        series, tickers = query.text("series_ticker"), query.words("tickers")
        min_close, min_updated = query.whole("min_close_ts"), query.whole("min_updated_ts")
        nested = query.flag("with_nested_markets")
        entries = [
            (position, listed)
            for position, listed in enumerate(self._listed_by_event())
            if (not series or listed[0].ladder.series_ticker == series)
            and (not tickers or listed[0].ladder.event_ticker in tickers)
            and (wanted is None or any(listing.status in wanted for listing in listed))
            and (min_close is None or listed[0].ladder.closes_at.timestamp() > min_close)
            and (min_updated is None or listed[0].life.created_at.timestamp() > min_updated)
        ]
        shown, cursor = page(entries, query.text("cursor"), limit)
        body: JsonObject = {
            "events": [self._event_json(listed, nested) for listed in shown],
            "cursor": cursor,
        }
        return JSONResponse(body | ({"milestones": []} if query.flag("with_milestones") else {}))

    def event(self, request: Request) -> JSONResponse:
        """One event; its markets inside it when asked for, beside it otherwise."""
        query = Query("GetEvent", request.query_params)
        ticker = request.path_params["event_ticker"]
        for listed in self._listed_by_event():
            if listed[0].ladder.event_ticker == ticker:
                nested = query.flag("with_nested_markets")
                beside = [] if nested else self._market_records(listed)
                return JSONResponse({"event": self._event_json(listed, nested), "markets": beside})
        raise not_found()

    def markets(self, request: Request) -> JSONResponse:
        """Markets with the documented filters and their mutual exclusions."""
        query = Query("GetMarkets", request.query_params)
        limit = query.bounded("limit", low=0, high=1000, default=100) or 100
        chosen = MarketFilter(query)
        entries = [(listing.position, listing) for listing in self._live() if chosen.matches(listing)]
        shown, cursor = page(entries, query.text("cursor"), limit)
        return JSONResponse({"markets": [self._market_json(listing) for listing in shown], "cursor": cursor})

    def market(self, request: Request) -> JSONResponse:
        """One market."""
        return JSONResponse({"market": self._market_json(self._listing(request.path_params["ticker"]))})

    def order_book(self, request: Request) -> JSONResponse:
        """The book of one market."""
        depth = Query("GetMarketOrderbook", request.query_params).bounded("depth", low=0, high=100, default=0)
        listing = self._listing(request.path_params["ticker"])
        return JSONResponse({"orderbook_fp": book_json(shown_book(self._venue.market, listing), depth)})

    def order_books(self, request: Request) -> JSONResponse:
        """The books of the markets asked for, in that order; an unknown one is empty."""
        tickers = Query("GetMarketOrderbooks", request.query_params).tickers("tickers", BOOKS_AT_ONCE)
        listed = {listing.bracket.ticker: listing for listing in self._live()}
        books = {
            ticker: shown_book(self._venue.market, listed[ticker]) if ticker in listed else Book()
            for ticker in tickers
        }
        return JSONResponse(
            {
                "orderbooks": [
                    {"ticker": ticker, "orderbook_fp": book_json(book, 0)} for ticker, book in books.items()
                ]
            }
        )

    def trades(self, request: Request) -> JSONResponse:
        """Trades since the cutoff, newest first; a world that recorded none has none."""
        now = self._venue.now()
        wanted = TradesRequest.from_query(Query("GetTrades", request.query_params), cutoff(now), now)
        records, cursor = trades_page(self._venue.market, self._listings(), wanted)
        return JSONResponse({"trades": records, "cursor": cursor})

    def candlesticks(self, request: Request) -> JSONResponse:
        """Candles of one market of a series."""
        wanted = CandleRequest.from_query(Query("GetMarketCandlesticks", request.query_params))
        listing = self._listing(request.path_params["ticker"])
        if listing.ladder.series_ticker != request.path_params["series_ticker"]:
            raise not_found()
        ticker = listing.bracket.ticker
        return JSONResponse({"ticker": ticker, "candlesticks": self._candles(ticker, wanted)})

    def candlesticks_of_several(self, request: Request) -> JSONResponse:
        """Candles of the markets asked for, in that order; an unknown one has none."""
        query = Query("BatchGetMarketCandlesticks", request.query_params)
        tickers = query.tickers("market_tickers", CANDLE_MARKETS_AT_ONCE)
        wanted = CandleRequest.from_query(query)
        listed = {listing.bracket.ticker for listing in self._live()}
        candles = {ticker: self._candles(ticker, wanted) if ticker in listed else [] for ticker in tickers}
        if sum(map(len, candles.values())) > CANDLES_AT_ONCE:
            raise coded(
                400, "invalid_parameters", "invalid parameters", f"more than {CANDLES_AT_ONCE} candlesticks"
            )
        return JSONResponse(
            {
                "markets": [
                    {"market_ticker": ticker, "candlesticks": found} for ticker, found in candles.items()
                ]
            }
        )

    def _candles(self, ticker: str, wanted: CandleRequest) -> list[JsonObject]:
        return candlesticks(self._venue.market, ticker, wanted, self._venue.now())

    def _ladders(self) -> list[Ladder]:
        return list(self._venue.market.ladders(self._venue.now()))

    def _listings(self) -> list[Listing]:
        return self._venue.listings()

    def _live(self) -> list[Listing]:
        return [listing for listing in self._listings() if not is_archived(listing)]

    def _listing(self, ticker: str) -> Listing:
        for listing in self._live():
            if listing.bracket.ticker == ticker:
                return listing
        raise not_found()

    def _listed_by_event(self) -> list[list[Listing]]:
        by_event: dict[str, list[Listing]] = {}
        for listing in self._listings():
            by_event.setdefault(listing.ladder.event_ticker, []).append(listing)
        return list(by_event.values())

    def _series_json(self, ticker: str, with_volume: bool, with_metadata: bool) -> JsonObject:
        record = series_json(self._venue.market, ticker, self._venue.now(), with_volume)
        # Kalshi puts notices there; these worlds have none to give.
        return record | ({"product_metadata": {}} if with_metadata else {})

    def _event_json(self, listed: list[Listing], nested: bool) -> JsonObject:
        return event_json(listed[0].ladder, self._market_records(listed) if nested else None)

    def _market_records(self, listed: list[Listing]) -> list[JsonObject]:
        """The records of an event's markets: events stay, archived markets have left them."""
        return [self._market_json(listing) for listing in listed if not is_archived(listing)]

    def _market_json(self, listing: Listing) -> JsonObject:
        return market_json(self._venue.market, listing)
