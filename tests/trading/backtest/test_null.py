"""Null tests of a backtest (probability-and-sizing.md 6.5): who knows nothing loses his costs, and who knows too much is caught."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from milkbot.core.cities import load_cities
from milkbot.core.climate_day import climate_day_bounds
from milkbot.core.scoring.evidence import block_bootstrap
from sandbox.world.market_fair import LAG, makers_lag
from tests.trading.backtest.fair_worlds import KNOWN_AFTER, MORNING, FairWorld, write_world
from trading.backtest.engine import run_backtest
from trading.backtest.recorded import read_recorded
from trading.backtest.recorded_types import Recording
from trading.backtest.reporting.comparing import Verdict
from trading.backtest.reporting.money import Trials, measure_money
from trading.backtest.reporting.report import Report, make_report
from trading.backtest.reporting.suspicion import LOOKAHEAD_SUSPECTED, Check
from trading.backtest.results import (
    CLIMATOLOGY,
    MARKET,
    P_MODEL,
    P_TRADE,
    BacktestOptions,
    BacktestResult,
    Liquidity,
    Trade,
)
from trading.domain.policy import Policy
from trading.domain.types import OrderState, ReasonCode

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 20, tzinfo=UTC)
WORLD_SEED = 7
FOUR = ("CHI", "NYC", "AUS", "DEN")
EAGER = Policy(min_edge_taker=Decimal("0.005"), min_edge_share_of_cost=Decimal("0.01"))
"""Trades on less than anybody should, so that a world of months holds bets enough to tell."""


def lived(
    folder: Path, first: date, days: int, cities: Sequence[str], policy: Policy | None = None
) -> tuple[BacktestResult, Report]:
    """What the strategies made of a recording."""
    options = BacktestOptions(
        first=first,
        last=first + timedelta(days=days - 1),
        cities=tuple(cities),
        strategy=None,
        seed=7,
        assumed_depth=Decimal(100),
        capital=Decimal(10_000),
        policy=policy or Policy(),
    )
    result = run_backtest(folder, options, NOW, processes=1)
    return result, make_report(result, Trials())


def of_world(folder: Path, world: FairWorld, policy: Policy | None = None) -> tuple[BacktestResult, Report]:
    return lived(write_world(folder, world), world.first, world.days, world.cities, policy)


def only(result: BacktestResult, liquidity: Liquidity) -> BacktestResult:
    """What was taken, or what was filled while it rested."""
    return replace(result, trades=tuple(t for t in result.trades if t.liquidity is liquidity))


def gross(trades: Sequence[Trade]) -> dict[date, float]:
    """Dollars a contract won beyond the mid at which it was decided, a mean a day: what an edge is worth before costs."""
    won: dict[date, list[float]] = defaultdict(list)
    for trade in trades:
        if trade.outcome is not None and trade.mid is not None:
            won[trade.event_date].append(
                (float(trade.outcome) - float(trade.mid)) * (1 if trade.buys_yes else -1)
            )
    return {day: float(np.mean(found)) for day, found in sorted(won.items())}


def test_forecasts_stamped_a_day_too_early_are_suspected_and_the_same_ones_in_time_are_not(
    tmp_path: Path,
) -> None:
    world = {"days": 24, "history": 40}
    _, honest = of_world(tmp_path / "honest", FairWorld(**world))  # type: ignore[arg-type]
    assert honest.flags == ()
    _, leaked = of_world(tmp_path / "leaked", FairWorld(**world, leak=timedelta(hours=24)))  # type: ignore[arg-type]
    assert leaked.flags == (LOOKAHEAD_SUSPECTED,)
    fired = {one.check for one in leaked.suspicions if one.fired}
    assert fired & {Check.OWN_IDEAL, Check.ONE_DEGREE, Check.MARKET}, "by its scores, not by its profit alone"


def test_with_the_outcomes_of_other_days_there_is_no_skill(tmp_path: Path) -> None:
    """The highs of a season lie about; a forecast of one day says nothing of another's.

    Who learns how far they lie beats a guess of a sixth each without any skill: what can be known is the climatology.
    """
    _, report = of_world(tmp_path, FairWorld(days=24, history=40, shuffled=True))
    for subject in (P_MODEL, P_TRADE):
        found = report.overall.comparison(subject, CLIMATOLOGY)
        assert found is not None
        assert found.verdict is not Verdict.BETTER, found.sentence


@pytest.fixture(scope="module")
def fair(tmp_path_factory: pytest.TempPathFactory) -> tuple[BacktestResult, Report]:
    """Our forecast is the market's with an error of two degrees: every edge it sees is its own fault."""
    world = FairWorld(days=75, cities=FOUR, noise_f=2.0, seed=11)
    return of_world(tmp_path_factory.mktemp("fair"), world, EAGER)


