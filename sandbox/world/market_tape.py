"""One market's whole life as sorted arrays, so that any instant of it is found by bisection."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from sandbox.cities import City
from sandbox.feeds import Book, Ladder, Level, Quote, Trade
from sandbox.world.market_chance import identifier
from sandbox.world.market_fair import Integers, beliefs, instant_of, milliseconds
from sandbox.world.market_makers import LEVELS, NO_ASK, NO_BID, Hundredths, Quoting, liquidity, quoting
from sandbox.world.market_takers import Taking, taking
from sandbox.world.truth import Truth

CENT: Final = [Decimal(cents).scaleb(-2) for cents in range(101)]
NEVER_TRADED: Final = 0


@dataclass(frozen=True, slots=True)
class Tape:
    """Row i is the market's state from `at_ms[i]` on: `maker` the standing quote, then what takers made of it.

    `last` is in cents, 0 before the first trade; counts are hundredths of contracts; `taken_bid` and `taken_ask` have
    gone from the touch since the quote was made; `shown` is the row at which the public figures last changed.
    """

    seed: int
    ticker: str
    quoted: Quoting
    traded: Taking
    at_ms: Integers
    maker: Integers
    last: NDArray[np.int16]
    volume: Hundredths
    open_interest: Hundredths
    taken_bid: Hundredths
    taken_ask: Hundredths
    shown: Integers

    def quote(self, at: datetime) -> Quote | None:
        """What is shown at `at`; None before the opening."""
        row = self._row(at)
        return None if row < 0 else self._quote(int(self.shown[row]))

    def quotes(self, after: datetime, until: datetime) -> list[Quote]:
        """Every change of what is shown with after < at <= until."""
        first, end = self._row(after) + 1, self._row(until) + 1
        return [self._quote(row) for row in range(first, end) if self.shown[row] == row]

    def book(self, at: datetime) -> Book:
        """Levels from the touch on, as far as there are prices between 1 and 99 cents."""
        row = self._row(at)
        if row < 0:
            return Book()
        maker = int(self.maker[row])
        bid, ask = int(self.quoted.bid[maker]), int(self.quoted.ask[maker])
        bids = self.quoted.bid_sizes[maker].tolist()
        asks = self.quoted.ask_sizes[maker].tolist()
        bids[0] -= int(self.taken_bid[row])
        asks[0] -= int(self.taken_ask[row])
        return Book(yes_bids=_levels(bid, bids), no_bids=_levels(100 - ask, asks))

    def trades(self, after: datetime, until: datetime) -> list[Trade]:
        """Trades with after < at <= until."""
        made = self.traded
        first, end = np.searchsorted(made.at_ms, [milliseconds(after), milliseconds(until)], side="right")
        return [self._trade(index) for index in range(int(first), int(end))]

    def _row(self, at: datetime) -> int:
        return int(np.searchsorted(self.at_ms, milliseconds(at), side="right")) - 1

    def _quote(self, row: int) -> Quote:
        maker = int(self.maker[row])
        bid, ask, last = int(self.quoted.bid[maker]), int(self.quoted.ask[maker]), int(self.last[row])
        return Quote(
            at=instant_of(int(self.at_ms[row])),
            yes_bid=None if bid == NO_BID else CENT[bid],
            yes_ask=None if ask == NO_ASK else CENT[ask],
            last=None if last == NEVER_TRADED else CENT[last],
            volume=_count(int(self.volume[row])),
            open_interest=_count(int(self.open_interest[row])),
        )

    def _trade(self, index: int) -> Trade:
        made = self.traded
        side: Literal["yes", "no"] = "yes" if made.took_yes[index] else "no"
        return Trade(
            trade_id=identifier(self.seed, self.ticker, "trade", str(index)),
            ticker=self.ticker,
            at=instant_of(int(made.at_ms[index])),
            yes_price=CENT[int(made.cents[index])],
            count=_count(int(made.count[index])),
            taker_side=side,
        )


def tapes(truth: Truth, seed: int, city: City, ladder: Ladder) -> dict[str, Tape]:
    """The tapes of an event's markets by ticker."""
    believed = beliefs(truth, seed, city, ladder)
    busy = liquidity(seed, city, ladder.event_ticker)
    found = {}
    for position, bracket in enumerate(ladder.brackets):
        quoted = quoting(seed, city, ladder, believed, position)
        traded = taking(seed, city, ladder, quoted, position, busy)
        found[bracket.ticker] = _spliced(seed, bracket.ticker, quoted, traded)
    return found


def _spliced(seed: int, ticker: str, quoted: Quoting, traded: Taking) -> Tape:
    """Makers' quotes and takers' trades in one order of time; of two at one millisecond the quote comes first."""
    makers = len(quoted.at_ms)
    at_ms = np.concatenate([quoted.at_ms, traded.at_ms])
    order = np.argsort(at_ms, kind="stable")
    is_trade = order >= makers
    made = np.cumsum(is_trade, dtype=np.int64)
    # Index 0 of each running figure is the state before the first trade.
    last = np.concatenate([[NEVER_TRADED], traded.cents])[made].astype(np.int16)
    volume = np.concatenate([[0], np.cumsum(traded.count)])[made]
    interest = np.concatenate([[0], np.cumsum(traded.opened)])[made]
    maker = np.cumsum(~is_trade) - 1
    taken_ask = _since_quote(maker, is_trade, made, traded, wanted=True)
    taken_bid = _since_quote(maker, is_trade, made, traded, wanted=False)
    figures = np.stack([quoted.bid[maker], quoted.ask[maker], last, volume, interest])
    changed = np.concatenate([[True], (np.diff(figures, axis=1) != 0).any(axis=0)])
    shown = np.maximum.accumulate(np.where(changed, np.arange(len(order)), 0))
    return Tape(
        seed, ticker, quoted, traded, at_ms[order], maker, last, volume, interest, taken_bid, taken_ask, shown
    )


def _since_quote(
    maker: Integers, is_trade: NDArray[np.bool_], made: Integers, traded: Taking, *, wanted: bool
) -> Hundredths:
    """What takers of one side have had from the standing quote, row by row."""
    own = np.where(traded.took_yes == wanted, traded.count, 0)
    total = np.concatenate([[0], np.cumsum(own)])[made]
    quotes = np.flatnonzero(~is_trade)
    since: Hundredths = total - total[quotes][maker]
    return since


def _levels(best_cents: int, sizes: list[int]) -> tuple[Level, ...]:
    """Ascending levels below `best_cents`; none when the side is absent."""
    prices = range(best_cents, max(best_cents - LEVELS, NO_BID), -1)
    levels = [Level(CENT[cents], _count(size)) for cents, size in zip(prices, sizes, strict=False)]
    return tuple(reversed(levels))


def _count(hundredths: int) -> Decimal:
    return Decimal(hundredths).scaleb(-2)
