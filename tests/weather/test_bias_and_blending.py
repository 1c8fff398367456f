"""Bias learned online, and estimates put together."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weather.domain.bias import LARGEST_BIAS_F, BiasNoise, BiasState, bias_path, update_bias
from weather.domain.blending import Estimate, combine, precision_blend, shrunk_sigma, source_weights

NOISE = BiasNoise(drift=0.05, error=6.0)
ESTIMATES = st.lists(
    st.builds(Estimate, mean=st.floats(-40, 120), sigma=st.floats(0.5, 12)), min_size=1, max_size=5
)


@given(st.floats(-10, 10), st.floats(0, 20), st.floats(-15, 15))
def test_update_bias_when_an_error_arrives_then_the_belief_moves_toward_it_and_no_further(
    bias: float, variance: float, error: float
) -> None:
    after = update_bias(BiasState(bias, variance), error, NOISE)
    assert min(bias, error) - 1e-9 <= after.bias <= max(bias, error) + 1e-9
    assert 0 <= after.variance < variance + NOISE.drift


def test_bias_path_when_the_source_is_off_by_two_degrees_then_that_is_found() -> None:
    errors = 2.0 + np.random.default_rng(8).normal(0, 2.4, size=400)
    path = bias_path(BiasState(0.0, 4.0), errors.tolist(), NOISE)
    assert len(path) == 400
    late = np.asarray([state.bias for state in path[100:]])
    assert late.mean() == pytest.approx(2.0, abs=0.2)
    assert late.std() == pytest.approx(math.sqrt(path[-1].variance), rel=0.5)


def test_bias_path_when_it_has_run_long_then_it_is_an_exponential_average() -> None:
    steady = bias_path(BiasState(0.0, 4.0), [0.0] * 500, NOISE)[-1]
    gain = (steady.variance + NOISE.drift) / (steady.variance + NOISE.drift + NOISE.error)
    assert update_bias(BiasState(1.0, steady.variance), 3.0, NOISE).bias == pytest.approx(1.0 + gain * 2.0)
    assert 0.05 < gain < 0.1


def test_bias_path_when_there_are_no_errors_then_there_are_no_states() -> None:
    assert bias_path(BiasState(0.0, 4.0), [], NOISE) == ()


def test_correction_when_the_bias_is_unbelievable_then_it_is_bounded() -> None:
    assert [BiasState(b, 1.0).correction for b in (1.5, -1.5, 21.0, -21.0)] == [
        -1.5,
        1.5,
        -LARGEST_BIAS_F,
        LARGEST_BIAS_F,
    ]


@pytest.mark.parametrize(
    ("state", "error", "noise"),
    [
        (BiasState(0, 1), math.nan, NOISE),
        (BiasState(0, -1), 0.0, NOISE),
        (BiasState(0, 1), 0.0, BiasNoise(0.1, 0.0)),
        (BiasState(0, 1), 0.0, BiasNoise(-0.1, 1.0)),
    ],
)
def test_update_bias_when_given_no_numbers_or_variances_then_it_is_refused(
    state: BiasState, error: float, noise: BiasNoise
) -> None:
    with pytest.raises(ValueError):
        update_bias(state, error, noise)


@given(ESTIMATES)
def test_precision_blend_when_estimates_are_joined_then_it_lies_among_them_and_is_surer(
    estimates: list[Estimate],
) -> None:
    blend = precision_blend(estimates)
    assert min(e.mean for e in estimates) - 1e-9 <= blend.mean <= max(e.mean for e in estimates) + 1e-9
    assert blend.sigma <= min(e.sigma for e in estimates) + 1e-12


@given(ESTIMATES, ESTIMATES)
def test_precision_blend_when_done_in_two_steps_then_it_is_the_same(
    first: list[Estimate], second: list[Estimate]
) -> None:
    stepwise = precision_blend([precision_blend(first), precision_blend(second)])
    assert stepwise == pytest.approx(precision_blend([*first, *second]))


@pytest.mark.parametrize(
    "estimates", [[], [Estimate(70, 0)], [Estimate(math.nan, 1)], [Estimate(70, math.inf)]]
)
def test_precision_blend_when_there_is_nothing_to_blend_then_it_is_refused(estimates: list[Estimate]) -> None:
    with pytest.raises(ValueError):
        precision_blend(estimates)


@given(st.floats(0.1, 8), st.floats(0, 500), st.floats(0.5, 8))
def test_shrunk_sigma_when_own_days_grow_then_it_moves_from_the_prior_to_the_own(
    own: float, days: float, prior: float
) -> None:
    shrunk = shrunk_sigma(own, days, prior)
    assert min(own, prior) - 1e-9 <= shrunk <= max(own, prior) + 1e-9
    assert abs(shrunk_sigma(own, days + 10, prior) - own) <= abs(shrunk - own) + 1e-9


def test_shrunk_sigma_when_there_are_no_own_days_then_it_is_the_prior() -> None:
    assert shrunk_sigma(1.0, 0, 3.0) == 3.0
    assert shrunk_sigma(1.0, 30, 3.0) == pytest.approx(math.sqrt(5))


@pytest.mark.parametrize(
    "arguments", [(1.0, -1.0, 2.0), (-1.0, 5.0, 2.0), (1.0, 5.0, 0.0), (1.0, 0.0, 2.0, 0.0)]
)
def test_shrunk_sigma_when_there_is_nothing_to_shrink_then_it_is_refused(
    arguments: tuple[float, ...],
) -> None:
    with pytest.raises(ValueError):
        shrunk_sigma(*arguments)


def test_source_weights_when_one_source_errs_more_then_it_weighs_less() -> None:
    assert source_weights({"grid": 2.0, "nbm": 2.0}) == pytest.approx({"grid": 0.5, "nbm": 0.5})
    weights = source_weights({"grid": 2.0, "mos": 3.0}, ridge_f=1.0)
    assert weights == pytest.approx({"grid": 2 / 3, "mos": 1 / 3})


@pytest.mark.parametrize(
    ("errors", "ridge"),
    [
        ({}, 1.0),
        ({"grid": -1.0}, 1.0),
        ({"grid": 0.0}, 0.0),
        ({"grid": 1.0}, -1.0),
        ({"grid": math.nan}, 1.0),
    ],
)
def test_source_weights_when_there_are_no_errors_to_weigh_by_then_they_are_refused(
    errors: dict[str, float], ridge: float
) -> None:
    with pytest.raises(ValueError):
        source_weights(errors, ridge)


def test_combine_when_a_source_is_missing_then_the_rest_speak_with_less_certainty() -> None:
    weights = {"grid": 0.5, "nbm": 0.3, "mos": 0.2}
    whole = combine(weights, {"grid": 70.0, "nbm": 72.0, "mos": 69.0})
    assert (whole.mean, whole.inflation) == pytest.approx((70.4, 1.0))
    assert whole.missing == ()
    partial = combine(weights, {"grid": 70.0, "nbm": 72.0, "mos": None, "stranger": 10.0})
    assert (partial.mean, partial.inflation) == pytest.approx((70.75, math.sqrt(1 / 0.8)))
    assert partial.missing == ("mos",)
    with pytest.raises(ValueError, match="grid, mos, nbm"):
        combine(weights, {"mos": None})
