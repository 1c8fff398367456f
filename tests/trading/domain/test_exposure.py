"""Story 4.4's limits, each as it is asked for: open risk, city, cluster, one trade."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.domain.policy import Limits
from trading.domain.risk import Allowance, Exposure, Holding, MarketPlace, add_up, allow
from trading.domain.types import ReasonCode

NYC = MarketPlace("KXHIGHNY-26NOV21", "NYC", "NORTHEAST")
BOS = MarketPlace("KXHIGHBOS-26NOV21", "BOS", "NORTHEAST")
LAX = MarketPlace("KXHIGHLAX-26NOV21", "LAX", "CALIFORNIA")
WIDE = Limits(
    per_trade=Decimal(1000),
    per_event=Decimal(1000),
    per_city=Decimal(1000),
    per_cluster=Decimal(1000),
    total=Decimal(1000),
    total_share_of_bankroll=Decimal(1),
)


def may_buy(place: MarketPlace, exposure: Exposure, **limits: Decimal) -> Allowance:
    """What is left of 100 contracts at 50 cents."""
    return allow(
        Decimal(100),
        Decimal("0.50"),
        ticker="NEW",
        place=place,
        exposure=exposure,
        limits=WIDE.model_copy(update=limits),
        cash=Decimal(10_000),
        bankroll=Decimal(10_000),
    )


@pytest.mark.story("4.4", 1)
@given(cents=st.lists(st.integers(0, 100_000), max_size=9))
def test_open_risk_then_the_sum_of_what_is_at_risk_in_every_scope(cents: list[int]) -> None:
    places = (NYC, BOS, LAX)
    holdings = [Holding(f"T-{n}", places[n % 3], Decimal(each) / 100) for n, each in enumerate(cents)]

    exposure = add_up(holdings)

    assert exposure.total == Decimal(sum(cents)) / 100
    for by_scope in (exposure.by_event, exposure.by_city, exposure.by_cluster):
        assert sum(by_scope.values(), Decimal(0)) == exposure.total
    assert exposure.by_cluster.get("NORTHEAST", Decimal(0)) == exposure.by_city.get(
        "NYC", Decimal(0)
    ) + exposure.by_city.get("BOS", Decimal(0))


@pytest.mark.story("4.4", 2)
@pytest.mark.story("4.4", 5)
@pytest.mark.parametrize(
    ("place", "left", "code"), [(NYC, 10, ReasonCode.CAP_CITY), (BOS, 40, ReasonCode.CAP_CITY)]
)
def test_city_cap_then_binds_in_its_city_and_leaves_another_its_own(
    place: MarketPlace, left: int, code: ReasonCode
) -> None:
    held = add_up([Holding("HELD", NYC, Decimal(15))])

    assert may_buy(place, held, per_city=Decimal(20)) == Allowance(Decimal(left), code)


@pytest.mark.story("4.4", 3)
@pytest.mark.story("4.4", 5)
def test_cluster_cap_then_counts_its_cities_together_and_no_other() -> None:
    held = add_up([Holding("A", NYC, Decimal(10)), Holding("B", BOS, Decimal(5))])

    assert may_buy(BOS, held, per_cluster=Decimal(20)) == Allowance(Decimal(10), ReasonCode.CAP_CLUSTER)
    assert may_buy(LAX, held, per_cluster=Decimal(60)) == Allowance(Decimal(100), None)


@pytest.mark.story("4.4", 4)
@pytest.mark.story("4.4", 5)
@pytest.mark.parametrize(("cap", "left"), [("50", 100), ("49.99", 99), ("0.50", 1), ("0.49", 0)])
def test_trade_larger_than_its_cap_then_cut_to_what_fits(cap: str, left: int) -> None:
    allowance = may_buy(NYC, Exposure(), per_trade=Decimal(cap))

    assert allowance.count == left
    assert (allowance.bound_by is ReasonCode.CAP_TRADE) is (left < 100)
