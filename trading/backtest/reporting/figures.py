"""The plots of a report. Amber is the market, cyan is Milkbot, grey is everything else; blue gains and vermilion loses."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from trading.backtest.reporting.attribution import Attribution
from trading.backtest.reporting.calibration import Pit, Reliability
from trading.backtest.reporting.comparing import NAMES, OURS
from trading.backtest.reporting.drawing import (
    GAIN,
    LOSS,
    MARKET_COLOUR,
    NARROW,
    OUR_COLOUR,
    PANEL,
    SECONDARY,
    TERTIARY,
    date_ticks,
    draw,
    plain_axes,
)
from trading.backtest.reporting.report import Group, Running
from trading.backtest.results import (
    CLIMATOLOGY,
    FLAT,
    MARKET,
    P_MODEL,
    P_TRADE,
    POINT_SPREAD,
    EquityPoint,
)

MOST_POINTS: Final = 2000
"""Of the equity line; more are thinned to the first, lowest, highest and last of each stretch."""
_WAYS: Final = {
    MARKET: (MARKET_COLOUR, "solid", 2.0),
    P_MODEL: (OUR_COLOUR, "solid", 2.0),
    P_TRADE: (OUR_COLOUR, (0, (3, 2)), 2.0),
    FLAT: (TERTIARY, (0, (1, 3)), 1.2),
    CLIMATOLOGY: (TERTIARY, (0, (6, 3)), 1.2),
    POINT_SPREAD: (SECONDARY, "solid", 1.2),
}
"""Colour, dashes and width of everyone's line."""


class Drawn(NamedTuple):
    """A plot and what it shows, in words."""

    svg: str
    sentence: str


def equity_plot(name: str, points: Sequence[EquityPoint], capital: float, width: int) -> Drawn | None:
    """Equity over the share below its last peak; None without points."""
    if not points:
        return None
    shown = _thinned(points)
    at = date2num([point.at for point in shown])
    equity = np.asarray([float(point.equity) for point in shown])
    peak = np.maximum.accumulate(equity)
    below = (equity / peak - 1) * 100

    def paint(figure: Figure) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.fill_between(at, equity, peak, step="post", color=LOSS, alpha=0.22, linewidth=0)
        upper.axhline(capital, color=TERTIARY, linewidth=1, linestyle=(0, (2, 3)))
        upper.plot(at, equity, color=OUR_COLOUR, drawstyle="steps-post")
        upper.plot(at[-1:], equity[-1:], "o", color=OUR_COLOUR, markersize=7, markeredgecolor=PANEL)
        upper.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        lower.fill_between(at, below, 0, step="post", color=LOSS, alpha=0.55, linewidth=0)
        lower.yaxis.set_major_locator(MaxNLocator(2))
        lower.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _signed(value, 1, "%")))
        date_ticks(lower, at[0], at[-1], 4 if width == NARROW else 9)
        for axes in (upper, lower):
            plain_axes(axes)
            axes.margins(x=0.01)

    sentence = (
        f"Equity from {points[0].at:%d %b %Y} to {points[-1].at:%d %b %Y}: started with ${capital:,.2f}, "
        f"ended with ${points[-1].equity:,.2f}; at worst {_signed(float(below.min()), 1, '%')} below an earlier peak."
    )
    return Drawn(draw(name, paint, width=width, height=370 if width > NARROW else 300), sentence)


def attribution_plot(parts: Attribution) -> Drawn:
    """A waterfall from what was believed to what was earned."""
    named = (
        ("believed edge", float(parts.edge)),
        ("spread paid", float(parts.slippage)),
        ("fees", float(parts.fee)),
        ("market's drift", float(parts.drift)),
        ("outcomes", float(parts.outcome)),
        ("P&L", float(parts.pnl)),
    )
    starts = np.cumsum([0.0, *(value for _, value in named[:-1])])
    starts[-1] = 0

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for place, ((_, value), start) in enumerate(zip(named, starts, strict=True)):
            axes.barh(place, value, left=start, height=0.58, color=GAIN if value >= 0 else LOSS)
        ends = starts[:-1] + [value for _, value in named[:-1]]
        for place, end in enumerate(ends):
            axes.plot([end, end], [place - 0.29, place + 1.29], color=TERTIARY, linewidth=1)
        low, high = min(0.0, *starts, *ends), max(0.0, *starts, *ends)
        room = max(high - low, 1e-9)
        for place, ((_, value), start) in enumerate(zip(named, starts, strict=True)):
            axes.text(
                max(start, start + value) + 0.02 * room,
                place,
                _signed(value, 2),
                va="center",
                color=SECONDARY,
            )
        axes.axvline(0, color=TERTIARY, linewidth=1)
        axes.set_xlim(low - 0.02 * room, high + 0.36 * room)
        axes.set_yticks(range(len(named)), [name for name, _ in named])
        axes.invert_yaxis()
        axes.xaxis.set_major_locator(MaxNLocator(3))
        plain_axes(axes, grid="x")

    told = ", ".join(f"{name} {_signed(value, 2)}" for name, value in named)
    return Drawn(draw("attribution", paint, height=300), f"Dollars from belief to P&L: {told}.")


