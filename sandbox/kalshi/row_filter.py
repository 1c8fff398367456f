"""The filters that an account's lists share: market, event, time, shard, subaccount."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sandbox.kalshi.query import Query

OUR_SHARD: Final = 0
PRIMARY: Final = 0
MAX_TICKERS: Final = 100
MAX_EVENTS: Final = 10


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Empty sets and None let everything pass; bounds are Unix seconds and include their own."""

    tickers: frozenset[str]
    events: frozenset[str]
    low: int | None
    high: int | None
    is_elsewhere: bool

    @classmethod
    def from_query(cls, query: Query) -> "RowFilter":
        """The documented parameters. Raises ApiError 400 for malformed ones."""
        shard, subaccount = query.whole("exchange_index"), query.whole("subaccount")
        return cls(
            tickers=query.at_most("ticker", MAX_TICKERS),
            events=query.at_most("event_ticker", MAX_EVENTS),
            low=query.whole("min_ts"),
            high=query.whole("max_ts"),
            is_elsewhere=(shard or OUR_SHARD) != OUR_SHARD or (subaccount or PRIMARY) != PRIMARY,
        )

    def passes(self, ticker: str, at: datetime | None = None) -> bool:
        """Whether a row of this market, and of this instant where it has one, is asked for."""
        return (
            not self.is_elsewhere
            and _allows(self.tickers, [ticker])
            and _allows(self.events, [ticker.rpartition("-")[0]])
            and (at is None or self._in_time(at))
        )

    def _in_time(self, at: datetime) -> bool:
        seconds = at.timestamp()
        return (self.low is None or seconds >= self.low) and (self.high is None or seconds <= self.high)


def _allows(wanted: frozenset[str], words: Iterable[str]) -> bool:
    return not wanted or not wanted.isdisjoint(words)
