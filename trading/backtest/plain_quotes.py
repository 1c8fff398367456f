"""The quotes of a file read by array, where nothing about any of its lines is odd.

So is what recorders write, nearly always, and it takes a third of the time. A file with anything else in it is left to
`recorded_quotes`, which looks at row after row and names what is wrong; of a plain file both make the same.
"""

import gzip
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from trading.backtest.quote_history import CENT_MICROS, MICROS, NOBODY, UNKNOWN, Int32s, Int64s, QuoteHistory

Characters = npt.NDArray[np.uint8]


class Span(Protocol):
    """When a market can have been quoted: first and last, microseconds since 1970."""

    @property
    def first(self) -> int: ...

    @property
    def last(self) -> int: ...


MOST_BYTES: Final = 64 * 1024 * 1024
"""Files are read whole; a larger one is read row by row. A city's year is a fifth of it."""
_BLOCK_BYTES: Final = 1024 * 1024
_SIZED: Final = 9
"""Columns of a file that tells what stood at the two prices."""
_LONGEST_TICKER: Final = 40
_LONGEST_PRICE: Final = 8
_LONGEST_COUNT: Final = 15
"""Twelve digits, a point and two more."""
_TIME: Final = "0000-00-00T00:00:00Z"


class PlainQuotes(NamedTuple):
    """What a file holds."""

    histories: dict[str, QuoteHistory]
    rows: int
    outside: int
    """Rows of markets that were not asked for."""


class _NotPlain(Exception):
    """Something is odd."""


def read_plain(
    path: Path,
    headers: Collection[tuple[str, ...]],
    spans: Mapping[str, Span],
    outside: Collection[str],
) -> PlainQuotes | None:
    """The histories of the markets of `spans`, None where anything about the file must be looked at by the row.

    Columns as one of `headers`; what is of `outside` is counted and left.
    """
    try:
        lines = _Lines.of(_bytes_of(path), headers)
        tickers, codes = _tickers(lines)
        if not all(ticker in spans or ticker in outside for ticker in tickers):
            raise _NotPlain
        at, prices, counts = _times(lines), _prices(lines), _counts(lines)
        return _histories(tickers, codes, spans, at, prices, counts)
    except (OSError, EOFError, zlib.error, ValueError, _NotPlain):
        return None


