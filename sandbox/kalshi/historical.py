"""The historical tier: markets that settled before the cutoff, their candles and trades. Public, read only."""

from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.kalshi.archive import cutoff, cutoff_json, is_archived
from sandbox.kalshi.candles import BEGINNING, CandleRequest, candlesticks
from sandbox.kalshi.errors import coded, not_found
from sandbox.kalshi.handlers import asynchronous
from sandbox.kalshi.listing import Listing, market_json
from sandbox.kalshi.query import Query, page
from sandbox.kalshi.trades import TradesRequest, trades_page
from sandbox.kalshi.venue import Venue
from sandbox.kalshi.wire import JsonObject

PRICES: Final = ("open", "low", "high", "close")
TRADED_PRICES: Final = (*PRICES, "mean", "previous")


class Historical:
    """The handlers; each answers for the world's present."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def routes(self) -> list[Route]:
        """Paths below the API's root."""
        table: dict[str, Callable[[Request], JSONResponse]] = {
            "/historical/cutoff": self.cutoff,
            "/historical/markets": self.markets,
            "/historical/markets/{ticker}": self.market,
            "/historical/markets/{ticker}/candlesticks": self.candlesticks,
            "/historical/trades": self.trades,
        }
        return [Route(path, asynchronous(handler), methods=["GET"]) for path, handler in table.items()]

    def cutoff(self, _request: Request) -> JSONResponse:
        """Where live data begin."""
        return JSONResponse(cutoff_json(self._venue.now()))

    def markets(self, request: Request) -> JSONResponse:
        """Archived markets by ticker, event or series."""
        query = Query("GetHistoricalMarkets", request.query_params)
        limit = query.bounded("limit", low=0, high=1000, default=100) or 100
        tickers, event, series = (
            query.words("tickers"),
            query.text("event_ticker"),
            query.text("series_ticker"),
        )
        query.choice("mve_filter", ("exclude",))
        if tickers and event:
            raise coded(400, "invalid_parameters", "tickers and event_ticker are mutually exclusive")
        entries = [
            (listing.position, listing)
            for listing in self._archived()
            if (not tickers or listing.bracket.ticker in tickers)
            and (not event or listing.ladder.event_ticker == event)
            and (not series or listing.ladder.series_ticker == series)
        ]
        shown, cursor = page(entries, query.text("cursor"), limit)
        records = [market_json(self._venue.market, listing) for listing in shown]
        return JSONResponse({"markets": records, "cursor": cursor})

    def market(self, request: Request) -> JSONResponse:
        """One archived market."""
        listing = self._listing(request.path_params["ticker"])
        return JSONResponse({"market": market_json(self._venue.market, listing)})

    def candlesticks(self, request: Request) -> JSONResponse:
        """Candles of an archived market, under the tier's own field names."""
        query = Query("GetMarketCandlesticksHistorical", request.query_params)
        ticker = self._listing(request.path_params["ticker"]).bracket.ticker
        wanted = CandleRequest.from_query(query)
        candles = candlesticks(self._venue.market, ticker, wanted, self._venue.now())
        return JSONResponse({"ticker": ticker, "candlesticks": [flat_candle(one) for one in candles]})

    def trades(self, request: Request) -> JSONResponse:
        """Trades made before the cutoff."""
        query = Query("GetTradesHistorical", request.query_params)
        now = self._venue.now()
        wanted = TradesRequest.from_query(query, BEGINNING, cutoff(now))
        records, cursor = trades_page(self._venue.market, self._venue.listings(), wanted)
        return JSONResponse({"trades": records, "cursor": cursor})

    def _archived(self) -> list[Listing]:
        return [listing for listing in self._venue.listings() if is_archived(listing)]

    def _listing(self, ticker: str) -> Listing:
        for listing in self._archived():
            if listing.bracket.ticker == ticker:
                return listing
        raise not_found()


def flat_candle(candle: JsonObject) -> JsonObject:
    """A live candle under the names of the historical tier; prices of a period without trades are null."""
    return {
        "end_period_ts": candle["end_period_ts"],
        "yes_bid": {name: candle["yes_bid"][f"{name}_dollars"] for name in PRICES},
        "yes_ask": {name: candle["yes_ask"][f"{name}_dollars"] for name in PRICES},
        "price": {name: candle["price"].get(f"{name}_dollars") for name in TRADED_PRICES},
        "volume": candle["volume_fp"],
        "open_interest": candle["open_interest_fp"],
    }
