"""The exchange of the sandbox: one instance holds every account. Not safe for threads; the caller serialises calls.

`at` is the instant of a command and never runs backwards: an earlier one counts as the latest seen.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.exchange.fees import FeeSchedule, QUADRATIC
from sandbox.exchange.types import (
    Amended,
    AmendRequest,
    Balance,
    Canceled,
    Decreased,
    EventPosition,
    ExchangeEvent,
    Fill,
    MarketLife,
    Order,
    OrderRequest,
    Outcome,
    PauseKind,
    Placed,
    Position,
    Settlement,
)
from sandbox.feeds import MarketFeed


def quadratic(_series_ticker: str) -> FeeSchedule:
    """Takers pay 7 %, makers nothing."""
    return QUADRATIC


class Exchange:
    """Every refusal is raised as `Refusal`; `fees` tells the schedule of a series, `seed` makes ids repeatable."""

    def __init__(
        self,
        feed: MarketFeed,
        accounts: Mapping[str, Decimal],
        *,
        now: datetime,
        fees: Callable[[str], FeeSchedule] = quadratic,
        seed: int = 0,
    ) -> None: ...

    @classmethod
    def restore(
        cls, state: dict[str, Any], feed: MarketFeed, *, fees: Callable[[str], FeeSchedule] = quadratic
    ) -> "Exchange":
        """The exchange that `dump` described, over the same world."""
        ...

    def dump(self) -> dict[str, Any]:
        """The complete state, fit for JSON; events not drained yet are not in it."""
        ...

    def advance(self, until: datetime) -> None: ...
    def create(self, account: str, request: OrderRequest, at: datetime) -> Placed: ...
    def cancel(self, account: str, order_id: str, at: datetime) -> Canceled: ...
    def cancel_all(self, account: str, at: datetime) -> list[Canceled]: ...
    def amend(self, account: str, order_id: str, request: AmendRequest, at: datetime) -> Amended: ...
    def decrease(
        self,
        account: str,
        order_id: str,
        at: datetime,
        *,
        reduce_by: Decimal | None = None,
        reduce_to: Decimal | None = None,
    ) -> Decreased: ...

    def order(self, account: str, order_id: str) -> Order: ...
    def orders(self, account: str) -> Sequence[Order]: ...
    def fills(self, account: str) -> Sequence[Fill]: ...
    def positions(self, account: str) -> Sequence[Position]: ...
    def event_positions(self, account: str) -> Sequence[EventPosition]: ...
    def settlements(self, account: str) -> Sequence[Settlement]: ...
    def balance(self, account: str) -> Balance: ...
    def queue_position(self, account: str, order_id: str) -> Decimal: ...
    def life(self, ticker: str) -> MarketLife: ...
    def paused(self) -> PauseKind | None: ...

    def pause(self, at: datetime, kind: PauseKind = "trading") -> None: ...
    def resume(self, at: datetime) -> None: ...
    def close(self, ticker: str, at: datetime) -> None: ...
    def determine(self, ticker: str, result: Outcome, at: datetime) -> None: ...
    def finalize(self, ticker: str, at: datetime) -> None: ...
    def drain_events(self) -> list[ExchangeEvent]: ...
