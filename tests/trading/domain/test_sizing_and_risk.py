"""Kelly against the golden vectors, caps one by one and all together."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.domain.kelly.binary import certainty_shrink, kelly_contracts, kelly_share
from trading.domain.policy import Limits
from trading.domain.risk import Allowance, Exposure, Holding, MarketPlace, add_up, allow
from trading.domain.types import ReasonCode

PLACE = MarketPlace("EVENT", "CHI", "CHICAGO")

# Inputs and results of the project's golden vectors G25-G31, restated so that they hold without the reference folder.
KELLY = [
    (0.42, "0.365925", "0.0852817096"),
    (0.92, "0.887392", "0.2895709008"),
    (0.36, "0.365925", "0"),
    (0.42, "0.35", "0.1076923077"),
]


@pytest.mark.parametrize(("p_win", "cost", "expected"), KELLY)
def test_kelly_share_matches_the_golden_vectors(p_win: float, cost: str, expected: str) -> None:
    assert abs(kelly_share(p_win, Decimal(cost)) - Decimal(expected)) < Decimal("1e-6")


def test_kelly_contracts_with_certainty_matches_the_golden_vector() -> None:
    cost = Decimal("0.365925")

    count = kelly_contracts(0.42, cost, 0.0, bankroll=Decimal(1000), fraction=Decimal("0.25"))

    assert count == 58


def test_certainty_shrink_matches_the_golden_vector() -> None:
    factor = certainty_shrink(0.42, Decimal("0.3659"), 0.05)

    assert abs(factor - Decimal("0.539324207")) < Decimal("1e-6")
    assert abs(factor * kelly_share(0.42, Decimal("0.3659")) - Decimal("0.0460139404")) < Decimal("1e-6")


def test_golden_file_agrees_with_the_figures_above(shared_reference: Path) -> None:
    vectors: dict[str, Any] = {
        vector["id"]: vector
        for vector in json.loads((shared_reference / "golden-vectors.json").read_text())["vectors"]
    }
    for name, (p_win, cost, share) in zip(("G25", "G26", "G27", "G28"), KELLY, strict=True):
        assert vectors[name]["inputs"]["p"] == p_win
        assert vectors[name]["expected"]["cost"] == pytest.approx(float(cost))
        assert vectors[name]["expected"]["kelly_full"] == pytest.approx(float(share))


@given(p_win=st.floats(0, 1), cents=st.integers(1, 99), error=st.floats(0, 0.3))
def test_kelly_for_any_inputs_then_stays_between_zero_and_one(p_win: float, cents: int, error: float) -> None:
    cost = Decimal(cents) / 100

    assert 0 <= kelly_share(p_win, cost) <= 1
    assert 0 <= certainty_shrink(p_win, cost, error) <= 1
    if Decimal(repr(p_win)) <= cost:
        assert kelly_contracts(p_win, cost, error, bankroll=Decimal(1000), fraction=Decimal(1)) == 0


def exposure(amount: str) -> Exposure:
    return add_up([Holding("HELD", PLACE, Decimal(amount))])


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(per_trade=Decimal(5)), ReasonCode.CAP_TRADE),
        (Limits(per_event=Decimal(15)), ReasonCode.CAP_EVENT),
        (Limits(per_city=Decimal(15)), ReasonCode.CAP_CITY),
        (Limits(per_cluster=Decimal(15)), ReasonCode.CAP_CLUSTER),
        (Limits(total=Decimal(15)), ReasonCode.CAP_TOTAL),
        (Limits(total_share_of_bankroll=Decimal("0.0015")), ReasonCode.CAP_TOTAL),
    ],
)
def test_allow_when_a_cap_binds_then_names_it_and_leaves_what_fits(limits: Limits, code: ReasonCode) -> None:
    allowance = allow(
        Decimal(100),
        Decimal("0.50"),
        ticker="NEW",
        place=PLACE,
        exposure=exposure("10"),
        limits=limits,
        cash=Decimal(10_000),
        bankroll=Decimal(10_000),
    )

    assert allowance == Allowance(Decimal(10), code)


def test_allow_when_cash_is_short_then_spends_what_there_is() -> None:
    allowance = allow(
        Decimal(100),
        Decimal("0.50"),
        ticker="NEW",
        place=PLACE,
        exposure=Exposure(),
        limits=Limits(),
        cash=Decimal("1.99"),
        bankroll=Decimal(10_000),
    )

    assert allowance == Allowance(Decimal(3), ReasonCode.CAP_CASH)


def test_allow_when_too_many_markets_are_held_then_none_but_more_of_a_held_one() -> None:
    full = add_up(Holding(f"M{n}", PLACE, Decimal(1)) for n in range(3))
    limits = Limits(max_positions=3)

    def ask(ticker: str) -> Decimal:
        return allow(
            Decimal(1),
            Decimal("0.50"),
            ticker=ticker,
            place=PLACE,
            exposure=full,
            limits=limits,
            cash=Decimal(100),
            bankroll=Decimal(10_000),
        ).count

    assert ask("NEW") == 0
    assert ask("M1") == 1


def test_allow_when_already_over_a_cap_then_nothing_negative_comes_back() -> None:
    allowance = allow(
        Decimal(5),
        Decimal("0.50"),
        ticker="NEW",
        place=PLACE,
        exposure=exposure("1000"),
        limits=Limits(),
        cash=Decimal(10_000),
        bankroll=Decimal(10_000),
    )

    assert allowance.count == 0
