"""What a request costs, and the token buckets of the Basic tier that pay for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sandbox.kalshi.wire import JsonObject

Budget = Literal["read", "write"]

DEFAULT_COST: Final = 10
TIER: Final = "basic"
TOKENS_PER_SECOND: Final[dict[Budget, int]] = {"read": 200, "write": 100}
# Reads may save up three seconds of budget, the Basic tier's writes one.
CAPACITY: Final[dict[Budget, int]] = {"read": 600, "write": 100}
ORDERS: Final = "/trade-api/v2/portfolio/events/orders"
OTHER_COSTS: Final = {
    ("DELETE", ORDERS): 2,
    ("DELETE", f"{ORDERS}/:order_id"): 2,
    ("DELETE", f"{ORDERS}/batched"): 2,
    ("GET", "/trade-api/v2/portfolio/orders/:order_id"): 2,
}
NOT_IDS: Final = frozenset({"batched", "queue_positions"})


def cost_of(method: str, path: str) -> int:
    """Tokens for one request, or for one item of a batch."""
    folder, _, last = path.rpartition("/")
    by_id = None if last in NOT_IDS else OTHER_COSTS.get((method, f"{folder}/:order_id"))
    return OTHER_COSTS.get((method, path)) or by_id or DEFAULT_COST


def endpoint_costs_json() -> JsonObject:
    """`GET /account/endpoint_costs`."""
    costs = [{"method": method, "path": path, "cost": cost} for (method, path), cost in OTHER_COSTS.items()]
    return {"default_cost": DEFAULT_COST, "endpoint_costs": costs}


def limits_json() -> JsonObject:
    """`GET /account/limits`."""
    sizes = {
        name: {"refill_rate": rate, "bucket_capacity": CAPACITY[name]}
        for name, rate in TOKENS_PER_SECOND.items()
    }
    return {"usage_tier": TIER, "grants": []} | sizes


@dataclass(slots=True)
class TokenBucket:
    """Fills by `rate` tokens a second up to `capacity`."""

    rate: int
    capacity: int
    tokens: float
    filled_at: datetime

    def pays(self, cost: int, now: datetime) -> bool:
        """Take `cost` tokens if they are there; a request that is refused costs nothing."""
        elapsed_s = max((now - self.filled_at).total_seconds(), 0.0)
        self.tokens = min(self.capacity, self.tokens + elapsed_s * self.rate)
        self.filled_at = now
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True


class Budgets:
    """A read and a write bucket for every account; nothing is refused when `limited` is false."""

    def __init__(self, *, limited: bool) -> None:
        self._limited = limited
        self._buckets: dict[tuple[str, Budget], TokenBucket] = {}

    def pays(self, key_id: str, budget: Budget, cost: int, now: datetime) -> bool:
        """Whether the account can afford `cost` tokens now; takes them if so. `now` is the machine's time."""
        if not self._limited:
            return True
        bucket = self._buckets.get((key_id, budget))
        if bucket is None:
            capacity = CAPACITY[budget]
            bucket = TokenBucket(TOKENS_PER_SECOND[budget], capacity, capacity, now)
            self._buckets[key_id, budget] = bucket
        return bucket.pays(cost, now)
