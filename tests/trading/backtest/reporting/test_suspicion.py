"""The check for look-ahead fires on leaks and keeps still for honest, cautious, biased and lucky forecasters."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trading.backtest.reporting import made
from trading.backtest.reporting.losses import loss_table
from trading.backtest.reporting.money import Trials, sharpe_of
from trading.backtest.reporting.suspicion import Check, best_ideal, own_ideal, suspicions


def fired(world: made.World) -> set[Check]:
    return {one.check for one in suspicions(loss_table(made.ladders(world)), None, 7) if one.fired}


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(made.World(), id="as good as the market"),
        pytest.param(made.World(model_sigma=3.0), id="cautious"),
        pytest.param(made.World(model_sigma=1.5), id="too sure"),
        pytest.param(made.World(model_bias=2.0), id="biased"),
        pytest.param(made.World(days=9, model_knows=0.9), id="too short to tell"),
    ],
)
def test_honest_forecasters_are_not_suspected(world: made.World) -> None:
    assert fired(world) == set()


def test_hardly_any_honest_world_is_suspected() -> None:
    alarms = [
        seed for seed in range(30) if fired(made.World(days=40, cities=("CHI",), hours=(7,), seed=seed))
    ]
    assert len(alarms) <= 2


@pytest.mark.parametrize("sigma", [2.2, 0.8, 0.4])
def test_a_leak_is_found_whether_or_not_the_spread_was_learned_from_it(sigma: float) -> None:
    """A model told nine tenths of the day's deviation errs by a quarter of a degree, whatever spread it claims."""
    assert fired(made.World(days=40, model_knows=0.9, model_sigma=sigma))


def test_the_ideal_rows_are_those_of_the_reference() -> None:
    """Section 6.2: a perfect forecaster with a spread of 1 °F loses 0.870 on four two-degree brackets and two tails.

    That is the mean over all places of its forecast within the two degrees in the middle.
    """
    ladder = made.one_ladder({"p_model": (0.25, 0.5, 0.25)}, 1)
    assert own_ideal(ladder) == pytest.approx(1.5 * np.log(2))
    brackets = ((None, 66), (67, 68), (69, 70), (71, 72), (73, 74), (75, None))
    places = [replace(ladder, brackets=brackets, mean_f=69.5 + step / 50) for step in range(101)]
    assert np.mean([best_ideal(place) for place in places]) == pytest.approx(0.870, abs=1e-3)
    assert best_ideal(replace(places[0], local_hour=13)) is None
    assert best_ideal(ladder) is None


def test_a_yearly_ratio_beyond_three_is_a_report_of_a_bug() -> None:
    chance = np.random.default_rng(5).standard_normal(300)
    lucky, absurd = sharpe_of(chance + 0.05, Trials()), sharpe_of(chance + 0.6, Trials())
    table = loss_table(made.ladders(made.World(days=12)))
    assert not any(one.fired for one in suspicions(table, lucky, 7))
    assert [one.check for one in suspicions(table, absurd, 7) if one.fired] == [Check.SHARPE]


def test_every_check_is_told_of_even_without_anything_to_check() -> None:
    found = suspicions(loss_table([]), None, 7)
    assert [one.check for one in found] == list(Check)
    assert not any(one.fired or one.margin for one in found)
