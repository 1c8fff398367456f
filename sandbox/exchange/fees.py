"""Trading fees as of the fee schedule of 2026-02-05, rounded as for direct members."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, Literal

FeeType = Literal["quadratic", "quadratic_with_maker_fees"]

TAKER_RATE: Final = Decimal("0.07")
MAKER_RATE: Final = Decimal("0.0175")
FEE_STEP: Final = Decimal("0.0001")
DIRECT_PRECISION: Final = Decimal("0.0001")
CENT_PRECISION: Final = Decimal("0.01")
REBATE_STEP: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """`fee_type` and `fee_multiplier` of a series."""

    fee_type: FeeType = "quadratic"
    multiplier: Decimal = Decimal(1)

    def trade_fee(self, price: Decimal, count: Decimal, *, is_taker: bool) -> Decimal:
        """Dollars for one fill, rounded up to $0.0001."""
        if not is_taker and self.fee_type == "quadratic":
            return Decimal(0)
        rate = TAKER_RATE if is_taker else MAKER_RATE
        raw = self.multiplier * rate * count * price * (1 - price)
        return raw.quantize(FEE_STEP, ROUND_CEILING)


QUADRATIC: Final = FeeSchedule()


@dataclass(frozen=True, slots=True)
class ChargedFee:
    """What one fill costs beside its price, in dollars. `rounding_balance` is the order's accumulator after it;
    `balance_change` is before the rebate."""

    trade_fee: Decimal
    rounding_fee: Decimal
    rebate: Decimal
    balance_change: Decimal
    rounding_balance: Decimal

    @property
    def net(self) -> Decimal:
        """The `fee_cost` of the fill, never negative."""
        return self.trade_fee + self.rounding_fee - self.rebate


def charge(
    trade_fee: Decimal, proceeds: Decimal, rounding_balance: Decimal, precision: Decimal = DIRECT_PRECISION
) -> ChargedFee:
    """Floors the balance change of `proceeds` (negative for a purchase) less the fee to the account's precision.

    What flooring took gathers in the order's accumulator; once that exceeds a cent, whole cents go back, but never more
    than the fill itself was charged.
    """
    exact = proceeds - trade_fee
    balance_change = exact.quantize(precision, ROUND_FLOOR)
    rounding_fee = exact - balance_change
    gathered = rounding_balance + rounding_fee
    returnable = min(gathered, trade_fee + rounding_fee)
    rebate = returnable.quantize(REBATE_STEP, ROUND_FLOOR) if gathered > REBATE_STEP else Decimal(0)
    return ChargedFee(trade_fee, rounding_fee, rebate, balance_change, gathered - rebate)
