"""One event's mean losses by four hours of its day, kept with the event: a page that is polled adds them up. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from math import fsum
from typing import Final

from analytics.skill.instants import FIRST_HOUR

BAND_HOURS: Final = 4
ALL: Final = "all"

Band = tuple[int, float, float]
"""Hours at which both were scored, our mean log loss and the market's over them, nats."""


def bands_of(losses: Iterable[tuple[int, float, float]]) -> dict[str, Band]:
    """Means by band of (local hour, our loss, the market's): "0" begins at noon of the day before, "all" is all hours.

    Empty without a single hour at which both were scored.
    """
    groups: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for hour, ours, market in losses:
        groups[str((hour - FIRST_HOUR) // BAND_HOURS)].append((ours, market))
        groups[ALL].append((ours, market))
    return {name: _means(pairs) for name, pairs in groups.items()}


def _means(pairs: list[tuple[float, float]]) -> Band:
    return (
        len(pairs),
        fsum(ours for ours, _ in pairs) / len(pairs),
        fsum(market for _, market in pairs) / len(pairs),
    )
