"""EMOS: the gradient is the gradient, the fit finds what is there and never does harm."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weather.domain.emos import (
    FEWEST_ROWS,
    START,
    EmosParameters,
    TrainingRows,
    emos_gradient,
    emos_mean_crps,
    fit_emos,
)

PARAMETERS = st.builds(
    EmosParameters, a=st.floats(-5, 5), b=st.floats(0.5, 1.5), c=st.floats(0.1, 10), d=st.floats(0.05, 4)
)


def rows_of(truth: EmosParameters, count: int, seed: int) -> TrainingRows:
    draws = np.random.default_rng(seed)
    means, variances = draws.normal(65, 12, count), draws.gamma(2, 2, count)
    noise = draws.normal(size=count) * np.sqrt(truth.c + truth.d * variances)
    return TrainingRows.of(means, variances, truth.a + truth.b * means + noise)


@given(PARAMETERS, st.integers(0, 50))
def test_emos_gradient_when_compared_with_differences_then_they_agree(
    parameters: EmosParameters, seed: int
) -> None:
    rows = rows_of(START, 20, seed)
    point = np.asarray(parameters)

    def loss(at: list[float]) -> float:
        return emos_mean_crps(EmosParameters(*at), rows)

    step = 1e-6
    slopes = [
        (loss((point + step * unit).tolist()) - loss((point - step * unit).tolist())) / (2 * step)
        for unit in np.eye(4)
    ]
    assert emos_gradient(parameters, rows) == pytest.approx(slopes, abs=1e-5, rel=1e-5)


def test_fit_emos_when_the_truth_is_known_then_it_is_recovered() -> None:
    truth = EmosParameters(a=4.0, b=0.95, c=2.0, d=0.8)
    fitted = fit_emos(rows_of(truth, 6000, seed=1))
    assert fitted.a + fitted.b * 65 == pytest.approx(truth.a + truth.b * 65, abs=0.1)
    assert fitted.b == pytest.approx(truth.b, abs=0.01)
    for variance in (1.0, 4.0, 10.0):
        sigma, expected = (p.predict(65, variance).sigma for p in (fitted, truth))
        assert sigma == pytest.approx(expected, rel=0.04)


@example(
    5, EmosParameters(-2.0, 0.5, 7.75, 0.5)
)  # In logarithms the search went where d is nothing, and stayed.
@given(st.integers(0, 30), PARAMETERS)
def test_fit_emos_when_started_anywhere_then_it_is_no_worse_and_flat_at_the_end(
    seed: int, start: EmosParameters
) -> None:
    rows = rows_of(EmosParameters(1.0, 1.0, 3.0, 0.5), 120, seed)
    fitted = fit_emos(rows, start)
    assert emos_mean_crps(fitted, rows) <= emos_mean_crps(start, rows)
    assert emos_mean_crps(fitted, rows) == pytest.approx(emos_mean_crps(fit_emos(rows), rows), abs=1e-4)


def test_fit_emos_when_rows_weigh_nothing_then_they_do_not_count() -> None:
    rows = rows_of(START, 100, seed=2)
    strangers = TrainingRows.of(
        np.append(rows.ensemble_mean, np.full(50, 20.0)),
        np.append(rows.ensemble_variance, np.full(50, 9.0)),
        np.append(rows.observed, np.full(50, 99.0)),
        np.append(np.ones(100), np.zeros(50)),
    )
    assert fit_emos(strangers) == pytest.approx(fit_emos(rows), rel=1e-4, abs=1e-4)


def test_fit_emos_when_rows_are_few_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        fit_emos(rows_of(START, FEWEST_ROWS - 1, seed=0))


def test_predict_when_the_spread_is_known_then_the_variance_is_linear_in_it() -> None:
    normal = EmosParameters(1.0, 0.9, 2.0, 0.5).predict(70, 4.0)
    assert (normal.mu, normal.sigma) == pytest.approx((64.0, 2.0))
    with pytest.raises(ValueError):
        EmosParameters(0.0, 1.0, 0.0, 1.0).predict(70, 0.0)


@pytest.mark.parametrize(
    "columns",
    [
        ([], [], []),
        ([1.0], [1.0, 2.0], [1.0]),
        ([1.0], [-1.0], [1.0]),
        ([math.nan], [1.0], [1.0]),
        ([1.0], [1.0], [1.0], [0.0]),
        ([1.0, 2.0], [1.0, 1.0], [1.0, 1.0], [2.0, -1.0]),
        ([[1.0]], [[1.0]], [[1.0]]),
    ],
)
def test_training_rows_when_columns_do_not_fit_then_they_are_refused(
    columns: tuple[list[float], ...],
) -> None:
    with pytest.raises(ValueError):
        TrainingRows.of(*columns)