def skill_plot(groups: Sequence[Group]) -> Drawn | None:
    """Both of our log losses minus the market's at each hour, with intervals; None when never compared."""
    rows = [
        (place, group.name, found, found.mean)
        for place, group in enumerate(groups)
        for subject in OURS
        if (found := group.comparison(subject, MARKET)) and found.mean is not None
    ]
    if not rows:
        return None

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axvline(0, color=MARKET_COLOUR, linewidth=2, linestyle=(0, (4, 3)))
        for place, _, found, mean in rows:
            is_model = found.subject == P_MODEL
            line = place + (-0.16 if is_model else 0.16)
            if found.interval:
                axes.plot(found.interval, [line, line], color=OUR_COLOUR, linewidth=2)
            axes.plot(
                [mean],
                [line],
                "o",
                color=OUR_COLOUR if is_model else PANEL,
                markeredgecolor=OUR_COLOUR,
                markersize=7,
                markeredgewidth=2,
            )
        axes.set_yticks(range(len(groups)), [_short(group.name) for group in groups])
        axes.set_ylim(len(groups) - 0.5, -0.5)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _signed(value, 2)))
        axes.set_xlabel("← ours better   nats   market better →")
        plain_axes(axes, grid="x")

    told = " ".join(f"At {name}: {found.sentence}" for _, name, found, _ in rows)
    return Drawn(draw("skill", paint), told)


def hours_plot(groups: Sequence[Group]) -> Drawn | None:
    """Everyone's log loss over the day; None without scores."""
    lines = {
        name: [next(one.log for one in group.scores if one.forecaster == name) for group in groups]
        for name in _WAYS
    }
    if not any(loss is not None for losses in lines.values() for loss in losses):
        return None

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for name, losses in reversed(lines.items()):
            colour, dashes, width = _WAYS[name]
            heights = [np.nan if loss is None else loss for loss in losses]
            mark = "o" if name in (MARKET, *OURS) else None
            axes.plot(heights, color=colour, linestyle=dashes, linewidth=width, marker=mark, markersize=5)
        axes.set_xticks(range(len(groups)), [_short(group.name) for group in groups])
        axes.set_ylim(bottom=0)
        axes.margins(x=0.06)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        plain_axes(axes)

    told = "; ".join(
        f"{NAMES[name]} " + ", ".join("none" if loss is None else f"{loss:.3f}" for loss in losses)
        for name, losses in lines.items()
    )
    hours = ", ".join(group.name for group in groups)
    return Drawn(draw("hours", paint), f"Mean log loss at {hours}: {told}.")


def running_plot(running: Sequence[Running]) -> Drawn | None:
    """Log loss minus the market's, summed over the days; None when never compared."""
    if not running:
        return None
    at = date2num([one.day for one in running])

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhline(0, color=MARKET_COLOUR, linewidth=2, linestyle=(0, (4, 3)))
        for name in OURS:
            heights = [np.nan if (sum_ := getattr(one, name)) is None else sum_ for one in running]
            colour, dashes, width = _WAYS[name]
            axes.plot(at, heights, color=colour, linestyle=dashes, linewidth=width)
        date_ticks(axes, at[0], at[-1], 4)
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _signed(value, 1)))
        axes.margins(x=0.02)
        plain_axes(axes)

    last = running[-1]
    ends = ", ".join(
        f"{NAMES[name]} {_signed(value, 2)}" for name in OURS if (value := getattr(last, name)) is not None
    )
    return Drawn(
        draw("running", paint), f"Summed log loss minus the market's after {last.day:%d %b %Y}: {ends} nats."
    )


