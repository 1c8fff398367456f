"""Exact fees in Decimal dollars (fee schedule; kalshi-api.md 8, probability-and-sizing.md 5.1).

Trade fee = rate x multiplier x C x P x (1 - P), rounded up to $0.0001 per fill. The balance then moves in steps of the
account's precision; what that rounding takes is collected per order and paid back a cent at a time.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final

from pydantic import BaseModel, ConfigDict

from markets.domain.types import FeeSchedule, FeeType
from milkbot.core.money import CENT, CENTICENT, ONE, ZERO, ceil_to, floor_to

TAKER_RATE: Final = Decimal("0.07")
MAKER_RATE: Final = Decimal("0.0175")

DIRECT_PRECISION: Final = CENTICENT
"""Balance step of a direct member; accounts held through a broker move in whole cents."""


class FillFee(BaseModel):
    """What one fill costs and how it moves the order's rounding account. All in dollars.

    `balance_change` is before the rebate; `net_fee` = trade_fee + rounding_fee - rebate.
    """

    model_config = ConfigDict(frozen=True)

    trade_fee: Decimal
    rounding_fee: Decimal
    rebate: Decimal
    net_fee: Decimal
    accumulator_after: Decimal
    balance_change: Decimal


class FillCharge(BaseModel):
    """A fill as the rounding sees it: `revenue` is what the trade itself pays (negative when buying)."""

    model_config = ConfigDict(frozen=True)

    revenue: Decimal
    trade_fee: Decimal


def raw_fee(schedule: FeeSchedule, count: Decimal, price: Decimal, *, is_taker: bool) -> Decimal:
    """The fee before any rounding. Makers pay only where the schedule says so.

    Raises ValueError for a price outside 0-1 or a negative count.
    """
    return _charged(_rate(schedule, is_taker=is_taker), count, price)


def trade_fee(schedule: FeeSchedule, count: Decimal, price: Decimal, *, is_taker: bool) -> Decimal:
    """The fee of one fill of `count` contracts at `price`, rounded up to $0.0001: what a direct member pays."""
    return _rounded_up(_rate(schedule, is_taker=is_taker), count, price, CENTICENT)


def worst_case_fee(schedule: FeeSchedule, count: Decimal, price: Decimal, *, is_taker: bool) -> Decimal:
    """The fee rounded up to the next whole cent: for budget caps, whatever the account's precision."""
    return _rounded_up(_rate(schedule, is_taker=is_taker), count, price, CENT)


def costs_of_one(schedule: FeeSchedule, price: Decimal, *, is_taker: bool) -> tuple[Decimal, Decimal]:
    """One contract at `price` with its exact fee, and with its fee rounded up to the next whole cent."""
    exact, most = _fees_of_one(_rate(schedule, is_taker=is_taker), price)
    return price + exact, price + most


def _rate(schedule: FeeSchedule, *, is_taker: bool) -> Decimal:
    if is_taker:
        return TAKER_RATE * schedule.multiplier
    makers_pay = schedule.fee_type is FeeType.QUADRATIC_WITH_MAKER_FEES
    return MAKER_RATE * schedule.multiplier if makers_pay else ZERO


def _charged(rate: Decimal, count: Decimal, price: Decimal) -> Decimal:
    if not ZERO <= price <= ONE or count < ZERO:
        raise ValueError(f"no fee for {count} contracts at {price}")
    return rate * count * price * (ONE - price)


@lru_cache(maxsize=10_000)
def _fees_of_one(rate: Decimal, price: Decimal) -> tuple[Decimal, Decimal]:
    """Kept: every decision asks for them, at the same hundred prices."""
    return _rounded_up(rate, ONE, price, CENTICENT), _rounded_up(rate, ONE, price, CENT)


def _rounded_up(rate: Decimal, count: Decimal, price: Decimal, step: Decimal) -> Decimal:
    return ceil_to(_charged(rate, count, price), step)


def fill_fee(accumulator: Decimal, charge: FillCharge, precision: Decimal = DIRECT_PRECISION) -> FillFee:
    """Fees of the next fill of an order whose rounding account stands at `accumulator`.

    The balance change is floored (toward -infinity) to `precision`. Once the account exceeds one cent, whole cents are
    paid back, but never more than the fill itself was charged: a net fee is not below 0 (kalshi-api.md 8). "Exceeds"
    is read strictly, as the published examples do.
    """
    balance_change = floor_to(charge.revenue - charge.trade_fee, precision)
    rounding_fee = charge.revenue - charge.trade_fee - balance_change
    charged = charge.trade_fee + rounding_fee
    collected = accumulator + rounding_fee
    rebate = floor_to(min(collected, charged), CENT) if collected > CENT else ZERO
    return FillFee(
        trade_fee=charge.trade_fee,
        rounding_fee=rounding_fee,
        rebate=rebate,
        net_fee=charged - rebate,
        accumulator_after=collected - rebate,
        balance_change=balance_change,
    )


def order_fees(charges: Iterable[FillCharge], precision: Decimal = DIRECT_PRECISION) -> tuple[FillFee, ...]:
    """Fees of all fills of one order, in the order they happened, taker and maker alike."""
    accumulator, fees = ZERO, []
    for charge in charges:
        fees.append(fill_fee(accumulator, charge, precision))
        accumulator = fees[-1].accumulator_after
    return tuple(fees)


def total_net_fee(fees: Sequence[FillFee]) -> Decimal:
    """What an order cost in fees."""
    return sum((fee.net_fee for fee in fees), ZERO)
