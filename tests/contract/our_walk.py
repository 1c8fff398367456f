"""Everything our own clients can ask of the exchange, asked at least once."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from markets.clients.kalshi.budget import TokenBudget
from markets.clients.kalshi.history import KalshiHistory
from markets.clients.kalshi.market_data import KalshiMarketData
from markets.clients.kalshi.orders import KalshiOrders
from markets.clients.kalshi.portfolio import KalshiPortfolio
from markets.clients.kalshi.signing import Signer
from markets.clients.kalshi.transport import Transport
from markets.domain.order_outcomes import (
    Accepted,
    AllCanceled,
    Amended,
    Canceled,
    Decreased,
    Duplicate,
    Gone,
    Rejected,
)
from markets.domain.order_request import Amendment, NewOrder, OrderPlace, OrderTerms, TimeInForce
from markets.domain.sides import Action, BookSide, Side

D = Decimal
SERIES = "KXHIGHCHI"
CENT = D("0.01")


@dataclass(frozen=True)
class Visit:
    """Our clients at one exchange, and one of its markets. `now` is the exchange's time."""

    transport: Transport
    control: Callable[..., None]
    now: datetime
    ticker: str

    @property
    def orders(self) -> KalshiOrders:
        return KalshiOrders(self.transport.conversation, lambda: self.now)

    @property
    def portfolio(self) -> KalshiPortfolio:
        return KalshiPortfolio(self.transport)

    @property
    def data(self) -> KalshiMarketData:
        return KalshiMarketData(self.transport)

    @property
    def history(self) -> KalshiHistory:
        return KalshiHistory(self.transport, lambda: self.now)

    def order(
        self,
        *,
        side: BookSide = BookSide.BID,
        count: str = "2",
        price: Decimal = CENT,
        terms: OrderTerms | None = None,
    ) -> NewOrder:
        return NewOrder(self.ticker, side, D(count), price, str(uuid4()), terms or OrderTerms())

    def place(self, order_id: str) -> OrderPlace:
        return OrderPlace(order_id, self.ticker)


def open_visit(base_url: str, signer: Signer, control: Callable[..., None]) -> Visit:
    """A visit at the market of the open event with interest on both sides."""
    transport = Transport(base_url, signer, budget=TokenBudget())
    now = KalshiPortfolio(transport).get_user_data_timestamp()
    event = KalshiMarketData(transport).list_events(SERIES)[0]
    quoted = [each.snapshot for each in event.listings if each.snapshot.yes_bid and each.snapshot.yes_ask]
    return Visit(transport, control, now, quoted[0].ticker)


def read_market_data(visit: Visit) -> None:
    """All market data, of now and of the archive."""
    data, history = visit.data, visit.history
    event_ticker = visit.ticker.rpartition("-")[0]
    assert data.get_status().trading_active
    assert data.get_series(SERIES).fees is not None
    assert data.get_event(event_ticker).faults == ()
    assert data.list_markets(SERIES, status="open")
    assert data.list_listings([visit.ticker])
    assert data.get_orderbook(visit.ticker).yes_bid is not None
    assert data.get_orderbooks([visit.ticker])
    assert data.authenticate().balance > 0
    since, until = visit.now - timedelta(hours=6), visit.now
    history.get_schedule()
    assert list(history.iter_trades(visit.ticker, since=since, until=until)) is not None
    assert history.get_candles(visit.ticker, since=since, until=until)
    assert history.get_candles_of([visit.ticker], since=since, until=until)
    history.list_series_fee_changes(SERIES, with_past=True)
    assert list(history.iter_event_fee_changes()) == []
    history.get_cutoff()
    assert list(history.iter_archived_markets(series_ticker=SERIES)) is not None
    assert list(history.iter_trades(since=since, archived=True)) is not None


