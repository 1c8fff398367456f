"""One event's ladder as columns: every moment at which anything about it changed, and the quotes that stood then.

A decision can come out differently only when a quote, a forecast or a gate of time changes; between two instants
nothing does. The columns are what is searched; a decision itself is made of the recording's own values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from markets.domain.ladder import bracket_of, coldest_first
from markets.domain.types import Bracket
from trading.backtest.quote_history import NOBODY, Int32s, Int64s, QuoteHistory, micros_of, moment
from trading.backtest.recorded_types import RecordedEvent


@dataclass(frozen=True, slots=True)
class LadderColumns:
    """Quotes as of each instant. Rows are instants in the order of time, columns brackets, coldest first."""

    brackets: tuple[Bracket, ...]
    at: Int64s
    """Microseconds since 1970, UTC."""
    bid: Int32s
    """In millionths of a dollar, NOBODY where none stood."""
    ask: Int32s
    place: Int32s
    """Index of the quote in its market's history; -1 before the first."""
    has_sizes: bool
    """Whether anybody recorded what stood at a price."""

    @property
    def instants(self) -> int:
        return len(self.at)

    def moment(self, row: int) -> datetime:
        return moment(int(self.at[row]))


def ladder_columns(
    event: RecordedEvent, quotes: Mapping[str, QuoteHistory], changes: Iterable[datetime]
) -> LadderColumns:
    """The event from its opening to its close, at every quote and at each of `changes` in between."""
    brackets = tuple(sorted((bracket_of(entry.market) for entry in event.markets), key=coldest_first))
    histories = [quotes[bracket.ticker] for bracket in brackets]
    opens, closes = micros_of(event.open_at), micros_of(event.close_at)
    others = np.fromiter((micros_of(change) for change in changes), dtype=np.int64)
    at = np.unique(
        np.concatenate([*(history.at for history in histories), others, np.asarray([opens], dtype=np.int64)])
    )
    at = at[(at >= opens) & (at < closes)]
    shape = (len(at), len(brackets))
    bid, ask = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
    place = np.empty(shape, dtype=np.int32)
    for column, history in enumerate(histories):
        index = history.at.searchsorted(at, side="right") - 1
        place[:, column] = index
        bid[:, column], ask[:, column] = _known(history.yes_bid, index), _known(history.yes_ask, index)
    return LadderColumns(
        brackets, at, bid, ask, place, has_sizes=any(history.has_sizes for history in histories)
    )


def _known(prices: Int32s, index: Int64s) -> Int32s:
    """The price at each place; nobody had quoted before the first."""
    return (
        np.where(index < 0, NOBODY, prices[index]) if len(prices) else np.full(len(index), NOBODY, np.int32)
    )
