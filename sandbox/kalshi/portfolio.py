"""What a signed customer may read: orders, fills, positions, settlements, cash. Reads lag behind the matching engine."""

from collections.abc import Callable, Iterable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.exchange.book import NOTHING
from sandbox.exchange.types import Order, Position
from sandbox.kalshi.account_records import (
    balance_json,
    event_position_json,
    fill_json,
    order_json,
    position_json,
    settlement_json,
)
from sandbox.kalshi.archive import cutoff, is_archived_order, is_archived_position
from sandbox.kalshi.auth import signer
from sandbox.kalshi.errors import not_found
from sandbox.kalshi.handlers import asynchronous
from sandbox.kalshi.newest_first import Key, newest_first
from sandbox.kalshi.orders import check_query, order_id_of
from sandbox.kalshi.query import Query, page
from sandbox.kalshi.row_filter import Place, RowFilter
from sandbox.kalshi.venue import Venue
from sandbox.kalshi.wire import count_fp

STATUSES: Final = ("resting", "canceled", "executed")
SETTLEMENT_STATUSES: Final = ("unsettled", "settled", "all")
COUNTS: Final = frozenset({"position", "total_traded"})


class Portfolio:
    """The handlers; each needs a signature."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def routes(self) -> list[Route]:
        """Paths below the API's root."""
        table: dict[str, Callable[[Request], JSONResponse]] = {
            "/portfolio/orders": self.orders,
            "/portfolio/orders/queue_positions": self.queue_positions,
            "/portfolio/orders/{order_id}": self.order,
            "/portfolio/orders/{order_id}/queue_position": self.queue_position,
            "/portfolio/fills": self.fills,
            "/portfolio/positions": self.positions,
            "/portfolio/settlements": self.settlements,
            "/portfolio/balance": self.balance,
            "/historical/orders": self.archived_orders,
            "/historical/fills": self.archived_fills,
            "/historical/positions": self.archived_positions,
        }
        return [Route(path, asynchronous(handler), methods=["GET"]) for path, handler in table.items()]

    def orders(self, request: Request) -> JSONResponse:
        """Resting orders, and the others until they are archived."""
        return self._orders(request, "GetOrders", archived=False)

    def archived_orders(self, request: Request) -> JSONResponse:
        """Orders that ended before the cutoff."""
        return self._orders(request, "GetHistoricalOrders", archived=True)

    def order(self, request: Request) -> JSONResponse:
        """One order."""
        order_id, view = order_id_of(request), self._venue.view(signer(request))
        for order in view.orders:
            if order.order_id == order_id:
                return JSONResponse({"order": order_json(order)})
        raise not_found()

    def queue_positions(self, request: Request) -> JSONResponse:
        """Contracts before each resting order, as of now."""
        query, account = Query("GetOrderQueuePositions", request.query_params), signer(request)
        tickers, event = query.words("market_tickers"), query.text("event_ticker")
        place = Place.from_query(query)
        self._venue.now()
        records = [
            {
                "order_id": order.order_id,
                "market_ticker": order.ticker,
                "queue_position_fp": self._ahead(order),
            }
            for order in self._venue.exchange.orders(account.member)
            if place.is_ours
            and order.status == "resting"
            and (not tickers or order.ticker in tickers)
            and (not event or order.ticker.rpartition("-")[0] == event)
        ]
        return JSONResponse({"queue_positions": records})

    def queue_position(self, request: Request) -> JSONResponse:
        """Contracts before one resting order, as of now."""
        order_id, account = order_id_of(request), signer(request)
        check_query(request, "GetOrderQueuePosition")
        self._venue.now()
        order = self._venue.exchange.order(account.member, order_id)
        if order.status != "resting":
            raise not_found()
        return JSONResponse({"queue_position_fp": self._ahead(order)})

    def fills(self, request: Request) -> JSONResponse:
        """Fills since the cutoff."""
        return self._fills(request, "GetFills", archived=False)

    def archived_fills(self, request: Request) -> JSONResponse:
        """Fills before the cutoff."""
        return self._fills(request, "GetFillsHistorical", archived=True)

    def positions(self, request: Request) -> JSONResponse:
        """Positions that are open; settled ones until they are archived, on request."""
        query = Query("GetPositions", request.query_params)
        wanted = query.choice("settlement_status", SETTLEMENT_STATUSES) or "unsettled"
        return self._positions(
            request,
            query,
            lambda position, archived: not archived and wanted in ("all", _settlement_status(position)),
        )

    def archived_positions(self, request: Request) -> JSONResponse:
        """Settled positions that have left the live calls."""
        query = Query("GetHistoricalPositions", request.query_params)
        return self._positions(request, query, lambda _position, archived: archived)

    def settlements(self, request: Request) -> JSONResponse:
        """Positions that were paid out."""
        query, view = Query("GetSettlements", request.query_params), self._venue.view(signer(request))
        limit, wanted = query.rows(), RowFilter.from_query(query)
        rows = [row for row in view.settlements if wanted.passes(row.ticker, row.settled_at)]
        shown, cursor = newest_first(
            rows, lambda row: (row.settled_at, row.ticker), query.text("cursor"), limit
        )
        return JSONResponse({"settlements": [settlement_json(row) for row in shown], "cursor": cursor})

    def balance(self, request: Request) -> JSONResponse:
        """Available cash, and what the positions would have fetched when it was so much; nothing elsewhere."""
        account, place = signer(request), Place.from_query(Query("GetBalance", request.query_params))
        view, as_of = self._venue.view(account), self._venue.as_of()
        cash, value = NOTHING, NOTHING
        if place.is_ours:
            cash, value = view.available, self._venue.exchange.worth(view.positions, as_of)
        return JSONResponse(balance_json(cash, value, int(as_of.timestamp()), place.shard))

    def _orders(self, request: Request, operation: str, *, archived: bool) -> JSONResponse:
        query, view = Query(operation, request.query_params), self._venue.view(signer(request))
        limit, wanted, status = query.rows(), RowFilter.from_query(query), query.choice("status", STATUSES)
        now = self._venue.now()
        rows = [
            row
            for row in view.orders
            if wanted.passes(row.ticker, row.created_at)
            and (not status or row.status == status)
            and is_archived_order(row, now) == archived
        ]
        shown, cursor = newest_first(rows, _order_key, query.text("cursor"), limit)
        return JSONResponse({"orders": [order_json(row) for row in shown], "cursor": cursor})

    def _fills(self, request: Request, operation: str, *, archived: bool) -> JSONResponse:
        query, view = Query(operation, request.query_params), self._venue.view(signer(request))
        limit, wanted, order_id = query.rows(), RowFilter.from_query(query), query.text("order_id")
        line = cutoff(self._venue.now())
        rows = [
            row
            for row in view.fills
            if wanted.passes(row.ticker, row.at)
            and (not order_id or row.order_id == order_id)
            and (row.at < line) == archived
        ]
        shown, cursor = newest_first(
            rows, lambda row: (row.at, f"{row.fill_id}:{row.order_id}"), query.text("cursor"), limit
        )
        return JSONResponse({"fills": [fill_json(row) for row in shown], "cursor": cursor})

    def _positions(
        self, request: Request, query: Query, is_wanted: Callable[[Position, bool], bool]
    ) -> JSONResponse:
        view, now = self._venue.view(signer(request)), self._venue.now()
        limit, wanted = query.rows(), RowFilter.from_query(query)
        counts = query.words("count_filter")
        entries = [
            (number, position)
            for number, position in enumerate(view.positions)
            if wanted.passes(position.ticker)
            and is_wanted(position, is_archived_position(position, now))
            and (not counts & COUNTS or _has_any(position, counts))
        ]
        shown, cursor = page(entries, query.text("cursor"), limit)
        shown_events = {position.event_ticker for position in shown}
        events = [event for event in view.event_positions if event.event_ticker in shown_events]
        return JSONResponse(
            {
                "market_positions": [position_json(position) for position in shown],
                "event_positions": [event_position_json(event) for event in events],
                "cursor": cursor,
            }
        )

    def _ahead(self, order: Order) -> str:
        return count_fp(self._venue.exchange.queue_position(order.account, order.order_id))


def _order_key(order: Order) -> Key:
    return order.created_at, order.order_id


def _settlement_status(position: Position) -> str:
    return "settled" if position.is_settled else "unsettled"


def _has_any(position: Position, counts: Iterable[str]) -> bool:
    figures = {"position": position.count, "total_traded": position.traded_cost}
    return any(figures.get(name) for name in counts)
