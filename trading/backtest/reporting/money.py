"""What the money did: P&L with its interval, the cost of trading, drawdown, and Sharpe ratios deflated by what was tried.

Dollars are Decimal; intervals and ratios, being estimates, are float. A day is a climate day on which events settled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np

from milkbot.core.arrays import Floats
from milkbot.core.money import ZERO
from milkbot.core.scoring.evidence import Interval
from milkbot.core.scoring.sharpe import expected_max_sharpe, probabilistic_sharpe
from trading.backtest.reporting.attribution import Attribution, by_date, total
from trading.backtest.reporting.comparing import mean_interval
from trading.backtest.results import BacktestResult, EquityPoint


@dataclass(frozen=True, slots=True)
class Trials:
    """Variants tried on the same recording, counted by the registry: what a Sharpe ratio is deflated by."""

    count: int = 1
    sharpe_variance: float = 0.0
    """Of their daily ratios."""


@dataclass(frozen=True, slots=True)
class Sharpe:
    """Of daily P&L over capital. Never annualised."""

    days: int
    ratio: float
    skew: float
    kurtosis: float
    """3 for a normal."""
    probabilistic: float
    """Chance that the true ratio is above 0."""
    deflated: float
    """Chance that it is above the best of as many worthless variants; with one variant, above 0."""
    trials: int

    def beyond(self, benchmark: float) -> float:
        """Chance that the true daily ratio is above `benchmark`."""
        return probabilistic_sharpe(
            self.ratio, self.days, skew=self.skew, kurtosis=self.kurtosis, benchmark=benchmark
        )


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall of equity below an earlier peak; `share` is of that peak."""

    dollars: Decimal
    share: Decimal
    at: datetime | None
    longest_under: timedelta
    """The longest time from a peak to the next one, or to the end."""


@dataclass(frozen=True, slots=True)
class Money:
    """Everything about the account."""

    capital: Decimal
    last_equity: Decimal | None
    pnl: Decimal
    """Of settled trades, after fees."""
    pnl_interval: Interval | None
    """95 % for days like these; None for too few."""
    parts: Attribution
    costs: Decimal
    """Fees, and what was paid beyond the mid: what trading at random costs."""
    closing_line_interval: Interval | None
    """Of the dollars won or lost against the market's last mid, before fees."""
    staked: Decimal
    trades: int
    open_trades: int
    """Whose outcome the recording does not tell: in no figure above."""
    days: int
    drawdown: Drawdown
    sharpe: Sharpe | None
    """None when fewer than two days or nothing was won or lost."""

    @property
    def is_like_chance(self) -> bool | None:
        """Whether the P&L of somebody who knows nothing, minus the costs, lies in the interval."""
        if self.pnl_interval is None:
            return None
        return self.pnl_interval.low <= -float(self.costs) <= self.pnl_interval.high


def measure_money(result: BacktestResult, trials: Trials) -> Money:
    """From a whole result."""
    parts = total(result.trades)
    days = event_days(result)
    dated = by_date(result.trades)
    daily = np.asarray([float(dated[day].pnl) if day in dated else 0.0 for day in days])
    lines = np.asarray([float(dated[day].closing_line) if day in dated else 0.0 for day in days])
    settled = [trade for trade in result.trades if trade.outcome is not None]
    return Money(
        capital=result.options.capital,
        last_equity=result.equity[-1].equity if result.equity else None,
        pnl=parts.pnl,
        pnl_interval=_summed(daily, result.options.seed),
        parts=parts,
        costs=-parts.fee + max(ZERO, -parts.slippage),
        closing_line_interval=_summed(lines, result.options.seed),
        staked=sum((trade.count * _stake(trade.price, trade.buys_yes) for trade in settled), ZERO),
        trades=len(settled),
        open_trades=len(result.trades) - len(settled),
        days=len(days),
        drawdown=drawdown(result.equity),
        sharpe=sharpe_of(daily / float(result.options.capital), trials),
    )


def event_days(result: BacktestResult) -> tuple[date, ...]:
    """Climate days on which anything was scored or traded, in order: a day without a trade is a day of P&L 0."""
    scored = {ladder.event_date for ladder in result.scores}
    return tuple(sorted(scored | {trade.event_date for trade in result.trades}))


def drawdown(points: Sequence[EquityPoint]) -> Drawdown:
    """Of points in the order of time; nothing fell where there are none."""
    deepest = Drawdown(ZERO, ZERO, None, timedelta(0))
    if not points:
        return deepest
    peak, longest = points[0], timedelta(0)
    for point in points:
        longest = max(longest, point.at - peak.at)
        if point.equity >= peak.equity:
            peak = point
        fall = peak.equity - point.equity
        if fall > deepest.dollars:
            share = fall / peak.equity if peak.equity > ZERO else ZERO
            deepest = Drawdown(fall, share, point.at, timedelta(0))
    return Drawdown(deepest.dollars, deepest.share, deepest.at, longest)


def sharpe_of(returns: Floats, trials: Trials) -> Sharpe | None:
    """Of daily `returns`; None for fewer than two days or without any variation."""
    if returns.size < 2 or returns.std() == 0:
        return None
    ratio = float(returns.mean() / returns.std(ddof=1))
    z = (returns - returns.mean()) / returns.std()
    skew, kurtosis = float((z**3).mean()), float((z**4).mean())
    if 1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2 <= 0:
        return None
    above_zero = probabilistic_sharpe(ratio, returns.size, skew=skew, kurtosis=kurtosis)
    return deflate(Sharpe(returns.size, ratio, skew, kurtosis, above_zero, above_zero, 1), trials)


def deflate(sharpe: Sharpe, trials: Trials) -> Sharpe:
    """The same ratio, deflated by so many."""
    if trials.count < 2:
        return replace(sharpe, deflated=sharpe.probabilistic, trials=trials.count)
    benchmark = expected_max_sharpe(trials.count, trials.sharpe_variance)
    return replace(sharpe, deflated=sharpe.beyond(benchmark), trials=trials.count)


def _summed(daily: Floats, seed: int) -> Interval | None:
    """Interval of the sum of days like these."""
    interval = mean_interval(daily, seed)
    return interval and Interval(interval.low * daily.size, interval.high * daily.size)


def _stake(price: Decimal, buys_yes: bool) -> Decimal:
    return price if buys_yes else 1 - price
