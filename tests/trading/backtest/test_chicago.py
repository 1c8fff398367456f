"""Chicago, May 2025, on recorded prices: everyone's losses at five times of day beside the market's, printed with -s."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from trading.backtest.engine import run_backtest
from trading.backtest.reporting.comparing import NAMES, OURS, REFERENCES
from trading.backtest.reporting.losses import LADDER_METRICS
from trading.backtest.reporting.money import Trials
from trading.backtest.reporting.report import Group, Report, make_report
from trading.backtest.results import (
    CLIMATOLOGY,
    FLAT,
    FORECASTERS,
    MARKET,
    P_MODEL,
    P_TRADE,
    POINT_SPREAD,
    BacktestOptions,
    BacktestResult,
)

NOW = datetime(2026, 11, 20, tzinfo=UTC)
MAY = BacktestOptions(
    first=date(2025, 5, 1),
    last=date(2025, 5, 31),
    cities=("CHI",),
    strategy=None,
    seed=7,
    assumed_depth=Decimal(10),
    capital=Decimal(10_000),
)
MOST_WORSE_NATS = 0.01
"""Than the market, for p_trade."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def result(shared_data: Path) -> BacktestResult:
    return run_backtest(shared_data, MAY, NOW)


@pytest.fixture(scope="module")
def report(result: BacktestResult) -> Report:
    return make_report(result, Trials())


def printed(report: Report) -> str:
    """Losses with n, and differences in log loss with their intervals, for every hour."""
    lines = []
    for group in (*report.by_hour, report.overall):
        lines += ["", f"{group.name}, standard time" if group is not report.overall else "all hours"]
        lines += [
            f"  {NAMES[line.forecaster]:15} n {line.n:3}  log {_number(line.log)}  Brier {_number(line.brier)}  "
            f"RPS {_number(line.rps)}"
            for line in group.scores
        ]
        lines += [f"  {found.sentence}" for found in group.comparisons if found.metric == "log"]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "    —" if value is None else f"{value:.3f}"


def mean(group: Group, subject: str, reference: str) -> float:
    found = group.comparison(subject, reference)
    assert found is not None
    assert found.mean is not None, f"{subject} and {reference} never met at {group.name}"
    return found.mean


def test_everybody_is_scored_at_five_times_of_day_by_every_score_with_intervals(report: Report) -> None:
    print(printed(report))  # noqa: T201 - the table is what this test is for
    assert len(report.by_hour) == 5
    for group in (*report.by_hour, report.overall):
        assert [line.forecaster for line in group.scores] == list(FORECASTERS)
        assert len(group.comparisons) == len(OURS) * len(REFERENCES) * len(LADDER_METRICS)
        for line in group.scores:
            assert line.n >= 10, (group.name, line.forecaster)
        assert all(found.interval is not None for found in group.comparisons), group.name


def test_the_model_beats_the_season_and_the_point_forecast_with_a_spread(report: Report) -> None:
    """All hours together; the recording has no observations, so what the model knows it knows from forecasts."""
    for reference in (CLIMATOLOGY, POINT_SPREAD):
        assert mean(report.overall, P_MODEL, reference) < 0, reference


def test_the_model_beats_who_gives_each_bracket_a_sixth(report: Report) -> None:
    """Which knows where the ladder was laid: so does the model, where the recording lacks the weather service."""
    assert mean(report.overall, P_MODEL, FLAT) < 0


def test_what_is_traded_on_is_as_good_as_the_market_or_better(report: Report) -> None:
    for group in (report.overall, *report.by_hour):
        assert mean(group, P_TRADE, MARKET) <= MOST_WORSE_NATS, group.name


def test_nothing_of_later_days_reached_an_earlier_one(
    result: BacktestResult, report: Report, shared_data: Path
) -> None:
    """Weights, biases and spreads are learned strictly before: without the second half of May the first is the same."""
    half = run_backtest(shared_data, replace(MAY, last=date(2025, 5, 15)), NOW)
    first = [one for one in result.scores if one.event_date <= date(2025, 5, 15)]
    assert list(half.scores) == first
    assert report.flags == ()
