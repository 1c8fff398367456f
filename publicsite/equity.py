"""The equity panel: figures in words, and the geometry of a chart drawn on the server as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from analytics.public import EquityPoint
from milkbot.core.money import ZERO, signed_dollars
from publicsite import words

SHOWN_DAYS = 30
_SIZE = 1000
_X_TICKS = 5
_LEAST_RANGE = 10.0
_TABLE_DAYS = 7
_LABEL_ROOM = 0.15
"""Share of the height that the label of the deepest fall needs below its point."""
_EDGE = 0.12
"""Share of the width at either side where a centred label would leave the chart."""


@dataclass(frozen=True)
class Tick:
    """An axis label at `at` percent of the axis."""

    at: str
    label: str


@dataclass(frozen=True)
class Drawdown:
    """A fall below an earlier peak: never negative, `share` of that peak, deepest at `at`."""

    dollars: Decimal
    share: Decimal
    at: datetime


@dataclass(frozen=True)
class DayEnd:
    """The account at a day's last released point."""

    day: str
    realized: str
    unrealized: str
    equity: str


@dataclass(frozen=True)
class Chart:
    """Paths in a 1000 × 1000 box, y downwards; ticks and dots in percent."""

    equity: str
    realized: str
    below_peak: str
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    last_x: str
    last_y: str
    deepest_x: str
    deepest_y: str
    deepest_anchor: str
    """`start`, `middle` or `end`: which way the deepest fall's label has room."""


@dataclass(frozen=True)
class EquityPanel:
    """Everything the template prints."""

    as_of: str
    equity: str
    started_with: str
    change: str
    change_percent: str
    is_gain: bool
    realized: str
    unrealized: str
    drawdown: str
    drawdown_percent: str
    has_drawdown: bool
    sentence: str
    chart: Chart
    days: tuple[DayEnd, ...]


def build_panel(points: Sequence[EquityPoint]) -> EquityPanel | None:
    """The panel of released `points`, oldest first; None while there is none."""
    if not points:
        return None
    last = points[-1]
    started = last.total_equity - last.realized_pnl - last.unrealized_pnl
    change = last.total_equity - started
    drawdown = deepest_drawdown(points)
    fall = signed_dollars(-drawdown.dollars) if drawdown.dollars else "none"
    return EquityPanel(
        as_of=f"{last.at:%H:%M} UTC",
        equity=f"${last.total_equity:,.2f}",
        started_with=f"${started:,.2f}",
        change=signed_dollars(change),
        change_percent=f"{change / started:+z.2%}".replace("-", "−"),
        is_gain=change >= 0,
        realized=signed_dollars(last.realized_pnl),
        unrealized=signed_dollars(last.unrealized_pnl),
        drawdown=fall,
        drawdown_percent=f"{drawdown.share:.2%}",
        has_drawdown=drawdown.dollars > 0,
        sentence=(
            f"Equity from {words.day_words(points[0].at)} to {words.day_words(last.at)}: now "
            f"${last.total_equity:,.2f}, started with ${started:,.2f}. Deepest fall from a peak: {fall}."
        ),
        chart=_chart(points, started, drawdown.at),
        days=_day_ends(points),
    )


def deepest_drawdown(points: Sequence[EquityPoint]) -> Drawdown:
    """The largest fall of `points` (not empty, oldest first) below an earlier peak; the earliest of equals."""
    peak = points[0].total_equity
    deepest = Drawdown(ZERO, ZERO, points[0].at)
    for point in points:
        peak = max(peak, point.total_equity)
        fall = peak - point.total_equity
        if fall > deepest.dollars:
            deepest = Drawdown(fall, fall / peak if peak > 0 else ZERO, point.at)
    return deepest


