"""Which prices an order may carry. `price_ranges` is the only truth; a market may be moved to a finer grid any time.

0 and 1 bound the grid but are no prices. All prices are dollars on the YES book.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from markets.domain.types import PriceRange
from milkbot.core.money import ONE, ZERO

Ranges = Sequence[PriceRange]


def is_legal(ranges: Ranges, price: Decimal) -> bool:
    """Whether an order may carry `price`."""
    return floor_to_grid(ranges, price) == price


def floor_to_grid(ranges: Ranges, price: Decimal) -> Decimal | None:
    """The highest legal price at or below `price`; None if there is none."""
    return max(
        (t for r in ranges if (t := _at_most(r, _steps(r, price, ROUND_FLOOR))) is not None), default=None
    )


def ceil_to_grid(ranges: Ranges, price: Decimal) -> Decimal | None:
    """The lowest legal price at or above `price`; None if there is none."""
    return min(
        (t for r in ranges if (t := _at_least(r, _steps(r, price, ROUND_CEILING))) is not None), default=None
    )


def next_tick_down(ranges: Ranges, price: Decimal) -> Decimal | None:
    """The highest legal price strictly below `price`; None if there is none."""
    return max(
        (t for r in ranges if (t := _at_most(r, _steps(r, price, ROUND_CEILING) - 1)) is not None),
        default=None,
    )


def next_tick_up(ranges: Ranges, price: Decimal) -> Decimal | None:
    """The lowest legal price strictly above `price`; None if there is none."""
    return min(
        (t for r in ranges if (t := _at_least(r, _steps(r, price, ROUND_FLOOR) + 1)) is not None),
        default=None,
    )


def _steps(price_range: PriceRange, price: Decimal, rounding: str) -> int:
    return int(((price - price_range.start) / price_range.step).to_integral_value(rounding))


def _bounds(price_range: PriceRange) -> tuple[int, int]:
    """First and last step of the range whose price is strictly between 0 and 1."""
    first = 1 if price_range.start == ZERO else 0
    last = _steps(price_range, price_range.end, ROUND_FLOOR)
    if price_range.start + last * price_range.step == ONE:
        last -= 1
    return first, last


def _at_most(price_range: PriceRange, steps: int) -> Decimal | None:
    first, last = _bounds(price_range)
    chosen = min(steps, last)
    return price_range.start + chosen * price_range.step if chosen >= first else None


def _at_least(price_range: PriceRange, steps: int) -> Decimal | None:
    first, last = _bounds(price_range)
    chosen = max(steps, first)
    return price_range.start + chosen * price_range.step if chosen <= last else None