@pytest.mark.slow
def test_against_a_fair_market_taking_loses_about_its_costs(fair: tuple[BacktestResult, Report]) -> None:
    result, report = fair
    taken = only(result, Liquidity.TAKER)
    money = measure_money(taken, Trials())
    assert money.trades >= 20, "a strategy that hardly trades proves nothing"
    assert money.parts.edge > 0, "it believed in an edge"
    assert money.costs > 0
    assert money.pnl_interval is not None
    assert money.pnl_interval.low <= -float(money.costs) <= money.pnl_interval.high
    whole = report.money.pnl_interval
    assert whole is not None
    assert whole.low < 0, "sixty bets may end on either side of nothing, but no profit is shown"
    interval = block_bootstrap(list(gross(taken.trades).values()), seed=7)
    assert interval.low <= 0 <= interval.high, "before costs there was nothing"
    skill = report.overall.comparison(P_MODEL, MARKET)
    assert skill is not None
    assert skill.verdict is not Verdict.BETTER, skill.sentence


@pytest.mark.slow
def test_no_quote_of_ours_stands_when_a_forecast_is_due(fair: tuple[BacktestResult, Report]) -> None:
    """In this world prices move only with forecasts, and five minutes before anyone could act on them: whoever trades with
    a quote that still stands then knows more than we do. Quotes were sent all the same."""
    result, _ = fair
    assert only(result, Liquidity.MAKER).trades == ()
    assert result.counts.orders_by_state[OrderState.CANCELED] > 1000
    assert result.decisions[ReasonCode.RELEASE_DUE] > 1000


@pytest.mark.slow
def test_against_a_fair_market_making_loses_about_its_costs(tmp_path: Path) -> None:
    """What is made of people who know nothing, who push prices aside at random."""
    world = FairWorld(days=30, cities=FOUR, noise_f=2.0, seed=11, swept=True)
    result, _ = of_world(tmp_path, world, EAGER)
    made = only(result, Liquidity.MAKER)
    money = measure_money(made, Trials())
    assert money.trades >= 40, "a strategy that hardly trades proves nothing"
    assert money.pnl_interval is not None
    assert money.pnl_interval.low <= -float(money.costs) <= money.pnl_interval.high
    interval = block_bootstrap(list(gross(made.trades).values()), seed=7)
    assert interval.high > 0, "nobody who knew more was on the other side"


@pytest.mark.slow
def test_a_planted_edge_of_five_cents_is_recovered_within_its_interval(tmp_path: Path) -> None:
    """By what it pays, and by the fair price of the next morning, which tells the same with less chance in it."""
    world = FairWorld(days=100, cities=FOUR, planted=0.05, seed=11)
    result, _ = of_world(tmp_path, world, EAGER)
    evening = [
        trade
        for trade in only(result, Liquidity.TAKER).trades
        if trade.buys_yes and trade.mid is not None and 0.2 < trade.mid < 0.4 and _is_before_morning(trade)
    ]
    paid = list(gross(evening).values())
    assert len(paid) >= 20, "it is found on many days, although half of what is traded on is the price itself"
    interval = block_bootstrap(paid, seed=7)
    assert interval.low <= 0.05 <= interval.high, (interval, len(paid))
    moved = list(gains_by_morning(evening, read_recorded(tmp_path, NOW)).values())
    interval = block_bootstrap(moved, seed=7)
    assert 0 < interval.low <= 0.05 <= interval.high, (interval, len(moved))