def _chart(points: Sequence[EquityPoint], started: Decimal, deepest_at: datetime) -> Chart:
    step, low, high = _y_scale(points, started)
    first, span = points[0].at, max(points[-1].at - points[0].at, timedelta(minutes=1))

    def x(at: datetime) -> float:
        return (at - first) / span * _SIZE

    def y(dollars: Decimal | float) -> float:
        return (high - float(dollars)) / (high - low) * _SIZE

    def trace(values: Sequence[tuple[datetime, Decimal]]) -> str:
        return "M" + " ".join(f"{x(at):.0f} {y(value):.0f}" for at, value in values)

    lines, steps, areas = [], [], []
    peak = points[0].total_equity
    for piece in _unbroken(points, span):
        peaks = []
        for point in piece:
            peak = max(peak, point.total_equity)
            peaks.append((point.at, peak))
        equity = [(point.at, point.total_equity) for point in piece]
        lines.append(trace(equity))
        areas.append(trace([*equity, *reversed(peaks)]) + "Z")
        steps.append(trace(_staircase([(point.at, started + point.realized_pnl) for point in piece])))
    deepest = next(point for point in points if point.at == deepest_at)
    y_values = [low + step * turn for turn in range(round((high - low) / step) + 1)]
    return Chart(
        equity=" ".join(lines),
        realized=" ".join(steps),
        below_peak=" ".join(areas),
        y_ticks=tuple(Tick(f"{y(value) / 10:.1f}%", _dollars(value, step)) for value in y_values),
        x_ticks=_x_ticks(first, span),
        last_x=f"{x(points[-1].at) / 10:.1f}%",
        last_y=f"{y(points[-1].total_equity) / 10:.1f}%",
        deepest_x=f"{x(deepest.at) / 10:.1f}%",
        deepest_y=f"{y(deepest.total_equity) / 10:.1f}%",
        deepest_anchor=_anchor(x(deepest.at)),
    )


def _y_scale(points: Sequence[EquityPoint], started: Decimal) -> tuple[float, float, float]:
    """Step, lowest and highest value of the axis: round steps that hold every point and the starting capital."""
    values = [
        float(value) for point in points for value in (point.total_equity, started + point.realized_pnl)
    ]
    values.append(float(started))
    low, high = min(values), max(values)
    if high - low < _LEAST_RANGE:
        middle = (low + high) / 2
        low, high = middle - _LEAST_RANGE / 2, middle + _LEAST_RANGE / 2
    rough = (high - low) / 4
    magnitude = 10 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= rough)
    bottom, top = math.floor(low / step) * step, math.ceil(high / step) * step
    # The deepest fall is written below its point and would otherwise stand on the dates.
    if low - bottom < (top - bottom) * _LABEL_ROOM:
        bottom -= step
    return step, bottom, top


def _unbroken(points: Sequence[EquityPoint], span: timedelta) -> list[list[EquityPoint]]:
    """Stretches without a hole: where no cycle ran, nothing is known and no line is drawn."""
    widest = max(timedelta(minutes=30), span / 120)
    pieces = [[points[0]]]
    for earlier, later in pairwise(points):
        if later.at - earlier.at > widest:
            pieces.append([])
        pieces[-1].append(later)
    return pieces


def _staircase(values: Sequence[tuple[datetime, Decimal]]) -> list[tuple[datetime, Decimal]]:
    corners = [values[0]]
    for (_, before), (at, value) in pairwise(values):
        corners += [(at, before), (at, value)]
    return corners


def _x_ticks(first: datetime, span: timedelta) -> tuple[Tick, ...]:
    form = "%-d %b" if span > timedelta(days=2) else "%H:%M"
    turns = range(_X_TICKS)
    return tuple(
        Tick(f"{100 * turn / (_X_TICKS - 1):.0f}%", f"{first + span * turn / 4:{form}}") for turn in turns
    )


def _anchor(x: float) -> str:
    if x < _SIZE * _EDGE:
        return "start"
    return "end" if x > _SIZE * (1 - _EDGE) else "middle"


def _dollars(value: float, step: float) -> str:
    return f"{value:,.0f}" if step >= 1 else f"{value:,.2f}"


def _day_ends(points: Sequence[EquityPoint]) -> tuple[DayEnd, ...]:
    last_of_day = {point.at.date(): point for point in points}
    newest = sorted(last_of_day.items(), reverse=True)[:_TABLE_DAYS]
    return tuple(
        DayEnd(
            day=words.day_words(day),
            realized=signed_dollars(point.realized_pnl),
            unrealized=signed_dollars(point.unrealized_pnl),
            equity=f"${point.total_equity:,.2f}",
        )
        for day, point in newest
    )
