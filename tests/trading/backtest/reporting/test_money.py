"""P&L with its interval, drawdown, and ratios deflated by what was tried."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from milkbot.core.scoring.sharpe import deflated_sharpe, probabilistic_sharpe
from tests.trading.backtest.reporting import made
from trading.backtest.reporting.money import Trials, drawdown, event_days, measure_money, sharpe_of
from trading.backtest.results import EquityPoint, Trade

START = datetime(2025, 1, 1, tzinfo=UTC)


def points(*equity: int) -> list[EquityPoint]:
    return [
        EquityPoint(START + timedelta(days=day), Decimal(value), Decimal(0))
        for day, value in enumerate(equity)
    ]


def test_the_deepest_fall_is_from_the_last_peak_and_the_longest_time_to_the_next_or_the_end() -> None:
    found = drawdown(points(1000, 1100, 990, 1050, 1100, 1120, 1008))
    assert found.dollars == 112
    assert found.share == Decimal(112) / 1120
    assert found.at == START + timedelta(days=6)
    assert found.longest_under == timedelta(days=3)


def test_nothing_fell_where_nothing_is_known_or_all_rose() -> None:
    assert drawdown([]).at is None
    assert drawdown(points(1, 2, 3)).dollars == 0


def test_a_day_without_a_trade_is_a_day_of_nothing() -> None:
    world = made.World(days=20)
    found = measure_money(made.result(world, traded=[made.trade()]), Trials())
    assert found.days == 20 == len(event_days(made.result(world, traded=[])))
    assert found.pnl == Decimal("6.85")


def test_trades_without_an_outcome_are_counted_and_left_out() -> None:
    found = measure_money(made.result(traded=[made.trade(outcome=None), made.trade()]), Trials())
    assert (found.trades, found.open_trades, found.pnl) == (1, 1, Decimal("6.85"))


def test_a_fair_bet_loses_its_costs_and_cannot_be_told_from_chance() -> None:
    found = measure_money(made.result(made.World(days=200)), Trials())
    assert (
        found.costs == Decimal("0.25") * 400
    ), "one cent and a half of fee, one cent of spread, ten contracts"
    assert found.pnl_interval is not None
    assert found.is_like_chance


def test_a_bet_that_always_wins_is_told_from_chance() -> None:
    always = [made.trade(day=made.FIRST + timedelta(days=day)) for day in range(30)]
    always[3] = made.trade(day=made.FIRST + timedelta(days=3), count="11")
    found = measure_money(made.result(traded=always), Trials())
    assert found.is_like_chance is False


def test_few_days_cannot_tell() -> None:
    found = measure_money(made.result(made.World(days=4)), Trials())
    assert found.is_like_chance is None
    assert found.pnl_interval is None


def test_makers_who_earn_the_spread_pay_only_fees() -> None:
    earned = made.trade(price="0.28", mid="0.29", fee="0.05")
    assert measure_money(made.result(traded=[earned]), Trials()).costs == Decimal("0.05")


def test_the_ratio_is_judged_by_its_moments_and_by_the_number_of_tries() -> None:
    returns = np.random.default_rng(3).standard_normal(250) * 0.01 + 0.001
    alone, among = sharpe_of(returns, Trials()), sharpe_of(returns, Trials(45, 0.0036))
    assert alone is not None
    assert among is not None
    moments = {"skew": alone.skew, "kurtosis": alone.kurtosis}
    assert alone.probabilistic == alone.deflated == probabilistic_sharpe(alone.ratio, 250, **moments)
    assert among.deflated == deflated_sharpe(alone.ratio, 250, trials=45, variance=0.0036, **moments)
    assert among.deflated < alone.deflated


@pytest.mark.parametrize("returns", [[], [0.1], [0.1, 0.1], [0.0] * 30])
def test_without_variation_there_is_no_ratio(returns: list[float]) -> None:
    assert sharpe_of(np.asarray(returns), Trials()) is None


def test_no_trade_at_all_is_a_result_too() -> None:
    none: list[Trade] = []
    found = measure_money(made.result(traded=none), Trials())
    assert (found.pnl, found.trades) == (Decimal(0), 0)
    assert found.last_equity is None
    assert found.sharpe is None
