"""Losses, paired differences, and what is said of them."""

from datetime import timedelta

import numpy as np
import pytest

from tests.trading.backtest.reporting import made
from trading.backtest.reporting.comparing import (
    LEAST_DAYS,
    Verdict,
    compare,
    compare_all,
    mean_interval,
    score_lines,
)
from trading.backtest.reporting.losses import Metric, daily_means, loss_table
from trading.backtest.results import FLAT, MARKET, P_MODEL, P_TRADE, ScoredLadder

SAID: dict[str, tuple[float, ...]] = {
    MARKET: (0.2, 0.5, 0.3),
    P_MODEL: (0.1, 0.8, 0.1),
    FLAT: (1 / 3, 1 / 3, 1 / 3),
}


def days(count: int, **said: tuple[float, ...]) -> list[ScoredLadder]:
    return [made.one_ladder(said or SAID, 1, made.FIRST + timedelta(days=offset)) for offset in range(count)]


def test_losses_are_those_of_the_scores_and_nan_where_somebody_was_silent() -> None:
    table = loss_table([made.one_ladder(SAID, 1), made.one_ladder({FLAT: (0.2, 0.3, 0.5)}, 2)])
    np.testing.assert_allclose(table.of(P_MODEL, Metric.LOG), [-np.log(0.8), np.nan])
    np.testing.assert_allclose(table.of(MARKET, Metric.BRIER), [0.04 + 0.25 + 0.09, np.nan])
    np.testing.assert_allclose(table.of(FLAT, Metric.RPS), [2 / 9, 0.04 + 0.25])
    assert np.isnan(table.of(P_TRADE, Metric.LOG)).all()
    assert np.isnan(table.of(MARKET, Metric.CRPS)).all()


def test_ladders_of_unequal_length_are_scored_together() -> None:
    longer = made.one_ladder({FLAT: (0.25, 0.25, 0.25, 0.25)}, 3)
    wide = ScoredLadder(
        **{
            **{name: getattr(longer, name) for name in ScoredLadder.__slots__},
            "brackets": ((None, 69), (70, 71), (72, 73), (74, None)),
        }
    )
    table = loss_table([made.one_ladder(SAID, 0), wide])
    np.testing.assert_allclose(table.of(FLAT, Metric.LOG), [np.log(3), np.log(4)])


def test_hours_of_an_event_count_once_and_cities_of_a_date_are_averaged_first() -> None:
    """One city scored at three hours must not outweigh another scored at one."""
    told = [
        *(made.one_ladder(SAID, 1, city="CHI", hour=hour) for hour in (7, 10, 13)),
        made.one_ladder(SAID, 1, city="NYC"),
        made.one_ladder(SAID, 1, made.FIRST + timedelta(days=1), city="CHI"),
    ]
    table = loss_table(told)
    found, daily = daily_means(table, np.asarray([1.0, 2.0, 3.0, 6.0, 9.0]), table.everywhere)
    assert found == (made.FIRST, made.FIRST + timedelta(days=1))
    assert daily.tolist() == [4.0, 9.0]


def test_a_certain_miss_is_cut_off_and_counted() -> None:
    table = loss_table([made.one_ladder({P_MODEL: (1.0, 0.0, 0.0)}, 1)])
    line = next(one for one in score_lines(table, table.everywhere) if one.forecaster == P_MODEL)
    assert line.clipped == 1
    assert line.log == pytest.approx(-np.log(1e-4))


def test_everybody_is_printed_even_who_said_nothing() -> None:
    table = loss_table(days(3))
    silent = next(one for one in score_lines(table, table.everywhere) if one.forecaster == P_TRADE)
    assert (silent.n, silent.log) == (0, None)
    assert compare(table, P_TRADE, MARKET, Metric.LOG, table.everywhere, 7).sentence == (
        "p_trade and market were never scored together."
    )


def test_a_constant_advantage_is_seen() -> None:
    table = loss_table(days(30))
    found = compare(table, P_MODEL, MARKET, Metric.LOG, table.everywhere, 7)
    assert found.mean == pytest.approx(np.log(0.5 / 0.8))
    assert found.verdict is Verdict.BETTER
    assert found.sentence.startswith("p_model is better than market: −0.470 nats (95% ")
    assert found.dm is None, "without variance there is no test"


def test_few_days_give_neither_interval_nor_verdict() -> None:
    table = loss_table(days(LEAST_DAYS - 1))
    found = compare(table, P_MODEL, MARKET, Metric.LOG, table.everywhere, 7)
    assert found.interval is None
    assert found.verdict is Verdict.TOO_FEW
    assert "too few to tell" in found.sentence


def test_equals_are_not_distinguishable_from_zero_and_that_is_said() -> None:
    """The model sees the same weather as the market through another error."""
    table = loss_table(made.ladders(made.World(days=60, model_sigma=2.3)))
    found = compare(table, P_MODEL, MARKET, Metric.LOG, table.everywhere, 7)
    assert found.verdict is Verdict.NOT_DISTINGUISHABLE
    assert "not distinguishable from zero" in found.sentence
    assert found.days_needed is not None
    assert found.days_needed > found.days


def test_a_biased_model_is_worse_and_the_test_agrees_with_the_interval() -> None:
    table = loss_table(made.ladders(made.World(days=90, model_bias=1.5)))
    found = compare(table, P_MODEL, MARKET, Metric.LOG, table.everywhere, 7)
    assert found.verdict is Verdict.WORSE
    assert found.dm is not None
    assert found.dm > 0
    assert found.p_value is not None
    assert found.p_value < 0.05


def test_both_of_ours_meet_every_reference_by_every_score() -> None:
    table = loss_table(days(12))
    found = compare_all(table, table.everywhere, 7)
    assert len(found) == 2 * 4 * 3
    assert len({(one.subject, one.reference, one.metric) for one in found}) == len(found)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """200 series of 60 days that hang together like weather: 95 % intervals, somewhat short at this length."""
    chance = np.random.default_rng(11)
    held = 0
    for turn in range(200):
        noise = chance.standard_normal(61)
        interval = mean_interval(noise[1:] + 0.5 * noise[:-1], seed=turn)
        assert interval is not None
        held += interval.low <= 0 <= interval.high
    assert 0.85 <= held / 200 <= 0.99
