"""The quotes of one market in the order of time, column by column.

A year of ten cities is two million quotes. As tuples of decimals they fill gigabytes, are walked by every collection of
garbage, and are copied page by page into each process; as whole numbers in arrays they are none of that, and the columns
that are searched are there already. A `Quote` is made where one is asked for.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple, SupportsIndex, overload

import numpy as np
import numpy.typing as npt

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]

MICROS: Final = 1_000_000
"""Prices are whole millionths of a dollar: recordings hold no finer ones, and whole numbers compare exactly."""
NOBODY: Final = 0
"""In place of a price: a side that nobody quotes."""
UNKNOWN: Final = -1
"""In place of a count that was not recorded."""
HUNDREDTHS: Final = 100
"""Counts are whole hundredths of a contract."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
CENT_MICROS: Final = 10_000


class Quote(NamedTuple):
    """A market's prices from `at` on, in dollars; None where nobody quoted or the column was empty."""

    at: datetime
    yes_bid: Decimal | None
    yes_ask: Decimal | None
    last: Decimal | None
    volume: Decimal | None
    open_interest: Decimal | None
    yes_bid_size: Decimal | None = None
    """Contracts displayed at the bid; None where the recording holds no sizes."""
    yes_ask_size: Decimal | None = None


class QuoteRow(NamedTuple):
    """A quote in whole numbers: microseconds since 1970, millionths of a dollar, hundredths of a contract."""

    at: int
    yes_bid: int = NOBODY
    yes_ask: int = NOBODY
    last: int = NOBODY
    volume: int = UNKNOWN
    open_interest: int = UNKNOWN
    yes_bid_size: int = UNKNOWN
    yes_ask_size: int = UNKNOWN


class QuoteHistory(Sequence[Quote]):
    """A market's quotes, earliest first, no two of one time."""

    __slots__ = ("_counts", "_prices", "at", "has_sizes")

    at: Int64s
    """Microseconds since 1970, UTC."""
    has_sizes: bool
    """Whether anybody recorded what stood at a price."""

    def __init__(self, rows: Sequence[QuoteRow] = ()) -> None:
        columns = list(zip(*rows, strict=True)) or [()] * len(QuoteRow._fields)
        self.at = np.asarray(columns[0], dtype=np.int64)
        self._prices: Int32s = np.asarray(columns[1:4], dtype=np.int32)
        self.has_sizes = any(size != UNKNOWN for sizes in columns[6:] for size in sizes)
        self._counts: Int64s = np.asarray(columns[4 : None if self.has_sizes else 6], dtype=np.int64)

    @classmethod
    def of_columns(cls, at: Int64s, prices: Int32s, counts: Int64s) -> "QuoteHistory":
        """Of rising times, of bid, ask and last price, shape (3, n), and of volume, open interest and, perhaps, the sizes at
        bid and ask, shape (2 or 4, n), all in the whole numbers of a `QuoteRow`. They are copied."""
        made = cls()
        made.at, made._prices = at.copy(), prices.copy()
        made.has_sizes = bool((counts[2:] != UNKNOWN).any())
        made._counts = counts[: None if made.has_sizes else 2].copy()
        return made

    @classmethod
    def of(cls, quotes: Iterable[Quote]) -> "QuoteHistory":
        """The same quotes. Their prices have at most six decimal places, their counts two."""
        return cls([_row(quote) for quote in quotes])

    def __len__(self) -> int:
        return len(self.at)

    @overload
    def __getitem__(self, index: SupportsIndex) -> Quote: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Quote]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> Quote | Sequence[Quote]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        prices: list[int] = self._prices[:, index].tolist()
        counts: list[int] = self._counts[:, index].tolist()
        return Quote(moment(int(self.at[index])), *map(dollars, prices), *map(_contracts, counts))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QuoteHistory) and list(self) == list(other)

    @property
    def yes_bid(self) -> Int32s:
        """Millionths of a dollar, NOBODY where none stood."""
        return np.asarray(self._prices[0])

    @property
    def yes_ask(self) -> Int32s:
        """As `yes_bid`."""
        return np.asarray(self._prices[1])

    @property
    def is_two_sided(self) -> bool:
        """Whether both sides were ever quoted at once."""
        return bool(((self.yes_bid != NOBODY) & (self.yes_ask != NOBODY)).any())

    def place_at(self, micros: int) -> int:
        """Place of the newest quote not later than `micros`; -1 before the first."""
        return int(self.at.searchsorted(micros, side="right")) - 1


def moment(micros: int) -> datetime:
    """The time of so many microseconds since 1970."""
    seconds, rest = divmod(micros, MICROS)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def micros_of(at: datetime) -> int:
    """Exact microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


@lru_cache(maxsize=10_000)
def price_micros(price: Decimal | None) -> int:
    """In millionths of a dollar; NOBODY for None."""
    return NOBODY if price is None else int(price * MICROS)


@lru_cache(maxsize=100_000)
def count_hundredths(count: Decimal | None) -> int:
    """In hundredths of a contract; UNKNOWN for None."""
    return UNKNOWN if count is None else int(count * HUNDREDTHS)


def is_whole_cents(micros: int) -> bool:
    """Whether an order could carry the price; averages of trades and finer grids do not."""
    return micros % CENT_MICROS == 0


def _row(quote: Quote) -> QuoteRow:
    prices = map(price_micros, (quote.yes_bid, quote.yes_ask, quote.last))
    counts = (quote.volume, quote.open_interest, quote.yes_bid_size, quote.yes_ask_size)
    return QuoteRow(micros_of(quote.at), *prices, *map(count_hundredths, counts))


@lru_cache(maxsize=10_000)
def dollars(micros: int) -> Decimal | None:
    """What `price_micros` was made of, to the cent where it is whole cents."""
    if micros == NOBODY:
        return None
    return Decimal(micros // CENT_MICROS).scaleb(-2) if is_whole_cents(micros) else Decimal(micros) / MICROS


@lru_cache(maxsize=100_000)
def _contracts(hundredths: int) -> Decimal | None:
    if hundredths == UNKNOWN:
        return None
    whole, rest = divmod(hundredths, HUNDREDTHS)
    return Decimal(hundredths).scaleb(-2) if rest else Decimal(whole)
