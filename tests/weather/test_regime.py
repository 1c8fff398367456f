"""The factor on the variance grows with revision, miss and distance, and its name follows it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weather.domain.regime import DIVIDED_F, UNSETTLED_FACTOR, regime_of, unrest
from weather.domain.types import Regime

steps = st.floats(-30, 30)


def test_a_quiet_day_is_no_wider() -> None:
    assert unrest(0, 0, 0) == 1
    assert regime_of(0, 0, 0) is Regime.NORMAL


@pytest.mark.parametrize(
    ("revision_f", "miss_f", "apart_f", "expected"),
    [
        (3.5, 0, 0, Regime.NORMAL),
        (3.6, 0, 0, Regime.UNSETTLED),
        (-3.6, 0, 0, Regime.UNSETTLED),
        (0, -5.1, 0, Regime.UNSETTLED),
        (2, 2, 3, Regime.UNSETTLED),
        (0, 0, DIVIDED_F, Regime.DIVIDED),
        (8, 8, DIVIDED_F, Regime.DIVIDED),
    ],
)
def test_days_have_the_name_of_what_moves(
    revision_f: float, miss_f: float, apart_f: float, expected: Regime
) -> None:
    assert regime_of(revision_f, miss_f, apart_f) is expected


@given(revision=steps, miss=steps, apart=st.floats(0, 30))
def test_more_unrest_never_narrows_and_the_name_follows_the_factor(
    revision: float, miss: float, apart: float
) -> None:
    factor = unrest(revision, miss, apart)
    assert 1 <= factor <= unrest(revision, miss, apart + 1)
    assert factor <= unrest(2 * revision, 2 * miss, apart)
    assert (regime_of(revision, miss, apart) is Regime.NORMAL) is (
        factor < UNSETTLED_FACTOR and apart < DIVIDED_F
    )
