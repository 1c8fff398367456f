"""Differences with their intervals beside one another, drawn round zero: words and geometry in percent. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from analytics.skill.comparing import Line

_SCALES: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Nats at either end of the axis; the smallest that holds every interval, or else the largest."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of a table in words; positions in percent of the width, empty where there is nothing to draw."""

    label: str
    ours: str
    market: str
    difference: str
    span: str
    low: str
    high: str
    point: str
    events: int
    days: int
    scores: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Forest:
    """`end` labels the right end of the axis; the left is the same below zero."""

    marks: tuple[Mark, ...]
    end: str

    @property
    def start(self) -> str:
        return f"−{self.end}"


def build_forest(lines: Sequence[Line]) -> Forest:
    """The lines on one axis that is as wide as the widest of them."""
    reach = [abs(end) for line in lines if line.interval for end in line.interval]
    reach += [abs(line.difference) for line in lines if line.difference is not None]
    scale = next((scale for scale in _SCALES if scale >= max(reach, default=0)), _SCALES[-1])
    return Forest(tuple(build_mark(line, scale) for line in lines), f"{scale:g}")


def build_mark(line: Line, scale: float = _SCALES[0]) -> Mark:
    """A line in words; a place beyond the axis is drawn at its end."""
    low, high = line.interval or (None, None)
    return Mark(
        label=line.label,
        ours=_figure(line.ours),
        market=_figure(line.market),
        difference=signed(line.difference),
        span=f"{signed(low)} to {signed(high)}" if line.interval else "",
        low=_place(low, scale),
        high=_place(high, scale),
        point=_place(line.difference, scale),
        events=line.events,
        days=line.days,
        scores=line.scores,
        sentence=line.sentence,
    )


def signed(nats: float | None) -> str:
    """With its sign, three digits; n/a for None."""
    return "n/a" if nats is None else f"{nats:+z.3f}".replace("-", "−")


def _figure(nats: float | None) -> str:
    return "n/a" if nats is None else f"{nats:.3f}"


def _place(nats: float | None, scale: float) -> str:
    if nats is None:
        return ""
    return f"{50 + 50 * min(max(nats / scale, -1.0), 1.0):.1f}%"