def trade(visit: Visit) -> None:
    """Orders of every kind, alone and in batches; what fills is a few contracts bought and sold."""
    snapshot = visit.data.get_orderbook(visit.ticker)
    assert snapshot.yes_bid is not None
    assert snapshot.yes_ask is not None
    bid, ask, orders = snapshot.yes_bid, snapshot.yes_ask, visit.orders
    ioc, fok = (OrderTerms(time_in_force=kind) for kind in (TimeInForce.IOC, TimeInForce.FOK))
    bought = orders.create_order(visit.ticker, Side.YES, D("1.25"), ask, str(uuid4()), terms=ioc)
    assert isinstance(bought, Accepted)
    assert (bought.filled, bought.remaining) == (D("1.25"), D(0))
    assert isinstance(
        orders.create_order(visit.ticker, Side.NO, D(1), 1 - bid, str(uuid4()), terms=fok), Accepted
    )
    sell = OrderTerms(time_in_force=TimeInForce.IOC, reduce_only=True)
    sold = orders.create_order(
        visit.ticker, Side.YES, D("0.1"), bid, str(uuid4()), action=Action.SELL, terms=sell
    )
    assert isinstance(sold, Accepted)
    _rest_and_change(visit)
    first, second = visit.order(), visit.order(price=D("0.02"))
    placed = [each for each in orders.create_batch([first, second]) if isinstance(each, Accepted)]
    assert len(placed) == 2
    canceled = orders.cancel_batch([visit.place(each.order_id) for each in placed])
    assert all(isinstance(each, Canceled) for each in canceled)
    assert isinstance(orders.cancel_all(), AllCanceled)


def _rest_and_change(visit: Visit) -> None:
    orders = visit.orders
    expiring = OrderTerms(
        expires_at=visit.now + timedelta(minutes=5), post_only=True, cancel_on_pause=True, exchange_index=0
    )
    order = visit.order(count="5", terms=expiring)
    rests = orders.place(order)
    assert isinstance(rests, Accepted)
    place = visit.place(rests.order_id)
    assert isinstance(orders.place(order), Duplicate)
    visit.portfolio.get_order(place)
    visit.portfolio.get_queue_positions([visit.ticker])
    amendment = Amendment(
        rests.order_id,
        visit.ticker,
        BookSide.BID,
        D(6),
        D("0.02"),
        client_order_id=order.client_order_id,
        updated_client_order_id=str(uuid4()),
        expires_at=visit.now + timedelta(minutes=9),
        exchange_index=0,
    )
    assert isinstance(orders.amend_order(amendment), Amended)
    assert isinstance(orders.decrease_order(place, reduce_by=D("1.5")), Decreased)
    assert isinstance(orders.decrease_order(place, reduce_to=D(2)), Decreased)
    assert isinstance(orders.cancel_order(place), Canceled)
    assert isinstance(orders.cancel_order(place), Gone)
    across = visit.order(price=D("0.99"), terms=OrderTerms(post_only=True))
    assert isinstance(orders.place(across), Rejected)


def read_account(visit: Visit) -> None:
    """Everything of the account, then the market is settled and its settlement read."""
    portfolio = visit.portfolio
    since = visit.now - timedelta(hours=1)
    portfolio.get_balance()
    portfolio.get_account_limits()
    portfolio.get_endpoint_costs()
    for archived in (False, True):
        portfolio.get_orders(ticker=visit.ticker, since=since, archived=archived)
        portfolio.get_fills(since, tickers=[visit.ticker], archived=archived)
        portfolio.get_positions(ticker=visit.ticker, archived=archived)
    # The read side lags behind the matching engine by half a second.
    _until(lambda: bool(portfolio.get_orders().rows and portfolio.get_fills().rows))
    _until(lambda: bool(portfolio.get_positions().rows))
    order_id = portfolio.get_orders().rows[0].order_id
    assert portfolio.get_order(visit.place(order_id)) is not None
    for step in ({"do": "close"}, {"do": "determine", "result": "yes"}, {"do": "finalize"}):
        visit.control(**step, ticker=visit.ticker)
    assert visit.data.list_listings([visit.ticker])
    _until(lambda: bool(portfolio.get_settlements(since, ticker=visit.ticker).rows))


def _until(is_there: Callable[[], bool], timeout_s: float = 5.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_there():
        assert time.monotonic() < deadline, "nothing to be read"
        time.sleep(0.05)
