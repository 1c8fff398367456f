"""The quotes of a recording: rows of `quotes_*.csv` as the history of each market, the files shared out among processes."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from trading.backtest.forked import made_of_each
from trading.backtest.plain_quotes import read_plain
from trading.backtest.quote_history import (
    NOBODY,
    UNKNOWN,
    QuoteHistory,
    QuoteRow,
    count_hundredths,
    dollars,
    is_whole_cents,
    micros_of,
    price_micros,
)
from trading.backtest.recorded_events import EventIndex
from trading.backtest.recorded_rows import (
    BadRow,
    Line,
    Tally,
    UnreadableRecording,
    count,
    instant,
    lines_of,
    price,
)
from trading.backtest.recorded_types import Fault, RecordedEvent

QUOTE_COLUMNS: Final = ("ticker", "ts_utc", "yes_bid", "yes_ask", "last", "volume", "open_interest")
SIZE_COLUMNS: Final = ("yes_bid_size", "yes_ask_size")
"""What stood at the two prices, where somebody recorded it. A file has both columns or neither."""
HEADERS: Final = (QUOTE_COLUMNS, (*QUOTE_COLUMNS, *SIZE_COLUMNS))

Histories = dict[str, QuoteHistory]


class _Asked(NamedTuple):
    events: EventIndex
    spans: Mapping[str, "_Span"]
    """Of every market."""


class _Part(NamedTuple):
    """What some of the files hold."""

    histories: Histories
    tally: Tally


class _Span(NamedTuple):
    """When a market of an event can have been quoted, in microseconds since 1970."""

    first: int
    last: int
    now: int
    event_ticker: str

    @classmethod
    def of(cls, event: RecordedEvent, now: datetime) -> "_Span":
        opens, closes, seen = map(micros_of, (event.open_at, event.close_at, now))
        return cls(opens, min(closes, seen), seen, event.event_ticker)


def read_quotes(
    folder: Path, index: EventIndex, now: datetime, tally: Tally, processes: int = 1
) -> Mapping[str, QuoteHistory]:
    """By ticker, every usable quote of the markets of `index`, possibly none. Raises UnreadableRecording.

    Files that share a market are read twice, the second time as one.
    """
    ladders = folder / "kalshi" / "ladders"
    files = sorted([*ladders.glob("quotes_*.csv"), *ladders.glob("quotes_*.csv.gz")])
    if not files:
        raise UnreadableRecording(f"{ladders} holds no quotes_*.csv or quotes_*.csv.gz")
    spans = {event.event_ticker: _Span.of(event, now) for event in index.events.values()}
    of_market = {ticker: spans[event.event_ticker] for ticker, event in index.by_market.items()}
    asked = _Asked(index, of_market)
    parts = made_of_each(_part, asked, files, processes)
    tickers = [ticker for part in parts for ticker in part.histories]
    if len(set(tickers)) < len(tickers):
        # Of a market in two files the rows must be looked at in their order.
        parts = [_read(asked, files)]
    return _together(parts, index, tally)


def _part(asked: _Asked, path: Path) -> _Part:
    plain = read_plain(path, HEADERS, asked.spans, asked.events.outside)
    if plain is None:
        return _read(asked, [path])
    tally = Tally()
    tally.read(path.name, plain.rows)
    tally.outside(path.name, plain.outside)
    return _Part(plain.histories, tally)


def _together(parts: Iterable[_Part], index: EventIndex, tally: Tally) -> Histories:
    histories = {ticker: QuoteHistory() for ticker in index.by_market}
    for part in parts:
        tally.add(part.tally)
        histories |= part.histories
    return histories


def _read(asked: _Asked, files: Iterable[Path]) -> _Part:
    """The histories of the markets that stand in the files, and what became of their rows."""
    (index, spans), tally = asked, Tally()
    found: dict[str, list[QuoteRow]] = defaultdict(list)
    for line in chain.from_iterable(lines_of(path, QUOTE_COLUMNS, tally, SIZE_COLUMNS) for path in files):
        ticker = line.fields[0]
        span = spans.get(ticker)
        if span is None:
            _strange_quote(line, index, tally)
            continue
        try:
            _add(found[ticker], _quote(line.fields, span), line, tally)
        except BadRow as bad:
            tally.refuse(line, bad.fault, str(bad))
    return _Part({ticker: QuoteHistory(rows) for ticker, rows in found.items()}, tally)


def _strange_quote(line: Line, index: EventIndex, tally: Tally) -> None:
    """A quote of a market we do not follow."""
    ticker = line.fields[0]
    if ticker in index.outside:
        tally.outside(line.file)
    elif ticker in index.refused:
        tally.refuse(line, Fault.EVENT_REFUSED, f"{ticker} stands in no usable event")
    else:
        tally.refuse(line, Fault.UNKNOWN_EVENT, f"{ticker[:60]!r} is not in events.csv")


def _quote(fields: Sequence[str], span: _Span) -> QuoteRow:
    at = _micros(fields[1])
    if not span.first <= at <= span.last:
        raise _out_of(span, fields[1], at)
    bid, ask, last = _prices(fields[2], fields[3], fields[4])
    volume, open_interest = _hundredths(fields[5]), _hundredths(fields[6])
    return QuoteRow(at, bid, ask, last, volume, open_interest, _size(fields[7], bid), _size(fields[8], ask))


def _out_of(span: _Span, text: str, at: int) -> BadRow:
    """Why the time is none at which the market traded."""
    if at > span.now:
        return BadRow(Fault.FUTURE_STAMPED, f"{text} has not come yet")
    if at < span.first:
        return BadRow(Fault.BEFORE_OPEN, f"{text} is before {span.event_ticker} opened")
    return BadRow(Fault.AFTER_CLOSE, f"{text} is after {span.event_ticker} closed")


@lru_cache(maxsize=100_000)
def _micros(text: str) -> int:
    return micros_of(instant(text))


@lru_cache(maxsize=100_000)
def _hundredths(text: str) -> int:
    return count_hundredths(count(text))


@lru_cache(maxsize=100_000)
def _prices(bid_text: str, ask_text: str, last_text: str) -> tuple[int, int, int]:
    """Bid, ask and last price in millionths. Together they come again and again: a row costs one look instead of three."""
    bid, ask = price(bid_text), price(ask_text)
    if bid is not None and ask is not None and bid >= ask:
        raise BadRow(Fault.CROSSED, f"bid {bid} is not below ask {ask}")
    return price_micros(bid), price_micros(ask), price_micros(price(last_text))


def _size(text: str, at_price: int) -> int:
    """Contracts displayed at a price; UNKNOWN when not recorded. Raises BadRow for some without a price, and for none."""
    if not text:
        return UNKNOWN
    size = _hundredths(text)
    if at_price == NOBODY or not size:
        beside = "no price" if at_price == NOBODY else f"a price of {dollars(at_price)}"
        raise BadRow(Fault.IMPLAUSIBLE, f"{text} contracts displayed at {beside}")
    return size


def _add(history: list[QuoteRow], quote: QuoteRow, line: Line, tally: Tally) -> None:
    """Put a quote in its place. Raises BadRow when its minute is taken: the first row of a minute stands."""
    if not (is_whole_cents(quote.yes_bid) and is_whole_cents(quote.yes_ask)):
        tally.flag(line, Fault.OFF_CENT, f"{dollars(quote.yes_bid)} / {dollars(quote.yes_ask)}")
    if not history or quote.at > history[-1].at:
        history.append(quote)
        return
    place = bisect_left(history, quote.at, key=_quoted_at)
    if history[place].at == quote.at:
        raise BadRow(Fault.DUPLICATE, f"{line.fields[0]} has a row of {line.fields[1]} already")
    history.insert(place, quote)
    tally.flag(line, Fault.UNSORTED, f"{line.fields[1]} comes after a later row")


def _quoted_at(quote: QuoteRow) -> int:
    return quote.at
