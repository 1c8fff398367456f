"""What an account sees of itself, and when: the exchange's reads follow its matching engine about half a second behind."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sandbox.exchange.exchange import Exchange
from sandbox.exchange.types import EventPosition, Fill, Order, Position, Settlement


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account at one instant."""

    orders: Sequence[Order]
    fills: Sequence[Fill]
    positions: Sequence[Position]
    event_positions: Sequence[EventPosition]
    settlements: Sequence[Settlement]
    available: Decimal


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every account, by name, as of `at`."""

    at: datetime
    views: dict[str, AccountView]


class LaggingViews:
    """The snapshots that readers may still need, oldest first."""

    def __init__(self, first: Snapshot) -> None:
        self._snapshots = deque([first])

    def add(self, snapshot: Snapshot) -> None:
        """A later state; its instant is that of the earliest change it brings."""
        self._snapshots.append(snapshot)

    def view(self, account: str, as_of: datetime) -> AccountView:
        """The newest view that holds nothing younger than `as_of`, and everything older."""
        while len(self._snapshots) > 1 and self._snapshots[1].at <= as_of:
            self._snapshots.popleft()
        return self._snapshots[0].views[account]


def snapshot(exchange: Exchange, accounts: Iterable[str], at: datetime) -> Snapshot:
    """What the exchange knows of its accounts now, to be dated `at`."""
    return Snapshot(at, {account: _view(exchange, account) for account in accounts})


def _view(exchange: Exchange, account: str) -> AccountView:
    return AccountView(
        orders=tuple(exchange.orders(account)),
        fills=tuple(exchange.fills(account)),
        positions=tuple(exchange.positions(account)),
        event_positions=tuple(exchange.event_positions(account)),
        settlements=tuple(exchange.settlements(account)),
        available=exchange.available(account),
    )
