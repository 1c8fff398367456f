"""Reads the account: cash, positions, orders, fills, settlements. Nothing here changes anything.

The read side lags the matching engine: a list proves absence only past `get_user_data_timestamp()`, and only if its
reading has no faults. Old rows move to the archive (`archived=True`; orders after two weeks, kalshi-api.md 3.3).
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from markets.clients.kalshi import parse_account
from markets.clients.kalshi.conversation import Query
from markets.clients.kalshi.errors import SOURCE
from markets.clients.kalshi.fields import Fields
from markets.clients.kalshi.paging import PageOf, pages, report
from markets.clients.kalshi.rows import each
from markets.clients.kalshi.transport import Transport
from markets.domain.account_types import (
    AccountLimits,
    EndpointCosts,
    ExchangeBalance,
    ExchangeFill,
    ExchangeOrder,
    ExchangePosition,
    ExchangeSettlement,
    OrderStatus,
    QueuePosition,
    Reading,
    SettlementStatus,
)
from markets.domain.order_request import OrderPlace
from markets.domain.types import ListingFault
from milkbot.core.errors import Malformed, Refused

ROWS_PER_PAGE: Final = 1000
MOST_PAGES: Final = 150
"""Of one list. An account is read from its beginning when it is opened here and after a long absence: 100,000 fills."""
_FILLS_TICKERS: Final = 100

Row = TypeVar("Row")


class KalshiPortfolio:
    """The account of the transport's key. Raises Unreachable, Refused or Malformed with source "kalshi"."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get_balance(self) -> ExchangeBalance:
        """Available cash over all shards, and per shard."""
        return parse_account.parse_balance(self._transport.get_json("/portfolio/balance"))

    def get_positions(
        self,
        settlement_status: SettlementStatus = SettlementStatus.UNSETTLED,
        *,
        ticker: str | None = None,
        archived: bool = False,
    ) -> Reading[ExchangePosition]:
        """Positions by market. Archived ones are settled, whatever is asked for."""
        path = "/historical/positions" if archived else "/portfolio/positions"
        query = _given(ticker=ticker, settlement_status=None if archived else settlement_status.value)
        return self._list(
            path, query, "market_positions", "ticker", parse_account.parse_position, lambda row: row.ticker
        )

    def get_fills(
        self,
        since: datetime | None = None,
        *,
        tickers: Sequence[str] = (),
        order_id: str | None = None,
        archived: bool = False,
    ) -> Reading[ExchangeFill]:
        """Fills at or after `since`, newest first, of up to 100 tickers or of one order; each fill once."""
        if len(tickers) > _FILLS_TICKERS:
            raise ValueError(f"at most {_FILLS_TICKERS} tickers, was {len(tickers)}")
        path = "/historical/fills" if archived else "/portfolio/fills"
        wanted_order = None if archived else order_id  # The archive cannot be asked for one order.
        query = _given(ticker=",".join(tickers) or None, order_id=wanted_order, min_ts=_before(since))
        found = self._list(
            path, query, "fills", "fill_id", parse_account.parse_fill, lambda fill: fill.fill_id
        )
        return _kept(
            found,
            lambda fill: (since is None or fill.filled_at >= since) and order_id in (None, fill.order_id),
        )

    def get_orders(
        self,
        *,
        ticker: str | None = None,
        status: OrderStatus | None = None,
        since: datetime | None = None,
        archived: bool = False,
    ) -> Reading[ExchangeOrder]:
        """Orders by market, status and time. The exchange has no filter by client order id: look for it in the rows."""
        path = "/historical/orders" if archived else "/portfolio/orders"
        stated = None if status is None or archived else status.value
        query = _given(ticker=ticker, status=stated, min_ts=_before(since))
        return self._list(
            path, query, "orders", "order_id", parse_account.parse_order, lambda order: order.order_id
        )

    def get_order(self, place: OrderPlace) -> ExchangeOrder | None:
        """One order. None when the exchange does not show it (yet, any more, or not on that shard): no proof of absence."""
        query = _given(market_ticker=place.market_ticker)
        try:
            payload = self._transport.get_json(f"/portfolio/orders/{place.order_id}", query)
        except Refused as refusal:
            if refusal.status == 404 and refusal.code in (None, "not_found"):
                return None
            raise
        order = parse_account.parse_order(Fields(payload, "answer").value("order"))
        if order.order_id != place.order_id:
            raise Malformed(SOURCE, f"asked for order {place.order_id}, got {order.order_id[:60]!r}")
        return order

    def get_settlements(
        self, since: datetime | None = None, *, ticker: str | None = None
    ) -> Reading[ExchangeSettlement]:
        """What settled markets paid, at or after `since`."""
        query = _given(ticker=ticker, min_ts=_before(since))
        found = self._list(
            "/portfolio/settlements",
            query,
            "settlements",
            "ticker",
            parse_account.parse_settlement,
            lambda settlement: f"{settlement.ticker} {settlement.settled_at}",
        )
        return _kept(found, lambda settlement: since is None or settlement.settled_at >= since)

    def get_user_data_timestamp(self) -> datetime:
        """How far balance, orders, fills and positions have caught up with the matching engine."""
        return Fields(self._transport.get_json("/exchange/user_data_timestamp"), "watermark").instant(
            "as_of_time"
        )

    def get_queue_positions(self, tickers: Sequence[str] = ()) -> Reading[QueuePosition]:
        """How many contracts stand before each resting order, of all markets or of those named."""
        query = _given(market_tickers=",".join(tickers) or None)
        payload = self._transport.get_json("/portfolio/orders/queue_positions", query)
        return Reading(*_rows([payload], "queue_positions", "order_id", parse_account.parse_queue_position))

    def get_account_limits(self) -> AccountLimits:
        """The tier and its token buckets."""
        return parse_account.parse_limits(self._transport.get_json("/account/limits"))

    def get_endpoint_costs(self) -> EndpointCosts:
        """What calls cost in tokens, where it is not the default."""
        return parse_account.parse_endpoint_costs(self._transport.get_json("/account/endpoint_costs"))

    def _list(
        self,
        path: str,
        query: Query,
        key: str,
        name_key: str,
        parse: Callable[[object], Row],
        id_of: Callable[[Row], str],
    ) -> Reading[Row]:
        """All pages. Rows shift while pages are read, so one may stand on two of them: the later reading wins."""
        listed = pages(self._transport, path, query, PageOf(key, ROWS_PER_PAGE), most=MOST_PAGES)
        found, faults = _rows(listed, key, name_key, parse)
        return Reading(tuple({id_of(row): row for row in found}.values()), faults)


def _rows(
    payloads: Iterable[dict[str, Any]], key: str, name_key: str, parse: Callable[[object], Row]
) -> tuple[tuple[Row, ...], tuple[ListingFault, ...]]:
    """The readable rows of all payloads, and what could not be read, which is logged too."""
    rows: list[Row] = []
    faults: list[ListingFault] = []
    for payload in payloads:
        found, unreadable = each(Fields(payload, f"page of {key}").items(key), name_key, parse)
        rows.extend(found)
        faults.extend(unreadable)
    report(faults)
    return tuple(rows), tuple(faults)


def _kept(reading: Reading[Row], wanted: Callable[[Row], bool]) -> Reading[Row]:
    return Reading(tuple(row for row in reading.rows if wanted(row)), reading.faults)


def _before(since: datetime | None) -> str | None:
    """Unix seconds that exclude nothing at `since`: the filter counts whole seconds and may mean "later than"."""
    return None if since is None else str(int(since.timestamp()) - 1)


def _given(**values: str | None) -> list[tuple[str, str]]:
    return [(name, value) for name, value in values.items() if value is not None]
