"""Caps on what can be lost. They count the worst case: positions at cost plus every order that may still fill."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from milkbot.core.money import ZERO
from trading.domain.policy import Limits
from trading.domain.types import ReasonCode


class MarketPlace(NamedTuple):
    """Where a market belongs, for adding up exposure."""

    event_ticker: str
    city_code: str
    cluster: str


class Exposure(BaseModel):
    """Dollars at risk by scope, and the markets in which something is held or may be."""

    model_config = ConfigDict(frozen=True)

    by_event: Mapping[str, Decimal] = {}
    by_city: Mapping[str, Decimal] = {}
    by_cluster: Mapping[str, Decimal] = {}
    total: Decimal = ZERO
    markets: frozenset[str] = frozenset()

    def plus(self, ticker: str, place: MarketPlace, amount: Decimal) -> "Exposure":
        """Exposure after `amount` more dollars at risk in one market."""
        return Exposure(
            by_event={
                **self.by_event,
                place.event_ticker: self.by_event.get(place.event_ticker, ZERO) + amount,
            },
            by_city={**self.by_city, place.city_code: self.by_city.get(place.city_code, ZERO) + amount},
            by_cluster={**self.by_cluster, place.cluster: self.by_cluster.get(place.cluster, ZERO) + amount},
            total=self.total + amount,
            markets=self.markets | {ticker},
        )


class Holding(NamedTuple):
    """Something at risk: a position at cost, or the unfilled part of an open order at its worst price and fee."""

    market_ticker: str
    place: MarketPlace
    at_risk: Decimal


@dataclass(frozen=True, slots=True)
class Allowance:
    """Contracts a cap leaves, and the cap that bound (None when none did)."""

    count: Decimal
    bound_by: ReasonCode | None


def add_up(holdings: Iterable[Holding]) -> Exposure:
    exposure = Exposure()
    for holding in holdings:
        exposure = exposure.plus(holding.market_ticker, holding.place, holding.at_risk)
    return exposure


def allow(
    count: Decimal,
    cost: Decimal,
    *,
    ticker: str,
    place: MarketPlace,
    exposure: Exposure,
    limits: Limits,
    cash: Decimal,
    bankroll: Decimal,
) -> Allowance:
    """The largest whole count within every cap. `cost` is the worst case of one contract including its fee.

    The cap named is the tightest one; ties go to the narrowest scope.
    """
    if ticker not in exposure.markets and len(exposure.markets) >= limits.max_positions:
        return Allowance(ZERO, ReasonCode.CAP_POSITIONS)
    total_cap = min(limits.total, limits.total_share_of_bankroll * bankroll)
    rooms = (
        (limits.per_trade, ReasonCode.CAP_TRADE),
        (limits.per_event - exposure.by_event.get(place.event_ticker, ZERO), ReasonCode.CAP_EVENT),
        (limits.per_city - exposure.by_city.get(place.city_code, ZERO), ReasonCode.CAP_CITY),
        (limits.per_cluster - exposure.by_cluster.get(place.cluster, ZERO), ReasonCode.CAP_CLUSTER),
        (total_cap - exposure.total, ReasonCode.CAP_TOTAL),
        (cash, ReasonCode.CAP_CASH),
    )
    room, code = min(rooms, key=lambda pair: pair[0])
    affordable = max(room / cost, ZERO).quantize(Decimal(1), ROUND_DOWN)
    return Allowance(affordable, code) if affordable < count else Allowance(count, None)
