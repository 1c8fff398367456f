"""What a request costs, and the token buckets of an account's tier that pay for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sandbox.kalshi.wire import JsonObject

Budget = Literal["read", "write"]

DEFAULT_COST: Final = 10
SAVED_S: Final = 3
ORDERS: Final = "/trade-api/v2/portfolio/events/orders"
OTHER_COSTS: Final = {
    ("DELETE", ORDERS): 2,
    ("DELETE", f"{ORDERS}/:order_id"): 2,
    ("DELETE", f"{ORDERS}/batched"): 2,
    ("GET", "/trade-api/v2/portfolio/orders/:order_id"): 2,
}
NOT_IDS: Final = frozenset({"batched", "queue_positions"})


@dataclass(frozen=True, slots=True)
class Tier:
    """A usage tier: tokens a second for reads and writes. Three seconds of them can be saved, of Basic's writes one."""

    name: str
    read: int
    write: int

    def rate(self, budget: Budget) -> int:
        """Tokens a second."""
        return self.read if budget == "read" else self.write

    def capacity(self, budget: Budget) -> int:
        """Tokens that can be saved up."""
        return self.rate(budget) * (1 if self is BASIC and budget == "write" else SAVED_S)


BASIC: Final = Tier("basic", 200, 100)
ADVANCED: Final = Tier("advanced", 300, 300)
TIERS: Final = {
    tier.name: tier
    for tier in (
        BASIC,
        ADVANCED,
        Tier("expert", 600, 600),
        Tier("premier", 1200, 1200),
        Tier("paragon", 2400, 2400),
        Tier("prime", 4800, 4800),
        Tier("prestige", 12_000, 9600),
    )
}
USUAL_TIER: Final = ADVANCED
"""Basic's ten orders a second stop a program that walks through the exchange without pausing for breath."""


def cost_of(method: str, path: str) -> int:
    """Tokens for one request, or for one item of a batch."""
    folder, _, last = path.rpartition("/")
    by_id = None if last in NOT_IDS else OTHER_COSTS.get((method, f"{folder}/:order_id"))
    return OTHER_COSTS.get((method, path)) or by_id or DEFAULT_COST


def endpoint_costs_json() -> JsonObject:
    """`GET /account/endpoint_costs`."""
    costs = [{"method": method, "path": path, "cost": cost} for (method, path), cost in OTHER_COSTS.items()]
    return {"default_cost": DEFAULT_COST, "endpoint_costs": costs}


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
    """A read and a write bucket of `tier` for every account; nothing is refused without a tier."""

    def __init__(self, tier: Tier | None) -> None:
        self._tier = tier
        self._buckets: dict[tuple[str, Budget], TokenBucket] = {}

    def pays(self, key_id: str, budget: Budget, cost: int, now: datetime) -> bool:
        """Whether the account can afford `cost` tokens now; takes them if so. `now` is the machine's time."""
        tier = self._tier
        if tier is None:
            return True
        bucket = self._buckets.get((key_id, budget))
        if bucket is None:
            capacity = tier.capacity(budget)
            bucket = TokenBucket(tier.rate(budget), capacity, capacity, now)
            self._buckets[key_id, budget] = bucket
        return bucket.pays(cost, now)

    def as_json(self) -> JsonObject:
        """`GET /account/limits`; an exchange that refuses nothing claims the highest tier."""
        tier = self._tier or TIERS["prestige"]
        budgets: tuple[Budget, ...] = ("read", "write")
        sizes = {
            budget: {"refill_rate": tier.rate(budget), "bucket_capacity": tier.capacity(budget)}
            for budget in budgets
        }
        return {"usage_tier": tier.name, "grants": []} | sizes
