"""Legal prices, by brute force over every grid the exchange is known to use."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.domain.price_grid import ceil_to_grid, floor_to_grid, is_legal, next_tick_down, next_tick_up
from markets.domain.types import PriceRange

D = Decimal


def _grid(*ranges: tuple[str, str, str]) -> tuple[PriceRange, ...]:
    return tuple(PriceRange(start=D(start), end=D(end), step=D(step)) for start, end, step in ranges)


GRIDS = {
    "linear_cent": _grid(("0", "1", "0.01")),
    "deci_cent": _grid(("0", "1", "0.001")),
    "tapered": _grid(("0", "0.10", "0.001"), ("0.10", "0.90", "0.01"), ("0.90", "1", "0.001")),
}


def _legal_prices(name: str) -> list[Decimal]:
    prices = set()
    for price_range in GRIDS[name]:
        price = price_range.start
        while price <= price_range.end:
            prices.add(price)
            price += price_range.step
    return sorted(prices - {D(0), D(1)})


LEGAL = {name: _legal_prices(name) for name in GRIDS}


@given(
    name=st.sampled_from(sorted(GRIDS)),
    price=st.integers(-2_000, 12_000).map(lambda n: D(n) / 10_000),
)
def test_grid_functions_agree_with_the_list_of_legal_prices(name: str, price: Decimal) -> None:
    grid, legal = GRIDS[name], LEGAL[name]
    assert is_legal(grid, price) == (price in legal)
    assert floor_to_grid(grid, price) == max((p for p in legal if p <= price), default=None)
    assert ceil_to_grid(grid, price) == min((p for p in legal if p >= price), default=None)
    assert next_tick_down(grid, price) == max((p for p in legal if p < price), default=None)
    assert next_tick_up(grid, price) == min((p for p in legal if p > price), default=None)


@pytest.mark.parametrize("price", ["0", "1", "1.01", "-0.01", "0.005"])
def test_grid_of_whole_cents_refuses_what_is_no_price(price: str) -> None:
    assert not is_legal(GRIDS["linear_cent"], D(price))


def test_grid_without_ranges_has_no_legal_price() -> None:
    assert not is_legal((), D("0.50"))
    assert next_tick_up((), D("0.50")) is None
