"""Garbage is left alone for as long as a backtest lasts, and not a moment longer."""

import gc

import pytest

from trading.backtest.forked import without_collecting


@without_collecting()
def broken() -> None:
    raise ValueError("is on" if gc.isenabled() else "is off")


@pytest.mark.parametrize("was_on", [True, False])
def test_collecting_is_as_it_was_when_the_work_ends_or_fails(was_on: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if was_on else gc.disable)()
        with pytest.raises(ValueError, match="is off"):
            broken()
        assert gc.isenabled() is was_on
    finally:
        (gc.enable if before else gc.disable)()
