"""Our books against the exchange's: pure comparisons. What differs is named, never silently corrected."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from markets.domain.account_types import (
    ExchangeBalance,
    ExchangeFill,
    ExchangeOrder,
    ExchangePosition,
    Reading,
)
from markets.domain.sides import BookSide
from milkbot.core.money import ONE, ZERO
from trading.domain.evidence import Shown, Sighting
from trading.domain.types import Order


class AccountReading(NamedTuple):
    """The account at the exchange, as one round of reading found it.

    `complete_until`: every order and fill up to then is in the lists; None when a list could not be read to its end.
    `positions` and `balance` are None when they could not be read. `faults` says in words what failed, `auth_refused`
    that the exchange no longer takes our key; empty when it does.
    """

    complete_until: datetime | None
    orders: Reading[ExchangeOrder]
    fills: Reading[ExchangeFill]
    positions: Reading[ExchangePosition] | None
    balance: ExchangeBalance | None
    faults: tuple[str, ...] = ()
    auth_refused: str = ""


class Difference(NamedTuple):
    """One figure on which the exchange and we disagree."""

    what: str
    where: str
    ours: Decimal
    theirs: Decimal

    @property
    def change(self) -> Decimal:
        """By what theirs is more than ours."""
        return self.theirs - self.ours

    @property
    def words(self) -> str:
        return f"{self.where}: ours {self.ours.normalize():f}, theirs {self.theirs.normalize():f}"

    def as_json(self) -> dict[str, Any]:
        return {"what": self.what, "where": self.where, "ours": str(self.ours), "theirs": str(self.theirs)}


POSITION = "position"
CASH = "cash"
ACCOUNT = "account"
"""Where cash differs while orders hold none of it."""


class ListedOrders(NamedTuple):
    """The exchange's list of orders, by its name and by the client order id each carries."""

    by_name: Mapping[str, ExchangeOrder]
    by_client_id: Mapping[str, ExchangeOrder]

    def sighting_of(self, order: Order, complete_until: datetime | None) -> Sighting:
        """What is known of one order of ours, found by its name at the exchange or by our own id for it."""
        listed = self.by_name.get(order.kalshi_order_id or "") or self.by_client_id.get(
            str(order.client_order_id)
        )
        if listed is None:
            return Sighting(None, order.filled_count, complete_until)
        shown = Shown(listed.order_id, listed.may_still_fill, listed.filled_count, listed.initial_count)
        return Sighting(shown, order.filled_count, complete_until)


def list_orders(orders: Iterable[ExchangeOrder]) -> ListedOrders:
    """Of two rows that say the same name the first stands."""
    rows = tuple(orders)[::-1]
    return ListedOrders({row.order_id: row for row in rows}, {row.client_order_id: row for row in rows})


def compare_positions(
    ours: Mapping[str, Decimal], theirs: Iterable[ExchangePosition], known_tickers: Iterable[str]
) -> tuple[Difference, ...]:
    """Markets of ours in which the holdings differ, by ticker. A market missing on either side is a holding of zero."""
    held = {position.ticker: position.count for position in theirs}
    tickers = sorted({*ours, *(ticker for ticker in known_tickers if ticker in held)})
    return tuple(
        Difference(POSITION, ticker, ours.get(ticker, ZERO), held.get(ticker, ZERO))
        for ticker in tickers
        if ours.get(ticker, ZERO) != held.get(ticker, ZERO)
    )


def collateral(orders: Iterable[ExchangeOrder], positions: Iterable[ExchangePosition]) -> Decimal:
    """Dollars that resting orders keep from the available balance: what opens costs its price, what closes nothing.

    Of several orders that would close the same contracts, the first to fill are free. kalshi-api.md 3.5 says that resting
    orders hold collateral, not how much: neither the order among several nor a reserve for fees is stated anywhere.
    """
    closable = {position.ticker: position.count for position in positions}
    total = ZERO
    for order in sorted(orders, key=_first_to_fill):
        if not order.may_still_fill:
            continue
        sign = -1 if order.book_side is BookSide.BID else 1
        held = closable.get(order.ticker, ZERO)
        closing = min(order.remaining_count, max(sign * held, ZERO))
        closable[order.ticker] = held - sign * closing
        price = order.yes_price if order.book_side is BookSide.BID else ONE - order.yes_price
        total += (order.remaining_count - closing) * price
    return total


def compare_cash(ledger: Decimal, balance: ExchangeBalance, held: Decimal) -> tuple[Difference, ...]:
    """Cash by our ledger against the available balance and what resting orders hold besides.

    What is held is part of where they differ: the same difference beside another amount does not come from it.
    """
    theirs = balance.available + held
    if ledger == theirs:
        return ()
    where = f"{ACCOUNT} beside {held.normalize():f} held by orders" if held else ACCOUNT
    return (Difference(CASH, where, ledger, theirs),)


def has_stood(seen: Sequence[datetime], rounds: int, apart: timedelta) -> bool:
    """Whether a difference that was `seen` in a row then, the latest first, was so in at least that many `rounds`, and for
    as long as they last when they are that far `apart`.
    """
    return len(seen) >= rounds and seen[0] - seen[-1] >= (rounds - 1) * apart


def _first_to_fill(order: ExchangeOrder) -> Decimal:
    """Sorts the orders of each side of a book, the best price first."""
    return -order.yes_price if order.book_side is BookSide.BID else order.yes_price