def reliability_plot(found: Sequence[Reliability]) -> Drawn | None:
    """What was said against what happened, for our model and the market; None without bins."""
    shown = {one.forecaster: one for one in found if one.forecaster in (P_MODEL, MARKET) and one.bins}
    if not shown:
        return None

    def paint(figure: Figure) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        upper.plot([0, 1], [0, 1], color=TERTIARY, linewidth=1, linestyle=(0, (2, 3)))
        for name, one in sorted(shown.items(), reverse=True):
            _reliability_line(upper, one, _WAYS[name][0])
        top = _top(shown.values())
        upper.set_ylim(0, top)
        upper.yaxis.set_major_locator(MaxNLocator(4))
        upper.set_ylabel("happened")
        _sharpness(lower, shown.values())
        lower.set_xlim(0, top)
        lower.xaxis.set_major_locator(MaxNLocator(5))
        lower.set_xlabel("said")

    told = " ".join(
        f"{NAMES[name]}: " + ", ".join(f"said {b.said:.2f} happened {b.happened:.2f}" for b in one.bins) + "."
        for name, one in shown.items()
    )
    return Drawn(draw("reliability", paint, height=300), told)


def pit_plot(found: Pit | None) -> Drawn | None:
    """Histogram of places of the highs in our distribution; None when unknown."""
    if found is None:
        return None

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        places = (np.arange(len(found.counts)) + 0.5) / len(found.counts)
        axes.axhspan(found.low, found.high, color=TERTIARY, alpha=0.18, linewidth=0)
        axes.axhline(found.expected, color=TERTIARY, linewidth=1, linestyle=(0, (2, 3)))
        axes.bar(places, found.counts, width=0.086, color=OUR_COLOUR)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.1 * max(*found.counts, found.high))
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.set_xlabel("place of the settled high in our distribution")
        plain_axes(axes)

    counts = ", ".join(str(count) for count in found.counts)
    return Drawn(
        draw("pit", paint, height=300),
        f"Highs by tenth of the distribution: {counts}; {found.expected:.0f} expected in each, "
        f"{found.low:.0f} to {found.high:.0f} nineteen times in twenty.",
    )


def _reliability_line(axes: Axes, one: Reliability, colour: str) -> None:
    said = [b.said for b in one.bins]
    axes.vlines(
        said, [b.low for b in one.bins], [b.high for b in one.bins], color=colour, alpha=0.35, linewidth=5
    )
    axes.plot(said, [b.happened for b in one.bins], color=colour, marker="o", markersize=5, linewidth=1.2)


def _sharpness(axes: Axes, found: Iterable[Reliability]) -> None:
    for turn, one in enumerate(found):
        places = np.arange(10) / 10 + (0.03 if turn == 0 else 0.07)
        share = np.asarray(one.sharpness) / max(1, one.contracts)
        axes.bar(places, share, width=0.035, color=_WAYS[one.forecaster][0])
    axes.set_yticks([])
    axes.grid(visible=False)


def _top(found: Iterable[Reliability]) -> float:
    heights = [max(b.said, b.happened, b.high) for one in found for b in one.bins]
    return min(1.0, max(heights) + 0.08)


def _thinned(points: Sequence[EquityPoint]) -> list[EquityPoint]:
    if len(points) <= MOST_POINTS:
        return list(points)
    cuts = np.linspace(0, len(points), MOST_POINTS // 4 + 1).astype(int).tolist()
    kept: list[EquityPoint] = []
    for low, high in pairwise(cuts):
        piece = points[low:high]
        worst, best = min(piece, key=_worth), max(piece, key=_worth)
        kept += sorted({piece[0], worst, best, piece[-1]}, key=lambda point: point.at)
    return kept


def _worth(point: EquityPoint) -> float:
    return float(point.equity)


def _short(name: str) -> str:
    """A line of its own for the day keeps labels from running into each other."""
    return name.replace(" the day before", "\nday −1")


def _signed(value: float, places: int, unit: str = "") -> str:
    text = f"{value:+z.{places}f}"
    return ("0" if not value else text.replace("-", "−")) + unit
