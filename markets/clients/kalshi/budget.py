"""Keeps calls within the account's token buckets, so that a cancel never queues behind our own orders.

Kalshi meters reads and writes apart, in tokens a second, and tells no level: we keep count ourselves (kalshi-api.md 5).
"""

import re
import time
from collections.abc import Callable
from decimal import Decimal
from threading import Lock
from typing import Final

from markets.clients.kalshi.errors import SOURCE, Unsent
from markets.domain.account_types import AccountLimits, Bucket, EndpointCost, EndpointCosts
from milkbot.core import clock

API_ROOT: Final = "/trade-api/v2"
BASIC: Final = AccountLimits(
    usage_tier="basic",
    read=Bucket(refill_per_s=Decimal(200), capacity=Decimal(200)),
    write=Bucket(refill_per_s=Decimal(100), capacity=Decimal(100)),
)
"""Every account has at least this."""
USUAL_COSTS: Final = EndpointCosts(
    default_cost=10,
    exceptions=(
        EndpointCost(method="DELETE", path="/portfolio/events/orders", cost=2),
        EndpointCost(method="DELETE", path="/portfolio/events/orders/batched", cost=2),
        EndpointCost(method="DELETE", path="/portfolio/events/orders/:order_id", cost=2),
        EndpointCost(method="GET", path="/portfolio/orders/:order_id", cost=2),
    ),
)
_LIKE_AN_ORDER_ID: Final = frozenset({"/portfolio/orders/queue_positions"})
"""A path of its own that the pattern of a single order would claim at the lower cost."""

RESERVE_SHARE: Final = 0.2
"""Part of the write bucket that only cancels and decreases may use."""
READ_WAIT_S: Final = 10.0
CANCEL_WAIT_S: Final = 5.0
ORDER_WAIT_S: Final = 1.0
"""An order is decided on prices of now: rather none than a late one."""


class TokenBudget:
    """Counts tokens as the exchange does. Safe to use from several threads.

    `monotonic` and `sleep` are seconds. Starts from the tier everybody has; `adopt` takes over what the account's own
    answers say.
    """

    def __init__(
        self,
        limits: AccountLimits = BASIC,
        costs: EndpointCosts = USUAL_COSTS,
        *,
        monotonic: Callable[[], float] = clock.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._begin(limits, costs)

    def adopt(self, limits: AccountLimits, costs: EndpointCosts) -> None:
        """Count by what the exchange told from now on, beginning with full buckets, none smaller than everybody's."""
        told = {"read": _at_least(BASIC.read, limits.read), "write": _at_least(BASIC.write, limits.write)}
        self._begin(limits.model_copy(update=told), costs)

    def _begin(self, limits: AccountLimits, costs: EndpointCosts) -> None:
        self._costs = _CostTable(costs)
        now = self._monotonic()
        self._read, self._write = _Tokens(limits.read, now), _Tokens(limits.write, now)

    def spend(self, method: str, path: str, items: int = 1) -> None:
        """Wait until the call fits, and take its tokens; `items` is what a batch is billed for.

        Raises Unsent when it never fits, or not soon: after 10 s for reads, 5 s for cancels, 1 s for orders.
        """
        tokens, reserve, patience_s = self._terms(method, path)
        cost: float = self._costs.cost_of(method, path) * items
        if items == 1:
            cost = min(
                cost, tokens.capacity - reserve
            )  # A price that cannot be is no reason never to cancel.
        if cost + reserve > tokens.capacity:
            raise Unsent(
                SOURCE, f"{method} {path} costs {cost:.0f} tokens; a bucket holds {tokens.capacity:.0f}"
            )
        give_up_at = self._monotonic() + patience_s
        while (wait_s := tokens.take(cost, reserve, self._monotonic())) > 0:
            if self._monotonic() + wait_s > give_up_at:
                raise Unsent(SOURCE, f"{method} {path} was kept back: the token bucket is empty")
            self._sleep(wait_s)

    def note_limit(self, method: str) -> None:
        """The exchange answered 429: its bucket is empty, whatever we thought."""
        (self._read if method == "GET" else self._write).drain(self._monotonic())

    def _terms(self, method: str, path: str) -> tuple["_Tokens", float, float]:
        if method == "GET":
            return self._read, 0.0, READ_WAIT_S
        if method == "DELETE" or path.endswith("/decrease"):
            return self._write, 0.0, CANCEL_WAIT_S
        return self._write, self._write.capacity * RESERVE_SHARE, ORDER_WAIT_S


def _at_least(floor: Bucket, told: Bucket) -> Bucket:
    return Bucket(
        refill_per_s=max(floor.refill_per_s, told.refill_per_s), capacity=max(floor.capacity, told.capacity)
    )


class _Tokens:
    """One bucket."""

    def __init__(self, bucket: Bucket, now: float) -> None:
        self.capacity = float(bucket.capacity)
        self._refill_per_s = float(bucket.refill_per_s)
        self._level = self.capacity
        self._at = now
        self._lock = Lock()

    def take(self, cost: float, reserve: float, now: float) -> float:
        """Take `cost` if that leaves `reserve`; else seconds until it may be worth asking again."""
        with self._lock:
            self._refill(now)
            missing = cost + reserve - self._level
            if missing > 1e-9:
                return missing / self._refill_per_s
            self._level -= cost
            return 0.0

    def drain(self, now: float) -> None:
        with self._lock:
            self._refill(now)
            self._level = 0.0

    def _refill(self, now: float) -> None:
        self._level = min(self.capacity, self._level + max(now - self._at, 0.0) * self._refill_per_s)
        self._at = now


class _CostTable:
    """What a call costs, by method and path. A literal path goes before one with names in it."""

    def __init__(self, costs: EndpointCosts) -> None:
        self._default = costs.default_cost
        self._patterns: dict[str, list[tuple[re.Pattern[str], int]]] = {}
        for exception in sorted(
            costs.exceptions, key=lambda cost: (":" in cost.path) + 2 * ("*" in cost.path)
        ):
            known = self._patterns.setdefault(exception.method, [])
            known.append((_pattern(exception.path), exception.cost))

    def cost_of(self, method: str, path: str) -> int:
        if path not in _LIKE_AN_ORDER_ID:
            for pattern, cost in self._patterns.get(method, ()):
                if pattern.fullmatch(path):
                    return cost
        return self._default


def _pattern(path: str) -> re.Pattern[str]:
    """`:name` stands for one segment, `*name` for all that follow."""
    segments = path.removeprefix(API_ROOT).split("/")
    return re.compile("/".join(_segment(segment) for segment in segments))


def _segment(segment: str) -> str:
    return {":": "[^/]+", "*": ".+"}.get(segment[:1]) or re.escape(segment)
