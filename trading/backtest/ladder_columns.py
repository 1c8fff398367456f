"""One event's ladder as columns: every moment at which anything about it changed, and the quotes that stood then.

A decision can come out differently only when a quote, a forecast or a gate of time changes; between two instants
nothing does. The columns are what is searched; a decision itself is made of the recording's own values.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from markets.domain.ladder import bracket_of, coldest_first
from markets.domain.types import Bracket
from trading.backtest.recorded_types import Quote, RecordedEvent

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]

MICROS: Final = 1_000_000
"""Prices are whole millionths of a dollar: recordings hold no finer ones, and whole numbers compare exactly."""
NOBODY: Final = 0
"""In place of a price: a side that nobody quotes."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


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


def moment(micros: int) -> datetime:
    """The time of so many microseconds since 1970."""
    seconds, rest = divmod(micros, MICROS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


@lru_cache(maxsize=100_000)
def micros_of(at: datetime) -> int:
    """Exact microseconds since 1970."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * MICROS + since.microseconds


def ladder_columns(
    event: RecordedEvent, quotes: Mapping[str, Sequence[Quote]], changes: Iterable[datetime]
) -> LadderColumns:
    """The event from its opening to its close, at every quote and at each of `changes` in between."""
    brackets = tuple(sorted((bracket_of(entry.market) for entry in event.markets), key=coldest_first))
    histories = [quotes[bracket.ticker] for bracket in brackets]
    times = [_times(history) for history in histories]
    opens, closes = micros_of(event.open_at), micros_of(event.close_at)
    others = np.fromiter((micros_of(change) for change in changes), dtype=np.int64)
    at = np.unique(np.concatenate([*times, others, np.asarray([opens], dtype=np.int64)]))
    at = at[(at >= opens) & (at < closes)]
    shape = (len(at), len(brackets))
    bid, ask = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int32)
    place = np.empty(shape, dtype=np.int32)
    has_sizes = False
    for column, (history, known) in enumerate(zip(histories, times, strict=True)):
        index = np.searchsorted(known, at, side="right") - 1
        place[:, column] = index
        told = _Told(*zip(*history, strict=True)) if history else _Told()
        bid[:, column], ask[:, column] = _prices(told.yes_bid)[index], _prices(told.yes_ask)[index]
        has_sizes |= not {*told.yes_bid_size, *told.yes_ask_size} <= {None}
    return LadderColumns(brackets, at, bid, ask, place, has_sizes)


class _Told(NamedTuple):
    """A market's history, column by column as `Quote`."""

    at: Sequence[datetime] = ()
    yes_bid: Sequence[Decimal | None] = ()
    yes_ask: Sequence[Decimal | None] = ()
    last: Sequence[Decimal | None] = ()
    volume: Sequence[Decimal | None] = ()
    open_interest: Sequence[Decimal | None] = ()
    yes_bid_size: Sequence[Decimal | None] = ()
    yes_ask_size: Sequence[Decimal | None] = ()


def _times(history: Sequence[Quote]) -> Int64s:
    return np.fromiter((micros_of(quote.at) for quote in history), dtype=np.int64, count=len(history))


def _prices(prices: Iterable[Decimal | None]) -> Int32s:
    """In millionths, with one more entry at the end, which index -1 finds: nobody has quoted yet."""
    return np.asarray([*map(_price_micros, prices), NOBODY], dtype=np.int32)


@lru_cache(maxsize=10_000)
def _price_micros(price: Decimal | None) -> int:
    return NOBODY if price is None else int(price * MICROS)
