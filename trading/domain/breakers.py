"""Breakers: which facts stop which part of trading, and who may start it again (design 6). Pure.

A lock holds its scope. One whose cause passes by itself ends when the cause has been gone for three cycles in a row; any
other waits for a person. A breaker that halts also turns the trading switch of the mode, which only a person turns back.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from milkbot.core.constants import DAILY_LOSS_LIMIT
from milkbot.core.money import ZERO
from trading.domain.inputs import EVERYWHERE
from trading.domain.types import Order, OrderState

CLEAN_CYCLES: Final = 3
"""In a row without the cause, before a lock that ends by itself ends."""
MOST_REJECTS: Final = 5
REJECT_WINDOW: Final = timedelta(minutes=10)
MOST_SKEW_S: Final = 3.0
"""Beyond this the exchange begins to refuse signatures (kalshi-api.md 1)."""
UNKNOWN_TERM: Final = timedelta(minutes=15)
"""From when we lost sight of it. Where the account can be read, evidence ends an order well before: its request dies in a
minute, its rest in a few."""


class Breaker(StrEnum):
    WEATHER_STALE = "WEATHER_STALE"
    PRICES_STALE = "PRICES_STALE"
    CLOCK_SKEW = "CLOCK_SKEW"
    REJECT_RATE = "REJECT_RATE"
    DAILY_LOSS = "DAILY_LOSS"
    POSITION_DRIFT = "POSITION_DRIFT"
    OVERFILL = "OVERFILL"
    ORDER_UNKNOWN = "ORDER_UNKNOWN"
    AUTH_REFUSED = "AUTH_REFUSED"
    ENDPOINT_RETIRED = "ENDPOINT_RETIRED"


class Rule(NamedTuple):
    """What a breaker does. One caused by our own trading is a trading figure and obeys the public delay."""

    halts: bool
    needs_person: bool
    from_own_trading: bool


RULES: Final[Mapping[Breaker, Rule]] = MappingProxyType(
    {
        Breaker.WEATHER_STALE: Rule(halts=False, needs_person=False, from_own_trading=False),
        Breaker.PRICES_STALE: Rule(halts=False, needs_person=False, from_own_trading=False),
        Breaker.CLOCK_SKEW: Rule(halts=False, needs_person=False, from_own_trading=False),
        Breaker.REJECT_RATE: Rule(halts=False, needs_person=True, from_own_trading=True),
        Breaker.DAILY_LOSS: Rule(halts=True, needs_person=True, from_own_trading=True),
        Breaker.POSITION_DRIFT: Rule(halts=True, needs_person=True, from_own_trading=True),
        Breaker.OVERFILL: Rule(halts=True, needs_person=True, from_own_trading=True),
        Breaker.ORDER_UNKNOWN: Rule(halts=True, needs_person=True, from_own_trading=True),
        Breaker.AUTH_REFUSED: Rule(halts=True, needs_person=True, from_own_trading=True),
        Breaker.ENDPOINT_RETIRED: Rule(halts=True, needs_person=True, from_own_trading=True),
    }
)


class Trip(NamedTuple):
    """A breaker that must hold `scope` (a city code, an event ticker, or EVERYWHERE), and why in words."""

    breaker: Breaker
    message: str
    scope: str = EVERYWHERE


class Facts(BaseModel):
    """What a cycle knows when it asks whether it may trade. Dollars; ages as of the cycle's time.

    What an answer or a reading of the account shows (drift, overfill, a refused key, a retired endpoint) trips its breaker
    on the spot and is no part of these.
    """

    model_config = ConfigDict(frozen=True)

    stale_weather: Mapping[str, str] = {}
    """City code to what is wrong with its weather."""
    stale_prices: Mapping[str, str] = {}
    skew_s: float | None = None
    rejects: int = 0
    """Orders rejected within REJECT_WINDOW."""
    day_pnl: Decimal = ZERO
    """Realized and unrealized, net of fees, since the day began or a person reset the breaker."""
    overdue: tuple[str, ...] = ()
    """Orders whose fate has been unknown for longer than UNKNOWN_TERM, in words."""


def trips(facts: Facts, *, loss_limit: Decimal = DAILY_LOSS_LIMIT) -> tuple[Trip, ...]:
    """Every breaker these facts trip."""
    return (
        *(Trip(Breaker.WEATHER_STALE, why, city) for city, why in facts.stale_weather.items()),
        *(Trip(Breaker.PRICES_STALE, why, city) for city, why in facts.stale_prices.items()),
        *check_skew(facts.skew_s),
        *check_rejects(facts.rejects),
        *check_daily_loss(facts.day_pnl, loss_limit),
        *_named(Breaker.ORDER_UNKNOWN, facts.overdue),
    )


def check_skew(skew_s: float | None) -> tuple[Trip, ...]:
    """The machine's clock against the exchange's, in seconds; unknown is no reason to stop."""
    if skew_s is None or abs(skew_s) <= MOST_SKEW_S:
        return ()
    return (Trip(Breaker.CLOCK_SKEW, f"the exchange's clock is {skew_s:+.0f} s from ours: set ours by NTP"),)


def check_rejects(rejects: int) -> tuple[Trip, ...]:
    """Too many refused orders in the window: something of ours is systematically wrong."""
    if rejects < MOST_REJECTS:
        return ()
    minutes = REJECT_WINDOW // timedelta(minutes=1)
    return (Trip(Breaker.REJECT_RATE, f"{rejects} orders rejected within {minutes} minutes"),)


def check_daily_loss(day_pnl: Decimal, limit: Decimal = DAILY_LOSS_LIMIT) -> tuple[Trip, ...]:
    """A loss of `limit` dollars or more since the day began."""
    if -day_pnl < limit:
        return ()
    return (Trip(Breaker.DAILY_LOSS, f"lost ${-day_pnl:.2f} today, the limit is ${limit:.0f}"),)


def is_overdue(order: Order, age: timedelta) -> bool:
    """Whether an order has been UNKNOWN for longer than any evidence should take."""
    return order.state is OrderState.UNKNOWN and age > UNKNOWN_TERM


def _named(breaker: Breaker, causes: Iterable[str]) -> tuple[Trip, ...]:
    """One trip that names the first few causes; none without a cause."""
    found = tuple(causes)
    if not found:
        return ()
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return (Trip(breaker, "; ".join(found[:3]) + more),)