def gains_by_morning(trades: Sequence[Trade], recording: Recording) -> dict[date, float]:
    """Dollars a contract of YES by which the mid rose until the morning's forecast was in it, a mean a day."""
    gains: dict[date, list[float]] = defaultdict(list)
    for trade in trades:
        start, _ = climate_day_bounds(trade.event_date, load_cities()[trade.city].std_offset_hours)
        later = recording.quote_at(trade.ticker, start + MORNING + KNOWN_AFTER)
        if trade.mid is None or later is None:
            continue
        # A side that nobody quotes in this world is worth less than a cent, or more than 99.
        bid = 0.0 if later.yes_bid is None else float(later.yes_bid)
        ask = 1.0 if later.yes_ask is None else float(later.yes_ask)
        gains[trade.event_date].append((bid + ask) / 2 - float(trade.mid))
    return {day: float(np.mean(found)) for day, found in sorted(gains.items())}


def _is_before_morning(trade: Trade) -> bool:
    offset = load_cities()[trade.city].std_offset_hours
    return (trade.decided_at + timedelta(hours=offset)).date() < trade.event_date


@pytest.mark.slow
def test_the_lag_of_the_simulated_world_is_found_where_it_is_and_bounded(tmp_path: Path) -> None:
    """On 15 % of events makers take note of a forecast 20 minutes late. Nothing else in the world is mispriced.

    We see a forecast ten minutes after its release. What is traded within those 20 minutes gains in the next half hour on
    the events that lag; on the others prices have moved already, and nothing is gained.
    """
    out = tmp_path / "world"
    first, days = date(2025, 5, 1), 100
    last = first + timedelta(days=days - 1)
    command = [sys.executable, "-m", "sandbox.export", "--seed", str(WORLD_SEED)]
    subprocess.run(
        [*command, "--from", f"{first}", "--to", f"{last}", "--out", str(out)], cwd=ROOT, check=True
    )
    result, report = lived(out, first, days, tuple(load_cities()), EAGER)
    assert Check.MARKET not in {one.check for one in report.suspicions if one.fired}

    gains = gains_after_news(result.trades, read_recorded(out, NOW))
    late, prompt = gains[True], gains[False]
    assert len(late) >= 20
    found = float(np.mean(late))
    assert found > 3 * float(np.std(late)) / sqrt(len(late)), "the lag is found"
    assert found < 0.15, "and is no more than what a degree or two of revision is worth"
    error = float(np.std(prompt)) / sqrt(len(prompt))
    assert float(np.mean(prompt)) < 0.01 + 2 * error, "on events that do not lag there is nothing to find"


def gains_after_news(trades: Sequence[Trade], recording: Recording) -> dict[bool, list[float]]:
    """Dollars a contract by which the mid moved our way in the half hour after trades on news, by whether makers lag."""
    gains: dict[bool, list[float]] = {True: [], False: []}
    for trade in trades:
        known = recording.forecast_at(trade.city, trade.event_date, trade.decided_at)
        later = recording.quote_at(trade.ticker, trade.decided_at + timedelta(minutes=30))
        if known is None or trade.decided_at - known.available_at > LAG or trade.liquidity is Liquidity.MAKER:
            continue
        if trade.mid is None or later is None or later.yes_bid is None or later.yes_ask is None:
            continue
        moved = float((later.yes_bid + later.yes_ask) / 2 - trade.mid)
        gains[makers_lag(WORLD_SEED, trade.event_ticker)].append(moved if trade.buys_yes else -moved)
    return gains
