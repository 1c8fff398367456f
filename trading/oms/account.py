"""Reads the account at the exchange in one round: how far the lists reach first, then the lists themselves.

In that order a list can only know more than its watermark promises. A call that fails leaves its figure unknown and is
named; it never reads as "nothing there". The balance is read before and after the lists of orders and positions: only when it
is the same do all of them belong together, for whatever changes what an order holds changes the balance.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Protocol, TypeVar

from markets.clients.kalshi.errors import CLOCK_CODE
from markets.clients.kalshi.portfolio import KalshiPortfolio
from markets.domain.account_types import (
    ExchangeBalance,
    ExchangeFill,
    ExchangeOrder,
    ExchangePosition,
    ExchangeSettlement,
    OrderStatus,
    Reading,
)
from markets.domain.order_request import OrderPlace
from milkbot.core.errors import OutsideError, Refused
from milkbot.logger import logger
from trading.domain.reconciliation import AccountReading
from trading.domain.types import Order

OVERLAP: Final = timedelta(minutes=10)
"""Read again before the last complete reading: an order or a fill may be dated before the moment it is first shown."""
_CALLS_AT_ONCE: Final = 4
_AUTH_STATUSES: Final = (401, 403)

Row = TypeVar("Row")
Got = TypeVar("Got")


class Account(Protocol):
    """The account as reconciliation asks for it."""

    def read(self, since: datetime | None, open_orders: Sequence[Order]) -> AccountReading:
        """One round: everything since `since` (all there is when None), and each of `open_orders` by its name."""

    def find_order(self, order_id: str, ticker: str) -> ExchangeOrder | None:
        """One order by the exchange's name; None when it is not shown. Raises OutsideError when it cannot be read."""

    def settlements(self, since: datetime) -> Reading[ExchangeSettlement] | None:
        """What settled markets paid; None when it cannot be read."""


class KalshiAccount:
    """The account behind a key."""

    def __init__(self, client: KalshiPortfolio) -> None:
        self._client = client

    def read(self, since: datetime | None, open_orders: Sequence[Order]) -> AccountReading:
        with ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="account") as pool:
            return self._read(_Round(pool), since, open_orders)

    def _read(self, round_: "_Round", since: datetime | None, open_orders: Sequence[Order]) -> AccountReading:
        """Three rounds of calls side by side: where the exchange answers slowly, a turn must still end in time."""
        client = self._client
        watermark_call = round_.start("watermark", client.get_user_data_timestamp)
        fills_call = round_.start("fills", lambda: client.get_fills(since))
        balance_call = round_.start("balance", client.get_balance)
        watermark, fills_before, balance_before = watermark_call(), fills_call(), balance_call()
        if watermark is None and fills_before is None:
            return _nothing_read(round_)
        resting_call = round_.start("resting orders", lambda: client.get_orders(status=OrderStatus.RESTING))
        recent_call = round_.start("orders", lambda: client.get_orders(since=since))
        positions_call = round_.start("positions", client.get_positions)
        resting, recent, positions = resting_call(), recent_call(), positions_call()
        orders = _joined(resting, recent, lambda order: order.order_id)
        named = self._by_name(round_, orders, open_orders)
        fills_call = round_.start("fills", lambda: client.get_fills(since))
        balance_call = round_.start("balance", client.get_balance)
        fills, balance = fills_call(), balance_call()
        if _cash(balance) != _cash(balance_before):
            balance = None  # An order came or went meanwhile; compared next time.
        if _names(fills) != _names(fills_before):
            # Something filled in between: positions and balance belong to neither list, and are compared next time.
            positions = balance = None
        lists = (resting, recent, fills)
        is_complete = named is not None and all(found is not None and found.is_complete for found in lists)
        return AccountReading(
            complete_until=watermark if is_complete else None,
            orders=Reading((*(named or ()), *orders.rows), orders.faults),
            fills=fills if fills is not None else Reading(()),
            positions=_whole(round_, positions),
            balance=balance,
            faults=tuple(round_.faults),
            auth_refused=round_.auth_refused,
        )

    def find_order(self, order_id: str, ticker: str) -> ExchangeOrder | None:
        return self._client.get_order(OrderPlace(order_id, ticker))

    def settlements(self, since: datetime) -> Reading[ExchangeSettlement] | None:
        try:
            return self._client.get_settlements(since)
        except OutsideError as error:
            logger.warning("settlements could not be read", extra={"why": str(error)})
            return None

    def _by_name(
        self, round_: "_Round", listed: Reading[ExchangeOrder], open_orders: Iterable[Order]
    ) -> list[ExchangeOrder] | None:
        """Open orders of ours that no list shows, asked for one by one; None when one could not be asked for."""
        shown = {order.order_id for order in listed}
        found: list[ExchangeOrder] = []
        for order in open_orders:
            name = order.kalshi_order_id
            if name is None or name in shown:
                continue
            try:
                one = self.find_order(name, order.market_ticker)
            except OutsideError as error:
                round_.failed(f"order {name}", error)
                return None
            if one is not None:
                found.append(one)
        return found


class _Round:
    """Calls side by side, whose failures are collected."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self.faults: list[str] = []
        self.auth_refused = ""

    def start(self, what: str, call: Callable[[], Got]) -> Callable[[], Got | None]:
        """Begin a call; what comes back waits for it and is None when it failed."""
        future = self._pool.submit(call)

        def result() -> Got | None:
            try:
                return future.result()
            except OutsideError as error:
                self.failed(what, error)
                return None

        return result

    def failed(self, what: str, error: OutsideError) -> None:
        self.faults.append(f"{what}: {error}")
        logger.warning("the account could not be read", extra={"what": what, "why": str(error)})
        if isinstance(error, Refused) and error.status in _AUTH_STATUSES and error.code != CLOCK_CODE:
            self.auth_refused = str(error)


def _nothing_read(round_: _Round) -> AccountReading:
    """Where the first calls fail the others will, and each would take its whole time for it."""
    return AccountReading(
        complete_until=None,
        orders=Reading(()),
        fills=Reading(()),
        positions=None,
        balance=None,
        faults=tuple(round_.faults),
        auth_refused=round_.auth_refused,
    )


def _joined(
    first: Reading[Row] | None, second: Reading[Row] | None, name: Callable[[Row], str]
) -> Reading[Row]:
    """Rows of both, each once; the later reading's word stands."""
    rows = {name(row): row for reading in (first, second) if reading is not None for row in reading}
    return Reading(
        tuple(rows.values()),
        tuple(fault for reading in (first, second) if reading is not None for fault in reading.faults),
    )


def _cash(balance: ExchangeBalance | None) -> Decimal | None:
    return balance.available if balance is not None else None


def _names(fills: Reading[ExchangeFill] | None) -> frozenset[str] | None:
    return frozenset(fill.fill_id for fill in fills) if fills is not None else None


def _whole(round_: _Round, positions: Reading[ExchangePosition] | None) -> Reading[ExchangePosition] | None:
    """Positions only if every one could be read: a missing row would read as a holding of zero."""
    if positions is not None and not positions.is_complete:
        round_.faults.append(f"positions: {positions.faults[0].text}")
        return None
    return positions
