"""Pools, the weights behind them, and the market's probabilities."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.domain.pooling import (
    agreement,
    devig_power,
    devig_proportional,
    effective_experts,
    extremize,
    hedge_update,
    linear_pool,
    log_pool,
    weights_inverse_loss,
)

CHANCES = st.floats(0.01, 1)


def normalised(raw: list[float]) -> tuple[float, ...]:
    return tuple(value / math.fsum(raw) for value in raw)


FORECASTS = st.lists(CHANCES, min_size=4, max_size=4).map(normalised)
EXPERTS = st.lists(FORECASTS, min_size=3, max_size=3)
WEIGHTS = st.lists(CHANCES, min_size=3, max_size=3).map(normalised)
LADDERS = st.lists(st.floats(0.01, 0.6), min_size=2, max_size=8)


@given(EXPERTS, WEIGHTS)
def test_pool_when_experts_are_coherent_then_so_is_the_pool(
    experts: list[tuple[float, ...]], weights: tuple[float, ...]
) -> None:
    for pooled in (linear_pool(experts, weights), log_pool(experts, weights)):
        assert math.fsum(pooled) == pytest.approx(1)
        assert min(pooled) > 0


@given(FORECASTS, WEIGHTS)
def test_pool_when_all_say_the_same_then_that_is_the_pool(
    forecast: tuple[float, ...], weights: tuple[float, ...]
) -> None:
    assert log_pool([forecast] * 3, weights) == pytest.approx(forecast)
    assert linear_pool([forecast] * 3, weights) == pytest.approx(forecast)
    assert agreement([forecast] * 3, weights) == pytest.approx(1)


@given(EXPERTS, WEIGHTS, FORECASTS)
def test_log_pool_when_everyone_learns_the_same_then_before_or_after_makes_no_difference(
    experts: list[tuple[float, ...]], weights: tuple[float, ...], likelihood: tuple[float, ...]
) -> None:
    def learned(probs: tuple[float, ...]) -> tuple[float, ...]:
        return normalised([p * factor for p, factor in zip(probs, likelihood, strict=True)])

    after = learned(log_pool(experts, weights))
    assert log_pool([learned(expert) for expert in experts], weights) == pytest.approx(after)


def test_log_pool_when_a_weighted_expert_gives_zero_then_the_outcome_is_vetoed() -> None:
    assert log_pool([[0.0, 0.4, 0.6], [0.5, 0.3, 0.2]], [0.1, 0.9])[0] == 0
    assert log_pool([[0.0, 0.4, 0.6], [0.5, 0.3, 0.2]], [0.0, 1.0]) == pytest.approx((0.5, 0.3, 0.2))
    with pytest.raises(ValueError, match="no outcome"):
        log_pool([[0.0, 1.0], [1.0, 0.0]], [0.5, 0.5])


@given(FORECASTS, st.floats(1.1, 4))
def test_extremize_when_the_power_is_undone_then_the_forecast_comes_back(
    forecast: tuple[float, ...], a: float
) -> None:
    sharper = extremize(forecast, a)
    assert max(sharper) >= max(forecast) - 1e-12
    assert extremize(sharper, 1 / a) == pytest.approx(forecast)


def test_extremize_when_the_power_is_not_above_zero_then_it_is_refused() -> None:
    for a in (0.0, -1.0):
        with pytest.raises(ValueError):
            extremize([0.5, 0.5], a)


@given(EXPERTS, WEIGHTS)
def test_agreement_when_experts_differ_then_it_lies_between_none_and_all(
    experts: list[tuple[float, ...]], weights: tuple[float, ...]
) -> None:
    assert 0 <= agreement(experts, weights) <= 1


def test_agreement_when_each_is_sure_of_another_outcome_then_there_is_none() -> None:
    assert agreement(np.eye(3).tolist(), [0.2, 0.3, 0.5]) == pytest.approx(0)
    assert agreement([[0.2, 0.8]], [1.0]) == 1


@pytest.mark.parametrize("pool", [linear_pool, log_pool, agreement])
@pytest.mark.parametrize(
    ("probs", "weights"),
    [
        ([[0.5, 0.5]], [0.5, 0.5]),
        ([[0.5, 0.6], [0.5, 0.5]], [0.5, 0.5]),
        ([0.5, 0.5], [1.0]),
        ([[0.5, 0.5], [0.5, 0.5]], [1.5, -0.5]),
        ([[0.5, 0.5], [0.5, 0.5]], [0.0, 0.0]),
        ([[0.5, 0.5], [0.5, 0.5]], [math.nan, 1.0]),
    ],
)
def test_pool_when_given_no_forecasts_or_weights_then_it_is_refused(
    pool: Callable[[object, object], object], probs: object, weights: object
) -> None:
    with pytest.raises(ValueError):
        pool(probs, weights)


def test_linear_pool_when_weights_do_not_sum_to_one_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        linear_pool([[0.5, 0.5], [0.4, 0.6]], [0.5, 0.4])


LOSSES = st.lists(st.floats(0.01, 20), min_size=3, max_size=3)


@given(WEIGHTS, LOSSES, st.floats(0, 5), st.floats(0, 1))
def test_hedge_update_when_losses_arrive_then_the_weights_stay_on_the_simplex(
    weights: tuple[float, ...], losses: list[float], eta: float, share: float
) -> None:
    updated = hedge_update(weights, losses, eta=eta, share=share)
    assert math.fsum(updated) == pytest.approx(1)
    assert min(updated) >= share / 3 - 1e-12


def test_hedge_update_when_losses_are_huge_then_nothing_overflows_and_an_expert_can_come_back() -> None:
    updated = hedge_update([0.5, 0.5], [1e6, 0.0], eta=1.0, share=0.02)
    assert updated == pytest.approx((0.01, 0.99))
    assert hedge_update([0.0, 1.0], [0.0, 1.0], eta=1.0, share=0.02)[0] == pytest.approx(0.01)


def test_hedge_update_when_run_over_many_events_then_regret_stays_within_its_bound() -> None:
    draws = np.random.default_rng(6)
    weights: tuple[float, ...] = (0.25,) * 4
    pooled_loss, losses = 0.0, np.zeros(4)
    for _ in range(500):
        chances = draws.uniform(0.05, 0.95, size=4)
        event = -np.log(chances)
        pooled_loss -= math.log(float(np.asarray(weights) @ chances))
        losses += event
        weights = hedge_update(weights, event, eta=1.0, share=0.0)
    assert pooled_loss - losses.min() <= math.log(4) + 1e-9


@pytest.mark.parametrize(
    ("weights", "losses", "eta", "share"),
    [
        ([0.5, 0.4], [1, 1], 0.1, 0.0),
        ([0.5, 0.5], [1], 0.1, 0.0),
        ([0.5, 0.5], [1, 1], -0.1, 0.0),
        ([0.5, 0.5], [1, 1], 0.1, 1.1),
        ([0.5, 0.5], [1, math.inf], 0.1, 0.0),
    ],
)
def test_hedge_update_when_given_no_weights_or_losses_then_it_is_refused(
    weights: list[float], losses: list[float], eta: float, share: float
) -> None:
    with pytest.raises(ValueError):
        hedge_update(weights, losses, eta=eta, share=share)


@given(LOSSES, st.floats(0, 6), st.floats(0, 1))
def test_weights_inverse_loss_when_losses_differ_then_the_smaller_weighs_no_less(
    losses: list[float], power: float, shrink: float
) -> None:
    weights = weights_inverse_loss(losses, power=power, shrink=shrink)
    assert math.fsum(weights) == pytest.approx(1)
    by_loss = [weight for _, weight in sorted(zip(losses, weights, strict=True))]
    assert all(first >= second - 1e-12 for first, second in pairwise(by_loss))
    assert 1 - 1e-9 <= effective_experts(weights) <= 3 + 1e-9


def test_weights_inverse_loss_when_a_loss_is_tiny_then_nothing_overflows() -> None:
    assert weights_inverse_loss([1e-300, 1.0], power=4) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("losses", "arguments"),
    [([], {}), ([0.0, 1.0], {}), ([1.0], {"power": -1.0}), ([1.0], {"shrink": 1.5}), ([math.nan], {})],
)
def test_weights_inverse_loss_when_there_is_nothing_to_weigh_by_then_it_is_refused(
    losses: list[float], arguments: dict[str, float]
) -> None:
    with pytest.raises(ValueError):
        weights_inverse_loss(losses, **arguments)


@given(LADDERS)
def test_devig_when_prices_carry_a_margin_then_probabilities_sum_to_one_in_the_same_order(
    prices: list[float],
) -> None:
    for devigged in (devig_proportional(prices), devig_power(prices)):
        assert math.fsum(devigged.probs) == pytest.approx(1)
        order = np.argsort(prices, kind="stable")
        assert np.all(np.diff(np.asarray(devigged.probs)[order]) >= -1e-12)


@given(st.lists(st.floats(0.02, 1), min_size=3, max_size=8).map(normalised))
def test_devig_power_when_prices_are_fair_then_they_stay(prices: tuple[float, ...]) -> None:
    devigged = devig_power(prices)
    assert devigged.power == pytest.approx(1)
    assert devigged.probs == pytest.approx(prices)


def test_devig_power_when_there_is_overround_then_longshots_give_more_than_proportionally() -> None:
    prices = [0.04, 0.17, 0.36, 0.31, 0.13, 0.05]
    assert devig_power(prices).probs[0] < devig_proportional(prices).probs[0]
    assert devig_power(prices).probs[2] > devig_proportional(prices).probs[2]


@pytest.mark.parametrize("prices", [[], [0.0, 0.0], [0.5, -0.1], [math.nan, 0.5]])
def test_devig_when_prices_are_none_then_they_are_refused(prices: list[float]) -> None:
    with pytest.raises(ValueError):
        devig_proportional(prices)
    with pytest.raises(ValueError):
        devig_power(prices)


@pytest.mark.parametrize("prices", [[0.5], [0.5, 1.0], [0.5, 0.0]])
def test_devig_power_when_a_price_has_no_power_then_it_is_refused(prices: list[float]) -> None:
    with pytest.raises(ValueError):
        devig_power(prices)


def test_log_pool_when_model_and_market_then_it_is_the_worked_example() -> None:
    model = (0.0450, 0.1594, 0.3130, 0.3021, 0.1433, 0.0372)
    market = devig_power([0.045, 0.165, 0.285, 0.285, 0.165, 0.075])
    assert market.power == pytest.approx(1.0123, abs=1e-4)
    pooled = log_pool([model, market.probs], [0.4, 0.6])
    assert pooled == pytest.approx((0.0441, 0.1612, 0.2942, 0.2901, 0.1545, 0.0559), abs=2e-4)
