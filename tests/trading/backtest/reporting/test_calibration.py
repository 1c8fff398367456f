"""Reliability beside its null, PIT, and coverage, of forecasters known to be right or wrong."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trading.backtest.reporting import made
from trading.backtest.reporting.calibration import (
    LEAST_IN_BIN,
    coverage,
    pit,
    reliabilities,
    reliability,
)
from trading.backtest.reporting.losses import loss_table
from trading.backtest.results import FLAT, FORECASTERS, MARKET, P_MODEL, ScoredLadder

TRUE = made.ladders(made.World(days=150, hours=(10,)))
NARROW = made.ladders(made.World(days=150, hours=(10,), model_sigma=1.0))


def test_bins_are_of_equal_count_and_never_small() -> None:
    found = reliability(MARKET, TRUE, 7)
    assert sum(one.n for one in found.bins) == found.contracts == 6 * len(TRUE)
    assert min(one.n for one in found.bins) >= LEAST_IN_BIN
    assert max(one.n for one in found.bins) - min(one.n for one in found.bins) <= 1
    assert sum(found.sharpness) == found.contracts
    said = [one.said for one in found.bins]
    assert said == sorted(said)


def test_too_few_contracts_give_no_bins_instead_of_noise() -> None:
    found = reliability(MARKET, TRUE[:3], 7)
    assert found.bins == ()
    assert found.ece is None
    assert found.ece_null_p95 is None


def test_the_error_of_a_perfect_forecaster_lies_within_its_null_and_is_not_zero() -> None:
    found = reliability(MARKET, TRUE, 7)
    assert found.ece is not None
    assert found.ece_null_p95 is not None
    assert 0 < found.ece < found.ece_null_p95
    within = [one.low <= one.happened <= one.high for one in found.bins]
    assert sum(within) >= 0.6 * len(within)


def test_a_forecaster_too_sure_of_itself_stands_out() -> None:
    found = reliability(P_MODEL, NARROW, 7)
    assert found.ece is not None
    assert found.ece_null_p95 is not None
    assert found.ece > 2 * found.ece_null_p95


def test_hours_of_an_event_make_bars_wider_not_narrower() -> None:
    """Five looks at the same ladders are no more evidence than one."""
    once = reliability(MARKET, TRUE, 7)
    often = reliability(MARKET, [one for one in TRUE for _ in range(5)], 7)
    assert often.ece_null_mean == pytest.approx(once.ece_null_mean, rel=0.15)


def test_murphys_parts_add_up() -> None:
    parts = reliability(MARKET, TRUE, 7).parts
    assert parts is not None
    assert parts.brier == pytest.approx(parts.reliability - parts.resolution + parts.uncertainty, abs=1e-12)


def test_flat_is_calibrated_and_knows_nothing() -> None:
    parts = reliability(FLAT, TRUE, 7).parts
    assert parts is not None
    assert parts.resolution == pytest.approx(0, abs=1e-12)


def test_only_who_spoke_is_shown() -> None:
    silent = [replace(one, probabilities={FLAT: one.probabilities[FLAT]}) for one in TRUE[:10]]
    assert [one.forecaster for one in reliabilities(silent, 7)] == [FLAT]
    assert [one.forecaster for one in reliabilities(TRUE[:10], 7)] == list(FORECASTERS)


def test_the_highs_of_a_true_model_fill_its_distribution_evenly() -> None:
    found = pit(TRUE, 7)
    assert found is not None
    assert sum(found.counts) == found.n == len(TRUE)
    assert sum(found.low <= count <= found.high for count in found.counts) >= 8


def test_the_highs_of_a_narrow_model_pile_up_at_its_ends() -> None:
    found = pit(NARROW, 7)
    assert found is not None
    assert found.counts[0] > found.high
    assert found.counts[-1] > found.high


def test_the_same_seed_gives_the_same_places_and_none_gives_none() -> None:
    assert pit(TRUE, 7) == pit(TRUE, 7)
    assert pit([replace(one, pit=None) for one in TRUE], 7) is None


@pytest.mark.parametrize(("ladders", "low", "high"), [(TRUE, 0.74, 0.86), (NARROW, 0.3, 0.6)])
def test_coverage_tells_a_true_spread_from_a_narrow_one(
    ladders: tuple[ScoredLadder, ...], low: float, high: float
) -> None:
    table = loss_table(ladders)
    found = coverage(table, table.everywhere, 7)
    assert found.rate is not None
    assert low < found.rate < high
    assert found.interval is not None
    assert found.interval.low < found.rate < found.interval.high


def test_a_high_on_whose_degree_the_interval_ends_counts_in_part() -> None:
    table = loss_table(
        [
            made.one_ladder({}, 0, city="CHI", pit=(0.05, 0.15)),
            made.one_ladder({}, 0, city="NYC", pit=(0.5, 0.5)),
            made.one_ladder({}, 0, city="AUS", pit=(0.0, 0.0)),
        ]
    )
    found = coverage(table, table.everywhere, 7)
    assert found.rate == pytest.approx((0.5 + 1 + 0) / 3)
    assert found.n == 3
    assert np.isclose(found.days, 1)