def _bytes_of(path: Path) -> bytes:
    opener = gzip.open if path.suffix == ".gz" else open
    found = bytearray()
    with opener(path, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            found += block
            if len(found) > MOST_BYTES:
                raise _NotPlain
    return bytes(found)


class _Lines(NamedTuple):
    """A file's text without its header, and where the fields of each line begin and end, shape (lines, columns)."""

    text: Characters
    begins: Int64s
    ends: Int64s

    @classmethod
    def of(cls, file: bytes, headers: Collection[tuple[str, ...]]) -> "_Lines":
        header, _, body = file.partition(b"\n")
        columns = tuple(header.decode("ascii").split(","))
        lines = body.count(b"\n")
        # Asked before anything is made of them: a bomb of empty lines is let go by.
        is_dense = len(body) < lines * (len(_TIME) + len(columns))
        if is_dense or body.count(b",") != lines * (len(columns) - 1):
            raise _NotPlain
        # No quoted field, no other line end, nothing that is not printed.
        if columns not in headers or not lines or body[-1:] != b"\n" or b'"' in body:
            raise _NotPlain
        text = np.frombuffer(body, dtype=np.uint8)
        if ((text < ord(" ")) & (text != ord("\n"))).any() or (text > ord("~")).any():
            raise _NotPlain
        ends = np.flatnonzero((text == ord(",")) | (text == ord("\n"))).reshape(-1, len(columns))
        is_line_end = text[ends] == ord("\n")
        if is_line_end[:, :-1].any() or not is_line_end[:, -1].all():
            raise _NotPlain
        begins = np.concatenate([[0], ends.ravel()[:-1] + 1]).reshape(ends.shape)
        return cls(text, begins, ends)

    def field(self, column: int, most: int) -> Characters:
        """The characters of a column, shape (lines, `most`), zeros behind a shorter field."""
        begins, widths = self.begins[:, column], self.ends[:, column] - self.begins[:, column]
        if int(widths.max()) > most:
            raise _NotPlain
        found = np.zeros((len(begins), most), dtype=np.uint8)
        for offset in range(int(widths.max())):
            has_more = offset < widths
            found[has_more, offset] = self.text[begins[has_more] + offset]
        return found


def _tickers(lines: _Lines) -> tuple[list[str], Int32s]:
    """Every ticker once, and the place of each line's among them."""
    joined = lines.field(0, _LONGEST_TICKER).view(f"S{_LONGEST_TICKER}").ravel()
    places: dict[bytes, int] = {}
    codes = [places.setdefault(ticker, len(places)) for ticker in joined.tolist()]
    return [ticker.decode("ascii") for ticker in places], np.asarray(codes, dtype=np.int32)


def _times(lines: _Lines) -> Int64s:
    """Microseconds since 1970. Raises ValueError for a time that never was."""
    characters = lines.field(1, len(_TIME))
    for column, expected in enumerate(_TIME):
        found = characters[:, column]
        if not (_is_digit(found) if expected == "0" else found == ord(expected)).all():
            raise _NotPlain
    seconds = np.ascontiguousarray(characters[:, :-1]).view(f"S{len(_TIME) - 1}").astype("datetime64[s]")
    return np.asarray(seconds.ravel().astype(np.int64) * MICROS)


def _prices(lines: _Lines) -> Int32s:
    """Bid, ask and last price in millionths of a dollar, shape (3, lines): whole cents from 0.01 to 0.99."""
    bid, ask, _ = found = [_micros(lines.field(column, _LONGEST_PRICE)) for column in (2, 3, 4)]
    if ((bid != NOBODY) & (ask != NOBODY) & (bid >= ask)).any():
        raise _NotPlain
    return np.asarray(found, dtype=np.int32)


def _micros(characters: Characters) -> Int64s:
    """0.4, 0.40 and 0.4000 are the same; NOBODY for an empty field."""
    is_empty = characters[:, 0] == 0
    leading = (characters[:, 0] == ord("0")) & (characters[:, 1] == ord("."))
    tenth, hundredth, further = characters[:, 2], characters[:, 3], characters[:, 4:]
    is_short = hundredth == 0
    cents = (tenth.astype(np.int64) - ord("0")) * 10 + np.where(is_short, 0, hundredth - np.uint8(ord("0")))
    is_cents = _is_digit(tenth) & (_is_digit(hundredth) | is_short) & (cents > 0)
    is_cents &= ((further == ord("0")) | (further == 0)).all(axis=1)
    if not (is_empty | (leading & is_cents)).all():
        raise _NotPlain
    return np.where(is_empty, NOBODY, cents * CENT_MICROS)


def _counts(lines: _Lines) -> Int64s:
    """Volume, open interest and, where they were recorded, the sizes at bid and ask, in hundredths; shape (2 or 4, lines)."""
    counts = [_hundredths(lines.field(column, _LONGEST_COUNT)) for column in (5, 6)]
    if lines.ends.shape[1] == _SIZED:
        for size, price in ((7, 2), (8, 3)):
            displayed = _hundredths(lines.field(size, _LONGEST_COUNT))
            is_quoted = lines.ends[:, price] > lines.begins[:, price]
            if ((displayed == 0) | ((displayed > 0) & ~is_quoted)).any():
                raise _NotPlain
            counts.append(displayed)
    return np.asarray(counts)


def _hundredths(characters: Characters) -> Int64s:
    """Digits, and at most two more behind a point; UNKNOWN for an empty field."""
    is_empty, is_digit = characters[:, 0] == 0, _is_digit(characters)
    is_point, is_behind = characters == ord("."), characters == 0
    widths = (~is_behind).sum(axis=1)
    points = is_point.sum(axis=1)
    whole = np.where(points > 0, is_point.argmax(axis=1), widths)
    places = np.where(points > 0, widths - whole - 1, 0)
    is_count = (is_digit | is_point | is_behind).all(axis=1) & (points <= 1)
    is_count &= (whole > 0) & (whole <= _LONGEST_COUNT - 3) & (places <= 2) & ((points == 0) | (places > 0))
    if not (is_empty | is_count).all():
        raise _NotPlain
    value = np.zeros(len(characters), dtype=np.int64)
    for digit, counts in zip(characters.T, is_digit.T, strict=True):
        value = np.where(counts, value * 10 + (digit - np.uint8(ord("0"))), value)
    return np.where(is_empty, UNKNOWN, value * np.asarray([100, 10, 1])[places])


def _is_digit(characters: Characters) -> npt.NDArray[np.bool_]:
    return np.asarray((characters >= ord("0")) & (characters <= ord("9")))


def _histories(
    tickers: list[str],
    codes: Int32s,
    spans: Mapping[str, Span],
    at: Int64s,
    prices: Int32s,
    counts: Int64s,
) -> PlainQuotes:
    """Line by line apart by ticker: their times must rise, within the market's span."""
    order = np.argsort(codes, kind="stable")
    codes, at, prices, counts = codes[order], at[order], prices[:, order], counts[:, order]
    begins = np.flatnonzero(np.diff(codes, prepend=-1))
    ends = np.append(begins[1:], codes.size)
    if (np.delete(np.diff(at), begins[1:] - 1) <= 0).any():
        raise _NotPlain
    histories: dict[str, QuoteHistory] = {}
    outside = 0
    for ticker, begin, end in zip(tickers, begins.tolist(), ends.tolist(), strict=True):
        span = spans.get(ticker)
        if span is None:
            outside += end - begin
        elif not span.first <= at[begin] <= at[end - 1] <= span.last:
            raise _NotPlain
        else:
            histories[ticker] = QuoteHistory.of_columns(
                at[begin:end], prices[:, begin:end], counts[:, begin:end]
            )
    return PlainQuotes(histories, codes.size, outside)
