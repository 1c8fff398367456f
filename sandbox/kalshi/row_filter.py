"""The filters that an account's lists share: market, event, time, shard, subaccount."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sandbox.kalshi.query import Query

OUR_SHARD: Final = 0
LAST_SHARD: Final = 2**31 - 1
PRIMARY: Final = 0
LAST_SUBACCOUNT: Final = 63
MAX_TICKERS: Final = 100
MAX_EVENTS: Final = 10


@dataclass(frozen=True, slots=True)
class Place:
    """The shard and the subaccount that a read asks about."""

    shard: int
    subaccount: int

    @classmethod
    def from_query(cls, query: Query) -> "Place":
        """Ours unless another is named. Raises ApiError 400 for one that cannot be."""
        return cls(
            shard=query.bounded("exchange_index", low=0, high=LAST_SHARD, default=OUR_SHARD),
            subaccount=query.bounded("subaccount", low=0, high=LAST_SUBACCOUNT, default=PRIMARY),
        )

    @property
    def is_ours(self) -> bool:
        """Whether anything is there: all money and orders are the primary account's on the first shard."""
        return self.shard == OUR_SHARD and self.subaccount == PRIMARY


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Empty sets and None let everything pass; bounds are Unix seconds and include their own."""

    tickers: frozenset[str]
    events: frozenset[str]
    low: int | None
    high: int | None
    place: Place

    @classmethod
    def from_query(cls, query: Query) -> "RowFilter":
        """The documented parameters. Raises ApiError 400 for malformed ones."""
        return cls(
            tickers=query.at_most("ticker", MAX_TICKERS),
            events=query.at_most("event_ticker", MAX_EVENTS),
            low=query.whole("min_ts"),
            high=query.whole("max_ts"),
            place=Place.from_query(query),
        )

    def passes(self, ticker: str, at: datetime | None = None) -> bool:
        """Whether a row of this market, and of this instant where it has one, is asked for."""
        return (
            self.place.is_ours
            and _allows(self.tickers, [ticker])
            and _allows(self.events, [ticker.rpartition("-")[0]])
            and (at is None or self._in_time(at))
        )

    def _in_time(self, at: datetime) -> bool:
        seconds = at.timestamp()
        return (self.low is None or seconds >= self.low) and (self.high is None or seconds <= self.high)


def _allows(wanted: frozenset[str], words: Iterable[str]) -> bool:
    return not wanted or not wanted.isdisjoint(words)
