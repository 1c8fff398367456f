"""Two dependent bets, the whole basket, and the single contract at its exact cost."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from markets.domain.types import FeeSchedule, FeeType
from milkbot.core.arrays import Floats
from trading.domain.kelly.basket import basket_arbitrage
from trading.domain.kelly.binary import kelly_bet, kelly_share
from trading.domain.kelly.joint import JointOutcomes, copula_joint, copula_outcomes, kelly_two_stakes
from trading.domain.types import Side

D = Decimal
TAKERS_ONLY = FeeSchedule(fee_type=FeeType.QUADRATIC, multiplier=D(1))
CHANCES = st.floats(0.02, 0.98)
RHOS = st.floats(-0.99, 0.99)


@given(CHANCES, CHANCES, RHOS)
def test_copula_joint_when_compared_with_a_library_then_it_agrees(p1: float, p2: float, rho: float) -> None:
    h, k = (norm.ppf(p) for p in (p1, p2))
    expected = multivariate_normal(cov=[[1, rho], [rho, 1]]).cdf([h, k])
    assert copula_joint(p1, p2, rho) == pytest.approx(expected, abs=1e-5)


@given(CHANCES, CHANCES, RHOS)
def test_copula_joint_when_bets_change_places_or_sides_then_it_stays_consistent(
    p1: float, p2: float, rho: float
) -> None:
    joint = copula_joint(p1, p2, rho)
    assert joint == pytest.approx(copula_joint(p2, p1, rho), abs=1e-12)
    assert joint + copula_joint(p1, 1 - p2, -rho) == pytest.approx(p1, abs=1e-9)
    assert max(p1 + p2 - 1, 0) <= joint <= min(p1, p2)
    assert math.fsum(copula_outcomes(p1, p2, rho)) == pytest.approx(1)


@given(CHANCES, CHANCES)
def test_copula_joint_when_dependence_is_none_or_full_then_it_is_the_elementary_one(
    p1: float, p2: float
) -> None:
    assert copula_joint(p1, p2, 0.0) == pytest.approx(p1 * p2, abs=1e-12)
    assert copula_joint(p1, p2, 1.0) == min(p1, p2)
    assert copula_joint(p1, p2, -1.0) == max(p1 + p2 - 1, 0)


@pytest.mark.parametrize("rho", [-0.9, -0.3, 0.0, 0.6, 0.95])
def test_copula_joint_when_a_bet_is_even_then_no_limit_is_missed(rho: float) -> None:
    assert copula_joint(0.5, 0.5, rho) == pytest.approx(0.25 + math.asin(rho) / (2 * math.pi))
    for p in (0.2, 0.8):
        near = copula_joint(0.5 + 1e-9, p, rho)
        assert copula_joint(0.5, p, rho) == pytest.approx(near, abs=1e-8)
        assert copula_joint(p, 0.5, rho) == pytest.approx(near, abs=1e-8)


def test_copula_joint_when_a_bet_is_certain_then_the_other_alone_decides() -> None:
    assert [copula_joint(1.0, 0.3, 0.5), copula_joint(0.0, 0.3, 0.5)] == [0.3, 0.0]


@pytest.mark.parametrize(
    "arguments", [(1.1, 0.5, 0.0), (0.5, -0.1, 0.0), (0.5, 0.5, 1.1), (0.5, math.nan, 0.0)]
)
def test_copula_joint_when_given_no_probabilities_then_it_is_refused(
    arguments: tuple[float, float, float],
) -> None:
    with pytest.raises(ValueError):
        copula_joint(*arguments)


@given(CHANCES, CHANCES, RHOS, st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_kelly_two_stakes_when_optimal_then_no_small_change_is_better(
    p1: float, p2: float, rho: float, cost1: float, cost2: float
) -> None:
    outcomes = copula_outcomes(p1, p2, rho)
    stakes = np.asarray(kelly_two_stakes(outcomes, cost1, cost2))
    wins = np.asarray([[1, 1], [1, 0], [0, 1], [0, 0]]) / np.asarray([cost1, cost2]) - 1

    def growth(at: Floats) -> float:
        wealth = 1 + wins @ at
        possible = np.asarray(outcomes) > 0
        return float(np.asarray(outcomes)[possible] @ np.log(wealth[possible]))

    assert (stakes >= 0).all()
    assert stakes.sum() <= 1 + 1e-12
    best = growth(stakes)
    assert best >= -1e-12
    for change in ([1e-3, 0], [-1e-3, 0], [0, 1e-3], [0, -1e-3], [1e-3, -1e-3], [-1e-3, 1e-3]):
        other = stakes + change
        if (other >= 0).all() and other.sum() < 1 and ((1 + wins @ other) > 0).all():
            assert growth(other) <= best + 1e-8


@given(CHANCES, CHANCES, st.floats(0.05, 0.95))
def test_kelly_two_stakes_when_one_has_no_edge_and_both_are_independent_then_the_other_is_binary_kelly(
    p1: float, p2: float, cost: float
) -> None:
    first, second = kelly_two_stakes(copula_outcomes(p1, p2, 0.0), cost, min(p2 + 0.01, 1.0))
    assert first == pytest.approx(float(kelly_share(p1, Decimal(repr(cost)))), abs=1e-5)
    assert second == pytest.approx(0, abs=1e-5)


def test_kelly_two_stakes_when_dependence_grows_then_less_is_staked() -> None:
    apart, together = (
        sum(kelly_two_stakes(copula_outcomes(0.42, 0.40, rho), 0.36, 0.35)) for rho in (0.0, 0.6)
    )
    assert together < apart


def test_kelly_two_stakes_when_costs_or_outcomes_are_none_then_they_are_refused() -> None:
    fair = JointOutcomes(0.25, 0.25, 0.25, 0.25)
    for cost in (0.0, 1.1, math.nan):
        with pytest.raises(ValueError):
            kelly_two_stakes(fair, cost, 0.5)
    with pytest.raises(ValueError):
        kelly_two_stakes(fair._replace(both=0.5), 0.5, 0.5)


@given(st.lists(st.integers(1, 60), min_size=2, max_size=8), st.integers(1, 500))
def test_basket_arbitrage_when_yes_and_no_are_the_same_book_then_no_pays_what_yes_loses_before_fees(
    cents: list[int], sets: int
) -> None:
    asks = [D(cent) / 100 for cent in cents]
    yes = basket_arbitrage(Side.YES, asks, D(sets), TAKERS_ONLY)
    no = basket_arbitrage(Side.NO, [1 - ask for ask in asks], D(sets), TAKERS_ONLY)
    assert yes.fees == no.fees > 0  # P(1 − P) is the same on both sides
    assert (yes.profit + yes.fees) == -(no.profit + no.fees)


@pytest.mark.parametrize(("asks", "sets"), [([], 1), (["0.5"], 1), (["0.5", "0.4"], 0), (["0.5", "1.1"], 1)])
def test_basket_arbitrage_when_there_is_no_ladder_then_it_is_refused(asks: list[str], sets: int) -> None:
    with pytest.raises(ValueError):
        basket_arbitrage(Side.YES, [D(ask) for ask in asks], D(sets), TAKERS_ONLY)


@given(CHANCES, st.integers(1, 99))
def test_kelly_bet_when_the_fee_is_in_the_cost_then_takers_never_stake_more_than_makers(
    p_win: float, cents: int
) -> None:
    price = D(cents) / 100
    taker, maker = (kelly_bet(p_win, price, TAKERS_ONLY, is_taker=taker) for taker in (True, False))
    assert maker.fee == 0
    assert taker.cost == price + taker.fee > maker.cost
    assert taker.edge == D(repr(p_win)) - taker.cost
    assert taker.share <= maker.share <= 1
    assert (taker.share > 0) == (taker.edge > 0)
