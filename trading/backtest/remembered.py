"""What was believed in each segment of an event, handed from the process that found it to the one that trades on it."""

import pickle
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, Self

from trading.domain.ensemble import Belief
from weather.domain.types import Outlook


class Told(NamedTuple):
    """The forecast of a segment, and what it came to."""

    outlook: Outlook
    belief: Belief


class Remembered:
    """By segment what was told in it. Sent to another process it stays packed: most events are not traded in a moment."""

    def __init__(self, told: Mapping[int, Told] | bytes) -> None:
        self._told = told

    def told(self) -> Mapping[int, Told]:
        """All that was kept, of the segments in which somebody spoke. Unpacked anew for whoever asks, so that it lasts no
        longer than they do."""
        if isinstance(self._told, bytes):
            # Our own bytes, from a process that was forked from this one.
            told: Mapping[int, Told] = pickle.loads(self._told)  # noqa: S301
            return told
        return self._told

    def only(self, segments: Collection[int]) -> Self:
        """Of these segments alone."""
        told = self.told()
        return type(self)({segment: told[segment] for segment in segments if segment in told})

    def __reduce__(self) -> tuple[Any, ...]:
        packed = (
            self._told if isinstance(self._told, bytes) else pickle.dumps(self._told, pickle.HIGHEST_PROTOCOL)
        )
        return type(self), (packed,)
